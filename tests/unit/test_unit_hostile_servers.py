"""Real sockets: servers that answer garbage, fall silent, cut off, redirect or flood.

Every one must end in a typed error after the attempts the call's class allows, without a credential anywhere in it.
"""

import asyncio
import gzip
import logging
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from raw_server import Behaviour, RawServer, answers, echoes, http, resets_after, says, says_in_turn, silence
from unit_kit import ACCOUNT, GET_ROW, PNG, TOKEN, UID, all_words, envelope, frames, hasty, refusal, video

from cfstream import (
    AmbiguousResultError,
    APIError,
    AuthenticationError,
    BadRequestError,
    DecodeError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    RedirectError,
    RequestTimeoutError,
    RetryPolicy,
    Stream,
    StreamError,
    TransportError,
)

KEY = "CANARY-key-9876543210-CANARY"
EMAIL = "canary@mail.example"
GOOD = answers("200 OK", envelope(video()))
ATTEMPTS = 3

Call = Callable[[Stream], Awaitable[Any]]
CALLS: dict[str, Call] = {
    "READ": lambda stream: stream.get(UID),
    "SET": lambda stream: stream.edit(UID, creator="a"),
    "DELETE": lambda stream: stream.delete(UID),
    "CREATE": lambda stream: stream.watermarks.create(file=PNG),
}
every_class = pytest.mark.parametrize("kind", CALLS)


def by_token(server: RawServer, **options: Any) -> Stream:
    settings = {"base_url": f"{server.url}/client/v4", "retry": hasty(ATTEMPTS), "rate_limit": None, "timeout": 20}
    return Stream(TOKEN, ACCOUNT, **{**settings, **options})


def by_key(server: RawServer) -> Stream:
    return Stream(
        account_id=ACCOUNT,
        api_key=KEY,
        api_email=EMAIL,
        base_url=f"{server.url}/client/v4",
        retry=hasty(ATTEMPTS),
        rate_limit=None,
    )


async def ends(kind: str, *behaviours: Behaviour, **options: Any) -> tuple[StreamError, int]:
    """Make the call and give its error and how many requests the server saw."""
    async with RawServer(*behaviours) as server:
        async with by_token(server, **options) as stream:
            with pytest.raises(StreamError) as caught:
                await CALLS[kind](stream)
        assert all(TOKEN.encode() in request for request in server.requests)
        return caught.value, len(server.requests)


def bomb(size: int) -> bytes:
    body = gzip.compress(bytes(size), compresslevel=9)
    return http("200 OK", body, Content_Encoding="gzip")


CUT_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

# what the server does; the error; whether it is tried again by what can be repeated; what a create makes of it
SERVERS: dict[str, tuple[Behaviour, type[StreamError], bool, type[StreamError]]] = {
    "garbage": (says(bytes(range(256)) * 4), TransportError, False, AmbiguousResultError),
    "another protocol": (says(b"SSH-2.0-OpenSSH_9.6\r\n"), TransportError, False, AmbiguousResultError),
    "a status that is none": (says(b"HTTP/1.1 abc OK\r\n\r\n"), TransportError, False, AmbiguousResultError),
    "a header without end": (
        says(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 40_000 + b"\r\n\r\n"),
        TransportError,
        False,
        AmbiguousResultError,
    ),
    "a length that is none": (
        says(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
        TransportError,
        False,
        AmbiguousResultError,
    ),
    "nothing": (says(b""), TransportError, True, AmbiguousResultError),
    "silence": (silence, RequestTimeoutError, True, AmbiguousResultError),
    "silence after the head": (says(CUT_HEAD, then_close=False), RequestTimeoutError, True, AmbiguousResultError),
    "reset at once": (resets_after(b""), TransportError, True, AmbiguousResultError),
    "reset after the head": (resets_after(CUT_HEAD), TransportError, True, AmbiguousResultError),
    "reset in the body": (resets_after(CUT_HEAD + b"x" * 2000), TransportError, True, AmbiguousResultError),
    "end in the body": (says(CUT_HEAD + b"x" * 2000), TransportError, True, AmbiguousResultError),
    "end in a chunk": (says(CHUNKED + b"ff\r\nabc"), TransportError, True, AmbiguousResultError),
    "broken gzip": (
        answers("200 OK", b"not gzip at all", Content_Encoding="gzip"),
        TransportError,
        True,
        AmbiguousResultError,
    ),
    "HTML": (
        answers("200 OK", b"<html>Sign in</html>", content_type="text/html"),
        DecodeError,
        True,
        AmbiguousResultError,
    ),
    "half a JSON": (answers("200 OK", envelope(video())[:-30]), DecodeError, True, AmbiguousResultError),
    "a gzip bomb": (says(bomb(64 * 1024 * 1024)), TransportError, False, AmbiguousResultError),
    "400": (answers("400 Bad Request", refusal((10005, "no"))), BadRequestError, False, BadRequestError),
    "401": (answers("401 Unauthorized", refusal((10000, "no"))), AuthenticationError, False, AuthenticationError),
    "404": (answers("404 Not Found", refusal((10003, "no"))), NotFoundError, False, NotFoundError),
    "413 HTML": (answers("413 Too Large", b"<html>", content_type="text/html"), APIError, False, APIError),
    "429": (answers("429 Too Many Requests"), RateLimitError, True, RateLimitError),
    "500": (answers("500 Internal", b"<html>oops"), InternalServerError, True, AmbiguousResultError),
    "521": (answers("521 Down"), InternalServerError, True, InternalServerError),
}
REPEATED_BY_CREATE = {"429", "521"}
# the body of a delete is of no use, and half a JSON is none
CELLS = [(kind, name) for kind in CALLS for name in SERVERS if (kind, name) != ("DELETE", "half a JSON")]


@pytest.mark.parametrize(("kind", "name"), CELLS, ids=[f"{kind}: {name}" for kind, name in CELLS])
async def test_every_server_is_a_typed_error_after_the_attempts_its_class_allows(kind: str, name: str) -> None:
    behaviour, expected, repeated, of_create = SERVERS[name]
    error, count = await ends(kind, behaviour)
    assert type(error) is (of_create if kind == "CREATE" else expected)
    again = name in REPEATED_BY_CREATE if kind == "CREATE" else repeated
    assert count == error.attempts == (ATTEMPTS if again else 1)
    assert error.request
    assert ACCOUNT not in error.request
    assert TOKEN not in all_words(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("name", [name for name, row in SERVERS.items() if row[2]])
async def test_what_is_tried_again_succeeds_when_the_server_has_come_to_its_senses(name: str) -> None:
    async with RawServer(SERVERS[name][0], GOOD) as server, by_token(server) as stream:
        assert (await stream.get(UID)).uid == UID
        assert len(server.requests) == 2


@pytest.mark.parametrize("name", ["garbage", "silence", "reset in the body", "HTML", "401", "500"])
async def test_nothing_of_the_credentials_stands_in_errors_frames_and_logs(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for make in (by_token, by_key):
        async with RawServer(SERVERS[name][0]) as server, make(server) as stream:
            with pytest.raises(StreamError) as caught:
                await stream.get(UID)
        for secret in (TOKEN, KEY, EMAIL):
            assert secret not in all_words(caught.value)
            assert secret not in frames(caught.value)
            assert secret not in caplog.text


ECHOES: dict[str, Behaviour] = {
    "HTML 200": echoes("200 OK", b"<html>"),
    "HTML 502": echoes("502 Bad Gateway", b"<html>"),
    "text 403": echoes("403 Forbidden", b"blocked: "),
    "success false": echoes(
        "200 OK",
        b'{"success": false, "errors": [{"code": 10000, "message": "',
        b'"}], "result": null}',
        content_type="application/json",
    ),
    "errors 401": echoes(
        "401 Unauthorized",
        b'{"success": false, "errors": [{"code": 10000, "message": "',
        b'"}], "result": null}',
        content_type="application/json",
    ),
}


@pytest.mark.parametrize("name", ECHOES)
@pytest.mark.parametrize("make", [by_token, by_key], ids=["token", "key"])
async def test_a_server_that_repeats_the_request_does_not_bring_the_credentials_into_errors_and_logs(
    name: str, make: Callable[[RawServer], Stream], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with RawServer(ECHOES[name]) as server, make(server) as stream:
        with pytest.raises(StreamError) as caught:
            await stream.get(UID)
    for secret in (TOKEN, KEY, EMAIL):
        assert secret not in all_words(caught.value)
        assert secret not in caplog.text


async def test_a_caption_in_html_that_repeats_the_request_shows_no_credentials() -> None:
    async with RawServer(ECHOES["HTML 200"]) as server, by_key(server) as stream:
        with pytest.raises(DecodeError) as caught:
            await stream.captions.language.vtt.get("en", identifier=UID)
    assert KEY not in all_words(caught.value)


@pytest.mark.parametrize("limit", [2, None], ids=["with a timeout", "without"])
async def test_a_chunk_of_no_size_in_the_middle_of_a_body_does_not_hang_the_call(limit: float | None) -> None:
    # aiohttp's C parser forgets the body then: neither its limit for silence nor the end of the connection wakes it
    async with (
        RawServer(says_in_turn(CHUNKED, b"zz\r\nabc\r\n")) as server,
        by_token(server, timeout=limit) as stream,
    ):
        async with asyncio.timeout(3):
            with pytest.raises(TransportError) as caught:
                await stream.get(UID)
        assert caught.value.attempts == len(server.requests) == ATTEMPTS


# --- redirects ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@every_class
async def test_a_redirect_is_not_followed_and_nothing_goes_to_its_target(kind: str, status: str) -> None:
    async with RawServer(GOOD) as target:
        error, count = await ends(kind, answers(status, Location=f"{target.url}/elsewhere"))
        assert type(error) is RedirectError
        assert "127.0.0.1" in str(error)
        assert count == error.attempts == 1
        assert target.requests == []


async def test_a_redirect_to_the_same_server_is_not_followed_either() -> None:
    async with (
        RawServer(answers("307 Temporary", Location="/client/v4/other"), GOOD) as server,
        by_token(server) as stream,
    ):
        with pytest.raises(RedirectError):
            await stream.get(UID)
        assert len(server.requests) == 1


# --- no server ---------------------------------------------------------------------------------------------------


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@every_class
async def test_a_port_where_nobody_listens_is_tried_as_often_as_allowed_and_never_ambiguous(kind: str) -> None:
    stream = Stream(
        TOKEN, ACCOUNT, base_url=f"http://127.0.0.1:{closed_port()}", retry=hasty(ATTEMPTS), rate_limit=None
    )
    async with stream:
        with pytest.raises(TransportError, match=r"cannot connect to 127\.0\.0\.1:\d+: Connect") as caught:
            await CALLS[kind](stream)
    assert caught.value.attempts == ATTEMPTS
    assert not caught.value.sent
    assert TOKEN not in all_words(caught.value)


async def test_a_host_that_does_not_exist_is_never_ambiguous() -> None:
    stream = Stream(TOKEN, ACCOUNT, base_url="http://no-such-host.invalid", retry=hasty(2), rate_limit=None)
    async with stream:
        with pytest.raises(TransportError, match=r"cannot connect to no-such-host\.invalid") as caught:
            await stream.watermarks.create(file=PNG)
    assert caught.value.attempts == 2
    assert not caught.value.sent


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels refuse what does not fit their queue")
async def test_a_connection_that_does_not_open_in_time_is_never_ambiguous() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        # the queue of the kernel is filled, so that further connections hang in their handshake
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(address)
            policy = RetryPolicy(attempts=2, base=0.001, cap=0.001, connect_timeout=0.1)
            stream = Stream(TOKEN, ACCOUNT, base_url=f"http://127.0.0.1:{address[1]}", retry=policy, rate_limit=None)
            async with stream:
                with pytest.raises(RequestTimeoutError, match="no connection within the connect timeout") as caught:
                    await stream.watermarks.create(file=PNG)
        finally:
            for filler in fillers:
                filler.close()
    assert caught.value.attempts == 2
    assert not caught.value.sent


# --- time and memory ---------------------------------------------------------------------------------------------


async def test_a_call_ends_at_its_timeout_although_the_server_drips(caplog: pytest.LogCaptureFixture) -> None:
    async def drips(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(CUT_HEAD)
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with RawServer(drips) as server, by_token(server, timeout=0.3) as stream:
        started = asyncio.get_running_loop().time()
        with pytest.raises(RequestTimeoutError, match=r"within the timeout of 0\.3 s"):
            await stream.get(UID)
        assert asyncio.get_running_loop().time() - started < 2


async def test_an_answer_is_read_up_to_a_bound_however_it_is_packed() -> None:
    import tracemalloc

    for answer in (bomb(64 * 1024 * 1024), http("200 OK", b" " * (17 * 1024 * 1024))):
        async with RawServer(says(answer)) as server, by_token(server) as stream:
            tracemalloc.start()
            try:
                with pytest.raises(TransportError, match="larger than 16777216 bytes"):
                    await stream.get(UID)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert peak < 48 * 1024 * 1024 + len(answer)


async def test_a_packed_answer_within_the_bound_is_read() -> None:
    packed = says(http("200 OK", gzip.compress(envelope(video())), Content_Encoding="gzip"))
    async with RawServer(packed) as server, by_token(server) as stream:
        assert (await stream.get(UID)).uid == UID


# --- bytes on the wire -------------------------------------------------------------------------------------------


async def test_what_a_request_looks_like() -> None:
    async with RawServer(GOOD) as server, by_token(server) as stream:
        await stream.edit(UID, creator="Zoë")
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == f"POST /client/v4/accounts/{ACCOUNT}/stream/{UID} HTTP/1.1"
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("cfstream/")
    assert int(headers["content-length"]) == len(body)
    assert body == b'{"creator": "Zo\\u00eb"}'


async def test_a_form_is_multipart_with_a_boundary_of_its_own() -> None:
    async with RawServer(answers("200 OK", envelope({"uid": UID}))) as server, by_token(server) as stream:
        await stream.watermarks.create(file=PNG, name="Grüße", opacity=0.5)
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert b"Content-Type: multipart/form-data; boundary=" in head
    assert b'name="file"; filename="file"' in body
    assert b"Content-Type: image/png" in body
    assert PNG in body
    assert "Grüße".encode() in body


async def test_a_kept_connection_that_died_is_repeated_by_us_and_counted() -> None:
    async def answers_then_hangs_up(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(http("200 OK", envelope(video())).replace(b"Connection: close", b"Connection: keep-alive"))
        await writer.drain()

    async def hangs_up(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.close()

    seen: list[Any] = []
    from cfstream import Hooks

    async with (
        RawServer(answers_then_hangs_up, hangs_up, GOOD) as server,
        by_token(server, hooks=Hooks(on_retry=seen.append)) as stream,
    ):
        await stream.get(UID)
        await stream.get(UID)
        assert len(server.requests) == 3
    assert [(event.row, event.attempt) for event in seen] == [(GET_ROW, 1)]
