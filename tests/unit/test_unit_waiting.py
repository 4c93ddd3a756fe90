"""``waiting``: when it asks, when it tells, and when it gives up, on a virtual clock."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from aioresponses_shim import mocked_http
from unit_kit import UID, VIDEO_URL, client, envelope, video
from virtual_clock import VirtualClock

from cfstream import (
    ClientClosedError,
    EncodingFailedError,
    InvalidInputError,
    NotFoundError,
    RateLimit,
    Stream,
    Video,
    WaitTimeoutError,
)


@pytest.fixture
def api() -> Iterator[Any]:
    with mocked_http() as mocked:
        yield mocked


def states(api: Any, *states: dict[str, Any], ready: bool = False, repeat: bool | int = False) -> None:
    for state in states:
        api.get(VIDEO_URL, body=envelope(video(status=state, readyToStream=ready)), repeat=repeat)


def asked(api: Any) -> int:
    return sum(len(calls) for calls in api.requests.values())


QUEUED, HALF = {"state": "queued"}, {"state": "inprogress", "pctComplete": "50.000000"}
READY = {"state": "ready", "pctComplete": "100.000000"}


async def wait(clock: VirtualClock, **options: Any) -> Video:
    async with client(clock) as stream:
        return await stream.wait_until_ready(UID, **options)


async def test_a_ready_video_is_given_at_once(api: Any) -> None:
    clock = VirtualClock()
    states(api, READY)
    assert (await wait(clock)).status.state == "ready"
    assert clock.slept == []


async def test_it_asks_more_seldom_with_time_and_never_less_than_every_15_seconds(api: Any) -> None:
    clock = VirtualClock()
    states(api, *[QUEUED] * 30, READY)
    await wait(clock)
    assert clock.slept[:3] == [0.5, 0.75, 1.125]
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] == 15.0


async def test_every_change_of_state_or_progress_is_told_once(api: Any) -> None:
    seen: list[tuple[str, float | None]] = []
    states(api, QUEUED, QUEUED, HALF, HALF, READY)
    await wait(VirtualClock(), on_state=lambda video: seen.append((video.status.state, video.status.pct_complete)))
    assert seen == [("queued", None), ("inprogress", 50.0), ("ready", 100.0)]


async def test_whoever_is_told_may_be_async(api: Any) -> None:
    seen = []

    async def told(video: Video) -> None:
        await asyncio.sleep(0)
        seen.append(video.uid)

    states(api, READY)
    await wait(VirtualClock(), on_state=told)
    assert seen == [UID]


async def test_ready_waits_for_every_quality_and_playable_for_the_first(api: Any) -> None:
    early = {"state": "ready", "pctComplete": "60.000000"}
    states(api, early, READY, ready=True)
    await wait(VirtualClock())
    assert asked(api) == 2
    api.requests.clear()
    states(api, HALF, ready=False)
    states(api, HALF, ready=True)
    assert (await wait(VirtualClock(), until="playable")).status.state == "inprogress"
    assert asked(api) == 2


async def test_a_ready_video_without_progress_is_ready(api: Any) -> None:
    states(api, {"state": "ready"})
    await wait(VirtualClock())


@pytest.mark.parametrize("until", ["ready", "playable"])
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            {"errorReasonCode": "ERR_NON_VIDEO", "errorReasonText": "The file was not recognized"},
            "could not be encoded: ERR_NON_VIDEO: The file was not recognized; upload one of the containers",
        ),
        ({"errReasonCode": "ERR_MALFORMED_VIDEO"}, "ERR_MALFORMED_VIDEO: the file is a video but damaged; encode it"),
        ({"errorReasonCode": "ERR_NEW", "errorReasonText": "odd"}, "ERR_NEW: odd$"),
        ({"errorReasonCode": "ERR_NEW"}, "ERR_NEW: the service gives no reason$"),
        ({}, "ERR_UNKNOWN: the service gives no reason; upload the file again"),
    ],
)
async def test_a_failed_encode_is_an_error_with_its_reason(
    api: Any, until: str, status: dict[str, str], said: str
) -> None:
    states(api, QUEUED, {"state": "error", **status})
    with pytest.raises(EncodingFailedError, match=said) as caught:
        await wait(VirtualClock(), until=until)
    assert caught.value.uid == UID
    assert caught.value.codes == (next(iter(status.values()), "ERR_UNKNOWN"),)
    assert not caught.value.retryable


async def test_it_gives_up_in_time_and_says_where_the_video_stands(api: Any) -> None:
    clock = VirtualClock()
    states(api, HALF, repeat=True)
    with pytest.raises(WaitTimeoutError, match=f"video {UID} is not ready after 30 s; it is 'inprogress'") as caught:
        await wait(clock, timeout=30)
    assert clock.now <= 30
    assert (caught.value.uid, caught.value.state) == (UID, "inprogress")
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.retryable


async def test_without_a_timeout_it_waits_for_an_hour(api: Any) -> None:
    clock = VirtualClock()
    states(api, QUEUED, repeat=300)
    states(api, READY)
    await wait(clock, timeout=None)
    assert clock.now > 3600


async def test_a_video_that_is_not_there_is_an_error(api: Any) -> None:
    api.get(VIDEO_URL, status=404)
    with pytest.raises(NotFoundError):
        await wait(VirtualClock())


async def test_wrong_arguments_are_refused_before_asking(api: Any) -> None:
    with pytest.raises(InvalidInputError, match="until: expected 'ready' or 'playable', got 'done'"):
        await wait(VirtualClock(), until="done")
    async with client() as stream:
        with pytest.raises(InvalidInputError, match="identifier"):
            await stream.wait_until_ready("../x")
    assert asked(api) == 0


@pytest.mark.parametrize("used_before", [True, False])
async def test_closing_the_client_ends_the_wait_at_once(api: Any, *, used_before: bool) -> None:
    states(api, QUEUED, repeat=True)
    stream: Stream = client(_clock=None, rate_limit=RateLimit())
    if used_before:
        await stream.get(UID)
    loop = asyncio.get_running_loop()
    waiting = asyncio.create_task(stream.wait_until_ready(UID, timeout=None))
    await asyncio.sleep(0.01)
    assert asked(api) == 1 + used_before
    started = loop.time()
    await stream.close()
    with pytest.raises(ClientClosedError, match=r"cfstream\.Stream was closed during the call"):
        await waiting
    assert loop.time() - started < 0.3  # and not only when the next question is due
