"""Many videos waited for against the emulator: what it counts, and what the two colours tell."""

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from virtual_clock import VirtualClock

import cfstream.sync
from cfstream import (
    EncodingFailedError,
    Hooks,
    NotFoundError,
    RateLimit,
    Ready,
    RequestEvent,
    Stream,
    Video,
    WaitFailed,
    WaitTimeoutError,
)
from cfstream.emulator import Emulator
from cfstream.emulator.media.testvideo import make_test_video


def made(emulator: Emulator, number: int, state: str = "queued") -> list[str]:
    """Give that many videos, without the encoder's work."""
    library = emulator._running.library
    return [library.make(library.now() + place, state=state).uid for place in range(number)]


def encoded(emulator: Emulator, *uids: str) -> None:
    for uid in uids:
        emulator._running.library.change(uid, state="ready", percent=100.0)


async def test_a_thousand_videos_cost_one_list_request_a_tick(emulator: Emulator) -> None:
    clock = VirtualClock()
    uids = made(emulator, 1000)
    times: list[float] = []

    def asks(_: RequestEvent) -> None:
        times.append(clock.now)
        if clock.now > 60:
            encoded(emulator, *uids)

    hooks = Hooks(on_request=asks)
    async with emulator.stream(_clock=clock, rate_limit=RateLimit(), hooks=hooks) as stream:

        async def all_of_them() -> list[Ready | WaitFailed]:
            return [outcome async for outcome in stream.wait_many(uids)]

        outcomes, single = await asyncio.gather(all_of_them(), stream.wait_until_ready(uids[0]))
    assert single.uid == uids[0]
    assert len(times) == len(set(times)) == emulator.requests.count()
    assert emulator.requests.count("STREAM_LIST") >= emulator.requests.count() - 1  # the first knew of one video only
    assert len(times) <= 40
    assert {outcome.uid for outcome in outcomes if isinstance(outcome, Ready)} == set(uids)
    assert {outcome.uid for outcome in outcomes} == set(uids)
    assert clock.now < 60 + 2 * 15
    assert all(record.status == 200 for record in emulator.requests)


async def test_a_list_that_is_behind_and_a_video_that_is_gone(emulator: Emulator) -> None:
    emulator.list_lag = 3600
    clock = VirtualClock()
    uids = made(emulator, 3)
    encoded(emulator, *uids)
    async with emulator.stream(_clock=clock) as stream:
        outcomes = {outcome.uid: outcome async for outcome in stream.wait_many([*uids, "0" * 32])}
    assert isinstance(outcomes.pop("0" * 32).error, NotFoundError)
    assert [outcome.error for outcome in outcomes.values()] == [None, None, None]
    assert emulator.requests.count("STREAM_GET") == 4


async def test_real_encodes_are_told_with_their_outcome(emulator: Emulator, stream: Stream) -> None:
    film = await asyncio.to_thread(make_film)
    good = [(await stream.upload(film, name=f"film {place}")).uid for place in range(2)]
    bad = (await stream.upload(b"this is a text" * 100, name="text")).uid
    never = (await stream.create(upload_length=10)).uid
    emulator.resume_encoding()
    outcomes = {outcome.uid: outcome async for outcome in stream.wait_many([*good, bad], timeout=60)}
    for uid in good:
        outcome = outcomes[uid]
        assert isinstance(outcome, Ready)
        assert outcome.video.status.state == "ready"
    assert isinstance(outcomes[bad].error, EncodingFailedError)
    async for outcome in stream.wait_many([never], timeout=0.2):
        assert isinstance(outcome.error, WaitTimeoutError)
        assert outcome.error.state == "pendingupload"


def make_film() -> bytes:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        make_test_video(path, seconds=1, size=(160, 90))
        return path.read_bytes()


async def test_bulk_deletes_do_not_hold_up_a_look(emulator: Emulator) -> None:
    clock = VirtualClock()
    looked: list[float] = []

    def began(event: RequestEvent) -> None:
        if event.row.startswith("GET"):
            looked.append(clock.now)

    async with emulator.stream(_clock=clock, rate_limit=RateLimit(), hooks=Hooks(on_request=began)) as stream:
        (uid,) = made(emulator, 1)

        async def endless() -> AsyncIterator[str]:
            while True:
                yield secrets.token_hex(16)

        async def deletes() -> None:
            async for _ in stream.delete_many(endless(), concurrency=200):
                pass

        job = asyncio.create_task(deletes())
        await clock.sleep(30)
        waits = []
        for _ in range(20):
            await clock.sleep(1)
            asked = clock.now
            await stream.get(uid)
            waits.append(looked[-1] - asked)
        job.cancel()
        await asyncio.wait([job])
    assert max(waits) < 2
    assert emulator.requests.count("STREAM_DELETE") > 55


@pytest.fixture
def blocking() -> Iterator[tuple[Emulator, cfstream.sync.Stream]]:
    own = Emulator()
    with own as running:
        running.pause_encoding()
        with running.stream() as stream:
            yield own, stream


def test_the_blocking_twin_reads_and_tells_in_the_callers_thread(
    blocking: tuple[Emulator, cfstream.sync.Stream],
) -> None:
    _, stream = blocking
    threads: set[threading.Thread] = set()
    states: list[str] = []
    uids = [stream.create(upload_length=10).uid for _ in range(3)]
    stream.edit(uids[0], creator="a")

    def source() -> Iterator[str]:
        for uid in uids:
            threads.add(threading.current_thread())
            yield stream.get(uid).uid

    def note(video: Video) -> None:
        threads.add(threading.current_thread())
        states.append(video.status.state)

    with pytest.raises(WaitTimeoutError):
        stream.wait_until_ready(uids[0], timeout=0.1, on_state=note)
    outcomes = list(stream.wait_many(source(), timeout=0.2))
    assert sorted(outcome.uid for outcome in outcomes) == sorted(uids)
    assert all(isinstance(outcome.error, WaitTimeoutError) for outcome in outcomes)
    assert threads == {threading.current_thread()}
    assert states == ["pendingupload"]
    with stream.wait_many(uids) as left_early:
        assert iter(left_early) is left_early
    assert list(stream.wait_many([])) == []


def test_hooks_of_the_blocking_twin_run_in_the_thread_that_waits() -> None:
    threads: set[threading.Thread] = set()
    hooks = Hooks(on_request=lambda _: threads.add(threading.current_thread()))
    with Emulator() as emulator, emulator.stream(hooks=hooks) as stream:
        uid = stream.create(upload_length=10).uid
        with pytest.raises(WaitTimeoutError):
            stream.wait_until_ready(uid, timeout=0.1)
        assert len(list(stream.wait_many([uid, "0" * 32], timeout=1))) == 2
    assert threads == {threading.current_thread()}
