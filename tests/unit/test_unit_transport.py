"""``_transport`` and ``_retry`` together: status to error, what is sent again, how long is waited; nothing is sent."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol
from aioresponses_shim import mocked_http
from unit_kit import (
    ACCOUNT,
    API,
    GET_ROW,
    PNG,
    TOKEN,
    UID,
    VIDEO_URL,
    VIDEOS_URL,
    all_words,
    client,
    envelope,
    frames,
    refusal,
    video,
)
from virtual_clock import VirtualClock

from cfstream import (
    AmbiguousResultError,
    APIError,
    BadRequestError,
    ConflictError,
    DecodeError,
    Hooks,
    InternalServerError,
    NotFoundError,
    RateLimit,
    RateLimitError,
    RedirectError,
    RequestEvent,
    RequestTimeoutError,
    ResponseEvent,
    RetryEvent,
    RetryPolicy,
    Stream,
    TransportError,
    errors,
)
from cfstream._transport import piece_of, translate

WATERMARKS_URL = f"{API}/accounts/{ACCOUNT}/stream/watermarks"
VTT_URL = f"{VIDEO_URL}/captions/en/vtt"
TUS_HEADERS = {"Location": "https://upload.example/x", "stream-media-id": UID}
MARK = {"uid": "5d" * 16}

READ, SET, DELETE, CREATE, TUS = "READ", "SET", "DELETE", "CREATE", "CREATE tus"
Call = Callable[[Stream], Awaitable[Any]]
CALLS: dict[str, tuple[str, str, Call, dict[str, Any]]] = {
    READ: ("get", VIDEO_URL, lambda stream: stream.get(UID), {"body": envelope(video())}),
    SET: ("post", VIDEO_URL, lambda stream: stream.edit(UID, creator="a"), {"body": envelope(video())}),
    DELETE: ("delete", VIDEO_URL, lambda stream: stream.delete(UID), {"body": b""}),
    CREATE: ("post", WATERMARKS_URL, lambda stream: stream.watermarks.create(file=PNG), {"body": envelope(MARK)}),
    TUS: ("post", VIDEOS_URL, lambda stream: stream.create(upload_length=1), {"status": 201, "headers": TUS_HEADERS}),
}
REPEATABLE, CREATING, EVERY = (READ, SET, DELETE), (CREATE, TUS), tuple(CALLS)


@pytest.fixture
def api() -> Iterator[Any]:
    with mocked_http() as mocked:
        yield mocked


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def requests(api: Any) -> int:
    return sum(len(calls) for calls in api.requests.values())


def script(api: Any, kind: str, *answers: int | Exception | dict[str, Any]) -> None:
    """Queue answers for a call: a status, an exception, or the parts of an answer; 0 is the good one."""
    verb, url, _, good = CALLS[kind]
    for answer in answers:
        if isinstance(answer, Exception):
            parts: dict[str, Any] = {"exception": answer}
        elif isinstance(answer, int):
            parts = good if answer == 0 else {"status": answer}
        else:
            parts = answer
        getattr(api, verb)(url, **parts)


async def run(kind: str, clock: VirtualClock | None = None, **options: Any) -> Any:
    async with client(clock, **options) as stream:
        return await CALLS[kind][2](stream)


async def failed(expected: type[BaseException], kind: str, clock: VirtualClock | None = None, **options: Any) -> Any:
    with pytest.raises(expected) as caught:
        await run(kind, clock, **options)
    assert type(caught.value) is expected
    return caught.value


# --- status to error ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 410, 411, 413, 415, 422, 424])
async def test_a_refusal_is_its_error_after_one_attempt(api: Any, kind: str, status: int) -> None:
    script(api, kind, {"status": status, "body": refusal((10005, "no")), "headers": {"cf-ray": "8a-FRA"}}, 0)
    error = await failed(errors.error_class(status), kind)
    assert requests(api) == 1
    assert (error.status, error.codes, error.ray_id, error.attempts) == (status, (10005,), "8a-FRA", 1)
    assert error.request.endswith(
        CALLS[kind][1].removeprefix(API).replace(ACCOUNT, "{account_id}").replace(UID, "{identifier}")
    )
    assert not error.retryable


async def test_an_error_names_the_row_and_never_the_filled_address(api: Any) -> None:
    script(api, READ, 404)
    error = await failed(NotFoundError, READ)
    assert error.request == GET_ROW
    assert UID not in all_words(error)
    assert ACCOUNT not in all_words(error)


# --- what is sent again ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", REPEATABLE)
@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 520, 521, 522, 524])
async def test_what_can_be_repeated_is_repeated_until_it_succeeds(
    api: Any, clock: VirtualClock, kind: str, status: int
) -> None:
    script(api, kind, status, status, 0)
    await run(kind, clock)
    assert requests(api) == 3
    assert len(clock.slept) == 2
    assert clock.slept[0] <= 0.5
    assert clock.slept[1] <= 1.0


@pytest.mark.parametrize("kind", REPEATABLE)
async def test_after_four_attempts_the_last_failure_is_raised(api: Any, clock: VirtualClock, kind: str) -> None:
    script(api, kind, 500, 500, 500, 503, 0)
    error = await failed(InternalServerError, kind, clock)
    assert requests(api) == error.attempts == 4
    assert error.status == 503
    assert error.retryable
    assert "attempts: 4" in str(error)


@pytest.mark.parametrize("kind", CREATING)
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 524])
async def test_what_may_have_made_something_is_not_sent_again(
    api: Any, clock: VirtualClock, kind: str, status: int
) -> None:
    script(api, kind, {"status": status, "headers": {"cf-ray": "8a-FRA"}}, 0)
    clock.now = 1000.0
    error = await failed(AmbiguousResultError, kind, clock)
    assert requests(api) == error.attempts == 1
    assert clock.slept == []
    assert (error.status, error.ray_id, error.since) == (status, "8a-FRA", clock.epoch + 1000)
    assert isinstance(error.__cause__, APIError)
    assert "look for the object before sending the call again" in str(error)


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("status", [521, 522, 523, 525, 526])
async def test_what_never_reached_the_service_is_sent_again(
    api: Any, clock: VirtualClock, kind: str, status: int
) -> None:
    script(api, kind, status, 0)
    await run(kind, clock)
    assert requests(api) == 2


@pytest.mark.parametrize("kind", EVERY)
async def test_a_503_that_says_when_to_come_back_is_sent_again_then(api: Any, clock: VirtualClock, kind: str) -> None:
    script(api, kind, {"status": 503, "headers": {"Retry-After": "20"}}, 0)
    await run(kind, clock)
    assert requests(api) == 2
    assert 20 <= clock.slept[0] <= 22


@pytest.mark.parametrize("kind", EVERY)
async def test_a_first_failure_can_be_followed_by_a_refusal(api: Any, clock: VirtualClock, kind: str) -> None:
    script(api, kind, 522, 400, 0)
    error = await failed(BadRequestError, kind, clock)
    assert requests(api) == error.attempts == 2


async def test_a_create_that_fails_ambiguously_the_second_time_ends_then(api: Any, clock: VirtualClock) -> None:
    script(api, CREATE, 522, 500, 0)
    error = await failed(AmbiguousResultError, CREATE, clock)
    assert requests(api) == error.attempts == 2


async def test_a_policy_of_none_sends_once(api: Any, clock: VirtualClock) -> None:
    script(api, READ, 500, 0)
    error = await failed(InternalServerError, READ, clock, retry=RetryPolicy.none())
    assert requests(api) == error.attempts == 1


async def test_a_policy_of_none_sends_once_also_when_told_to_come_back(api: Any, clock: VirtualClock) -> None:
    script(api, READ, {"status": 429, "headers": {"Retry-After": "1"}}, 0)
    error = await failed(RateLimitError, READ, clock, retry=RetryPolicy.none())
    assert requests(api) == error.attempts == 1
    assert error.retry_at == pytest.approx(clock.epoch + 1)


@pytest.mark.parametrize("attempts", [1, 2, 7])
async def test_attempts_are_what_the_policy_says(api: Any, clock: VirtualClock, attempts: int) -> None:
    script(api, READ, *[500] * 10)
    error = await failed(InternalServerError, READ, clock, retry=RetryPolicy(attempts=attempts))
    assert requests(api) == error.attempts == attempts


# --- delete ------------------------------------------------------------------------------------------------------


async def test_a_delete_that_finds_nothing_after_one_that_may_have_deleted_has_succeeded(
    api: Any, clock: VirtualClock
) -> None:
    for first in (502, aiohttp.ServerDisconnectedError(), aiohttp.SocketTimeoutError()):
        script(api, DELETE, first, 404)
        await run(DELETE, clock)
    script(api, DELETE, 502, 522, 429, 404)
    await run(DELETE, clock)


async def test_a_delete_that_finds_nothing_at_first_has_failed(api: Any, clock: VirtualClock) -> None:
    script(api, DELETE, 404)
    await failed(NotFoundError, DELETE, clock)
    script(api, DELETE, 522, 404)
    error = await failed(NotFoundError, DELETE, clock)
    assert error.attempts == 2
    script(api, DELETE, {"status": 503, "headers": {"Retry-After": "1"}}, 404)
    await failed(NotFoundError, DELETE, clock)


@pytest.mark.parametrize("kind", [READ, SET])
async def test_only_a_delete_takes_nothing_for_success(api: Any, clock: VirtualClock, kind: str) -> None:
    script(api, kind, 502, 404)
    await failed(NotFoundError, kind, clock)


# --- 429 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVERY)
async def test_a_pause_the_service_asks_for_is_kept_and_no_attempt_is_lost(
    api: Any, clock: VirtualClock, kind: str
) -> None:
    script(api, kind, *[{"status": 429, "headers": {"Retry-After": "300"}}] * 6, 0)
    await run(kind, clock, timeout=None)
    assert requests(api) == 7
    assert len(clock.slept) >= 6
    assert 6 * 300 <= clock.now <= 6 * 330


async def test_a_pause_may_be_as_long_as_a_block_and_no_longer(api: Any, clock: VirtualClock) -> None:
    script(api, READ, {"status": 429, "headers": {"Retry-After": "310"}}, 0)
    await run(READ, clock, timeout=None)
    assert 310 <= clock.now <= 341
    script(api, READ, {"status": 429, "headers": {"Retry-After": "311"}}, 0)
    before = clock.now
    error = await failed(RateLimitError, READ, clock, timeout=None)
    assert error.retry_at == pytest.approx(clock.epoch + before + 311)
    assert clock.now == before


async def test_a_pause_beyond_the_timeout_is_refused_at_once_and_says_when_to_come_back(
    api: Any, clock: VirtualClock
) -> None:
    script(api, READ, {"status": 429, "headers": {"Retry-After": "300"}}, 0)
    error = await failed(RateLimitError, READ, clock, timeout=60)
    assert requests(api) == error.attempts == 1
    assert clock.slept == []
    assert error.retry_at == pytest.approx(clock.epoch + 300)
    assert error.retryable


async def test_a_429_that_says_nothing_backs_off_from_a_second_and_counts(api: Any, clock: VirtualClock) -> None:
    script(api, READ, 429, 429, 429, 429, 0)
    error = await failed(RateLimitError, READ, clock)
    assert requests(api) == error.attempts == 4
    assert all(slept <= bound for slept, bound in zip(clock.slept, (1.0, 2.0, 4.0), strict=True))
    assert error.retry_at is not None


async def test_a_date_is_read_against_the_answers_own(api: Any, clock: VirtualClock) -> None:
    headers = {"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    script(api, READ, {"status": 429, "headers": headers}, 0)
    await run(READ, clock)
    assert 30 <= clock.now <= 33


@pytest.mark.parametrize("value", ["nan", "inf", "1e400", "-", "soon", ""])
async def test_a_pause_that_cannot_be_read_is_as_none(api: Any, clock: VirtualClock, value: str) -> None:
    script(api, READ, {"status": 429, "headers": {"Retry-After": value}}, 0)
    await run(READ, clock)
    assert clock.now <= 1.0


@pytest.mark.parametrize("value", ["0", "-5"])
async def test_a_pause_of_nothing_is_no_reason_to_ask_without_end(api: Any, clock: VirtualClock, value: str) -> None:
    script(api, READ, *[{"status": 429, "headers": {"Retry-After": value}}] * 300)
    with pytest.raises(RateLimitError):
        await run(READ, clock, timeout=None)
    assert requests(api) < 300


async def test_one_429_pauses_the_whole_client(api: Any, clock: VirtualClock) -> None:
    api.get(VIDEO_URL, status=429, headers={"Retry-After": "200"})
    api.get(VIDEO_URL, body=envelope(video()), repeat=True)
    times: list[float] = []
    async with client(clock, rate_limit=RateLimit(), timeout=None) as stream:

        async def other() -> None:
            await asyncio.sleep(0.01)
            await stream.with_options(account_id=ACCOUNT).get(UID)
            times.append(clock.now)

        await asyncio.gather(stream.get(UID), other(), other())
    assert min(times) >= 200


async def test_a_pause_beyond_all_bounds_does_not_shut_the_client_for_good(api: Any, clock: VirtualClock) -> None:
    api.get(VIDEO_URL, status=429, headers={"Retry-After": "1e12"})
    api.get(VIDEO_URL, body=envelope(video()), repeat=True)
    async with client(clock, rate_limit=RateLimit()) as stream:
        with pytest.raises(RateLimitError):
            await stream.get(UID)
        clock.now += 400  # longer than any block of the service, and than the longest wait the policy grants
        assert (await stream.get(UID)).uid == UID


async def test_the_services_own_count_reaches_the_governor(api: Any, clock: VirtualClock) -> None:
    api.get(VIDEO_URL, body=envelope(video()), headers={"Ratelimit": '"default";r=1;t=50'})
    api.get(VIDEO_URL, body=envelope(video()), repeat=True)
    async with client(clock) as stream:
        await stream.get(UID)
        await stream.get(UID)
        assert clock.now == 0
        await stream.get(UID)
        assert clock.now >= 50


# --- x-should-retry ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("status", [429, 500, 503, 521])
async def test_a_server_that_forbids_repeating_is_obeyed(api: Any, clock: VirtualClock, kind: str, status: int) -> None:
    script(api, kind, {"status": status, "headers": {"x-should-retry": "false"}}, 0)
    with pytest.raises((APIError, AmbiguousResultError)) as caught:
        await run(kind, clock)
    assert requests(api) == caught.value.attempts == 1


@pytest.mark.parametrize("kind", REPEATABLE)
async def test_a_server_that_asks_for_repeating_is_obeyed_where_it_does_no_harm(
    api: Any, clock: VirtualClock, kind: str
) -> None:
    script(api, kind, {"status": 424, "headers": {"x-should-retry": "true"}}, 0)
    await run(kind, clock)
    assert requests(api) == 2


@pytest.mark.parametrize("kind", REPEATABLE)
async def test_a_conflict_stays_one_whatever_the_server_says_of_repeating(
    api: Any, clock: VirtualClock, kind: str
) -> None:
    script(api, kind, {"status": 409, "headers": {"x-should-retry": "true"}}, 0)
    error = await failed(ConflictError, kind, clock)
    assert requests(api) == error.attempts == 1


@pytest.mark.parametrize("kind", CREATING)
async def test_a_create_is_not_repeated_on_request_and_its_refusal_stays_one(
    api: Any, clock: VirtualClock, kind: str
) -> None:
    script(api, kind, {"status": 409, "headers": {"x-should-retry": "true"}}, 0)
    error = await failed(ConflictError, kind, clock)
    assert requests(api) == error.attempts == 1


# --- no answer ---------------------------------------------------------------------------------------------------

_KEY: Any = object()
RESET = aiohttp.ClientOSError(104, "Connection reset by peer")


def refused() -> Exception:
    from aiohttp.client_reqrep import ConnectionKey

    key = ConnectionKey(
        "api.cloudflare.com", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
    )
    return aiohttp.ClientConnectorError(key, OSError(111, "Connect call failed"))


BROKEN: dict[str, tuple[Callable[[], Exception], type[TransportError], bool]] = {
    "refused": (refused, TransportError, False),
    "connect timeout": (lambda: aiohttp.ConnectionTimeoutError("slow"), RequestTimeoutError, False),
    "reset": (lambda: RESET, TransportError, True),
    "disconnected": (aiohttp.ServerDisconnectedError, TransportError, True),
    "silence": (lambda: aiohttp.SocketTimeoutError("silence"), RequestTimeoutError, True),
    "cut off": (lambda: aiohttp.ClientPayloadError("half"), TransportError, True),
    "pipe": (lambda: BrokenPipeError(32, "Broken pipe"), TransportError, True),
}


@pytest.mark.parametrize(("make", "expected", "sent"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("kind", REPEATABLE)
async def test_without_an_answer_what_can_be_repeated_is_repeated(
    api: Any, clock: VirtualClock, kind: str, make: Any, expected: type[TransportError], *, sent: bool
) -> None:
    script(api, kind, make(), make(), 0)
    await run(kind, clock)
    assert requests(api) == 3
    script(api, kind, *[make() for _ in range(4)])
    error = await failed(expected, kind, clock)
    assert error.attempts == 4
    assert error.sent == sent
    assert error.retryable


@pytest.mark.parametrize(("make", "expected", "sent"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("kind", CREATING)
async def test_without_an_answer_a_create_is_repeated_only_if_it_was_never_sent(
    api: Any, clock: VirtualClock, kind: str, make: Any, expected: type[TransportError], *, sent: bool
) -> None:
    script(api, kind, make(), 0)
    if sent:
        error = await failed(AmbiguousResultError, kind, clock)
        assert requests(api) == error.attempts == 1
    else:
        await run(kind, clock)
        assert requests(api) == 2


@pytest.mark.parametrize("kind", CREATING)
@pytest.mark.parametrize("name", ["refused", "connect timeout"])
async def test_a_create_that_was_never_sent_is_not_called_ambiguous(
    api: Any, clock: VirtualClock, kind: str, name: str
) -> None:
    make, expected, _ = BROKEN[name]
    script(api, kind, *[make() for _ in range(4)])
    error = await failed(expected, kind, clock)
    assert error.attempts == requests(api) == 4
    assert not error.sent


@pytest.mark.parametrize("kind", EVERY)
async def test_a_certificate_that_does_not_hold_is_final(api: Any, clock: VirtualClock, kind: str) -> None:
    import ssl

    from aiohttp.client_reqrep import ConnectionKey

    key = ConnectionKey(
        "api.cloudflare.com", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
    )
    bad = aiohttp.ClientConnectorCertificateError(key, ssl.SSLCertVerificationError(1, "self-signed certificate"))
    script(api, kind, bad, 0)
    error = await failed(TransportError, kind, clock)
    assert str(error).startswith("TLS: self-signed certificate")
    assert requests(api) == error.attempts == 1
    assert not error.retryable


async def test_failures_of_the_program_are_not_renamed_and_not_repeated(api: Any, clock: VirtualClock) -> None:
    for bug in (TypeError("a bug"), ValueError("a bug"), KeyError("a bug"), MemoryError()):
        script(api, READ, bug, 0)
        with pytest.raises(type(bug)):
            await run(READ, clock)
        api.clear()
    assert clock.slept == []


async def test_a_failure_of_the_program_in_a_repetition_is_not_renamed_either(api: Any, clock: VirtualClock) -> None:
    script(api, READ, 500, TypeError("a bug"), 0)
    with pytest.raises(TypeError, match="a bug"):
        await run(READ, clock)
    assert requests(api) == 2


async def test_cancelling_is_passed_on_from_a_wait(api: Any) -> None:
    script(api, READ, *[500] * 9)
    async with client(_clock=None, retry=RetryPolicy(base=1000.0, cap=1000.0), timeout=None) as stream:
        task = asyncio.create_task(stream.get(UID))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert requests(api) == 1


# --- answers that are no answers ---------------------------------------------------------------------------------

GARBAGE = {"HTML": b"<html>Sign in</html>", "half a JSON": envelope(video())[:-9], "empty": b""}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("kind", [READ, SET])
async def test_garbage_is_asked_for_again_twice(api: Any, clock: VirtualClock, kind: str, body: bytes) -> None:
    script(api, kind, {"body": body}, {"body": body}, 0)
    await run(kind, clock)
    assert requests(api) == 3
    script(api, kind, *[{"body": body}] * 5)
    error = await failed(DecodeError, kind, clock)
    assert error.attempts == 3
    assert error.request


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_in_place_of_a_caption_is_asked_for_again_twice(
    api: Any, clock: VirtualClock, body: bytes
) -> None:
    for _ in range(5):
        api.get(VTT_URL, body=body, content_type="text/html")
    async with client(clock) as stream:
        with pytest.raises(DecodeError) as caught:
            await stream.captions.language.vtt.get("en", identifier=UID)
    assert caught.value.attempts == requests(api) == 3


@pytest.mark.parametrize("kind", CREATING)
async def test_garbage_in_answer_to_a_create_leaves_it_open(api: Any, clock: VirtualClock, kind: str) -> None:
    script(api, kind, {"body": GARBAGE["HTML"], "content_type": "text/html"}, 0)
    error = await failed(AmbiguousResultError, kind, clock)
    assert requests(api) == error.attempts == 1


async def test_an_object_of_the_wrong_shape_is_not_asked_for_again(api: Any, clock: VirtualClock) -> None:
    script(api, READ, {"body": envelope({"uid": UID})}, 0)
    error = await failed(DecodeError, READ, clock)
    assert requests(api) == error.attempts == 1
    assert str(error) == f"Video: required field missing: created @ $.created ({GET_ROW})"


async def test_success_false_is_an_error_with_the_call_in_it(api: Any, clock: VirtualClock) -> None:
    script(api, READ, {"body": refusal((10003, f"Not Found, {TOKEN}")), "headers": {"cf-ray": "8a-FRA"}}, 0)
    error = await failed(NotFoundError, READ, clock)
    assert (error.request, error.codes, error.ray_id, error.attempts) == (GET_ROW, (10003,), "8a-FRA", 1)
    assert TOKEN not in all_words(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("kind", EVERY)
async def test_a_redirect_is_not_followed(api: Any, clock: VirtualClock, kind: str, status: int) -> None:
    script(api, kind, {"status": status, "headers": {"Location": "https://elsewhere.example/path?secret=CANARY"}}, 0)
    error = await failed(RedirectError, kind, clock)
    assert requests(api) == error.attempts == 1
    assert "redirects to elsewhere.example" in str(error)
    assert "CANARY" not in all_words(error)


@pytest.mark.parametrize(
    "location", ["", "/relative", "http://[", "http://[::1", "https://h:99999/", "\\\\x", "mailto:a"]
)
async def test_a_redirect_to_nowhere_is_not_followed_either(api: Any, clock: VirtualClock, location: str) -> None:
    script(api, READ, {"status": 307, "headers": {"Location": location} if location else {}})
    await failed(RedirectError, READ, clock)


# --- time --------------------------------------------------------------------------------------------------------


async def test_a_wait_that_does_not_fit_is_not_begun(api: Any, clock: VirtualClock) -> None:
    script(api, READ, *[500] * 9)
    policy = RetryPolicy(base=1e6, cap=1e6, attempts=9)
    error = await failed(InternalServerError, READ, clock, timeout=5, retry=policy)
    assert clock.now <= 5
    assert error.attempts == requests(api)


async def test_the_timeout_holds_for_the_whole_call(api: Any) -> None:
    async def slow(url: Any, **_: Any) -> None:
        await asyncio.sleep(30)

    api.get(VIDEO_URL, callback=slow, repeat=True)
    started = asyncio.get_running_loop().time()
    error = await failed(RequestTimeoutError, READ, None, timeout=0.05, _clock=None)
    assert asyncio.get_running_loop().time() - started < 1
    assert issubclass(RequestTimeoutError, TimeoutError)
    assert "no result within the timeout of 0.05 s" in str(error)
    assert (error.request, error.attempts, error.retryable) == (GET_ROW, 1, True)


@pytest.mark.parametrize("kind", CREATING)
async def test_a_create_whose_time_runs_out_on_the_way_is_ambiguous(api: Any, kind: str) -> None:
    async def slow(url: Any, **_: Any) -> None:
        await asyncio.sleep(30)

    script(api, kind, {"callback": slow})
    error = await failed(AmbiguousResultError, kind, None, timeout=0.05, _clock=None)
    assert error.attempts == 1
    assert isinstance(error.__cause__, RequestTimeoutError)


async def test_waiting_for_the_governor_counts_too(api: Any, clock: VirtualClock) -> None:
    api.get(VIDEO_URL, body=envelope(video()), repeat=True)
    async with client(clock, rate_limit=RateLimit(requests=1, per=1000), timeout=60) as stream:
        await stream.get(UID)
        with pytest.raises(RateLimitError, match="beyond this call's timeout") as caught:
            await stream.get(UID)
        assert caught.value.attempts == 0
        assert caught.value.request == GET_ROW
        assert caught.value.retry_at is not None
        assert caught.value.retry_at > clock.epoch + 60
    assert requests(api) == 1


async def test_limits_of_each_try_reach_aiohttp(api: Any) -> None:
    script(api, READ, 0)
    await run(READ, retry=RetryPolicy(connect_timeout=3.0, response_timeout=4.0))
    ((_, calls),) = api.requests.items()
    assert calls[0].kwargs["timeout"] == aiohttp.ClientTimeout(total=None, sock_connect=3.0, sock_read=4.0)


# --- hooks and logs ----------------------------------------------------------------------------------------------


async def test_hooks_see_every_request_answer_and_repetition(api: Any, clock: VirtualClock) -> None:
    seen: list[Any] = []
    hooks = Hooks(on_request=seen.append, on_response=seen.append, on_retry=seen.append)
    script(api, READ, {"status": 503, "headers": {"cf-ray": "8a-FRA"}}, aiohttp.ServerDisconnectedError(), 0)
    await run(READ, clock, hooks=hooks)
    assert [(type(event), event.attempt) for event in seen] == [
        (RequestEvent, 1),
        (ResponseEvent, 1),
        (RetryEvent, 1),
        (RequestEvent, 2),
        (RetryEvent, 2),
        (RequestEvent, 3),
        (ResponseEvent, 3),
    ]
    assert {event.row for event in seen} == {GET_ROW}
    assert (seen[1].status, seen[1].ray_id) == (503, "8a-FRA")
    assert seen[1].elapsed >= 0
    assert (seen[6].status, seen[6].ray_id) == (200, None)
    assert isinstance(seen[2].error, InternalServerError)
    assert isinstance(seen[4].error, TransportError)
    assert [seen[2].wait, seen[4].wait] == clock.slept


async def test_a_failure_that_is_not_repeated_makes_no_retry_event(api: Any, clock: VirtualClock) -> None:
    seen: list[Any] = []
    script(api, CREATE, 500)
    await failed(AmbiguousResultError, CREATE, clock, hooks=Hooks(on_retry=seen.append))
    script(api, READ, *[500] * 4)
    await failed(InternalServerError, READ, clock, hooks=Hooks(on_retry=seen.append))
    assert [event.attempt for event in seen] == [1, 2, 3]


async def test_logs_name_rows_and_no_address_and_no_secret(
    api: Any, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    script(api, READ, 503, 0)
    await run(READ, clock)
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name == "cfstream")
    assert GET_ROW in ours
    assert "503" in ours
    assert "attempt 1 failed (InternalServerError)" in ours
    for word in (TOKEN, UID, ACCOUNT):
        assert word not in ours


async def test_no_secret_stands_in_the_frames_of_an_error(api: Any, clock: VirtualClock) -> None:
    script(api, READ, *[aiohttp.ServerDisconnectedError() for _ in range(4)])
    error = await failed(TransportError, READ, clock)
    assert TOKEN not in all_words(error)
    assert TOKEN not in frames(error)
    assert error.__cause__ is None


# --- what is sent ------------------------------------------------------------------------------------------------


async def test_every_call_goes_to_its_verb_and_address(api: Any) -> None:
    api.put(f"{VIDEO_URL}/captions/pt-BR", body=envelope({"language": "pt-BR"}))
    api.post(f"{VIDEO_URL}/token", body=envelope({"token": "t"}))
    api.get(f"{VIDEOS_URL}/storage-usage?creator=a", body=envelope({"videoCount": 5}))
    async with client() as stream:
        caption = await stream.captions.language.update("pt-BR", identifier=UID, file=b"WEBVTT\n")
        token = await stream.token.create(UID, exp=5)
        usage = await stream.videos.storage_usage(creator="a")
    assert (caption.language, token.token, usage.video_count) == ("pt-BR", "t", 5)
    assert requests(api) == 3


async def test_every_request_carries_the_credentials_and_who_asks(api: Any) -> None:
    for kind in EVERY:
        script(api, kind, 0)
        await run(kind)
    for calls in api.requests.values():
        for call in calls:
            assert call.kwargs["headers"]["Authorization"] == f"Bearer {TOKEN}"
            assert call.kwargs["headers"]["User-Agent"].startswith("cfstream/")
            assert call.kwargs["allow_redirects"] is False


async def test_bodies_and_media_types_are_what_the_rows_say(api: Any) -> None:
    script(api, SET, 0)
    script(api, CREATE, 0)
    await run(SET)
    await run(CREATE)
    api.get(VTT_URL, body=b"WEBVTT\n", content_type="text/vtt")
    async with client() as stream:
        assert await stream.captions.language.vtt.get("en", identifier=UID) == "WEBVTT\n"
    sent = {str(url): calls[0].kwargs for (_, url), calls in api.requests.items()}
    assert json.loads(sent[VIDEO_URL]["data"]) == {"creator": "a"}
    assert sent[VIDEO_URL]["headers"]["Content-Type"] == "application/json"
    assert isinstance(sent[WATERMARKS_URL]["data"], aiohttp.FormData)
    assert "Content-Type" not in sent[WATERMARKS_URL]["headers"]
    assert sent[VTT_URL]["headers"]["Accept"] == "text/vtt"


async def test_the_query_is_escaped_once(api: Any) -> None:
    from datetime import UTC, datetime

    url = f"{VIDEOS_URL}?search=a%26b+%2Fx%25&start=2024-01-02T03%3A04%3A05Z&limit=5"
    api.get(url, body=envelope([]))
    async with client() as stream:
        await stream.list(search="a&b /x%", start=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), limit=5)
    assert requests(api) == 1


async def test_text_that_is_no_unicode_is_refused_before_it_is_sent(api: Any) -> None:
    async with client() as stream:
        with pytest.raises(errors.InvalidInputError, match="search"):
            await stream.list(search="caf\udce9")
    assert requests(api) == 0


@pytest.mark.parametrize("keywords", [{"creator": "x" * 65}, {"nonsense": 1}, {"meta": None}])
async def test_what_is_refused_is_never_sent(api: Any, keywords: dict[str, Any]) -> None:
    async with client() as stream:
        with pytest.raises(errors.InvalidInputError):
            await stream.edit(UID, **keywords)
        with pytest.raises(errors.InvalidInputError):
            await stream.delete("../x")
    assert requests(api) == 0


async def test_a_body_whose_connection_is_gone_already_is_cut_off() -> None:
    # the end may come between two looks; aiohttp then raises a bare RuntimeError
    content = aiohttp.StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16, loop=asyncio.get_running_loop())
    with pytest.raises(aiohttp.ClientPayloadError) as caught:
        await piece_of(content)
    assert str(translate(caught.value)) == "the answer was cut off"
