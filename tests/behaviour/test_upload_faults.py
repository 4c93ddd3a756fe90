"""Uploads to a server that misbehaves, over real sockets: one scripted answer per request."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from cfstream import RateLimitError, RedirectError, RetryPolicy, Stream, StreamError, UploadError
from cfstream.uploads import driver

TOKEN = "canary-token-0123456789abcdef"
UID = "c" * 32
SIZE = 600_000
QUICK = RetryPolicy(base=0.001, cap=0.002)

Answer = Callable[["Script", dict[str, str], asyncio.StreamReader, asyncio.StreamWriter], Awaitable[str | None]]


@attrs.define
class Script:
    """A tus server of one upload whose answers are given one by one; the rest is as it should be."""

    answers: dict[str, list[Answer]] = attrs.field(factory=dict)
    """By verb: what to do in place of the right thing, spent from the front."""
    seen: list[tuple[str, dict[str, str]]] = attrs.field(factory=list)
    data: bytearray = attrs.field(factory=bytearray)
    port: int = 0
    size: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *rest = head.decode().strip().split("\r\n")
                verb = line.split()[0]
                headers = {name.lower(): value.strip() for name, _, value in (item.partition(":") for item in rest)}
                self.seen.append((verb, headers))
                queue = self.answers.get(verb, [])
                answer = await (queue.pop(0) if queue else right)(self, headers, reader, writer)
                if answer is None:
                    return
                writer.write(answer.encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()


def http(status: int, *headers: str, body: str = "") -> str:
    return "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", body])


async def right(
    script: Script, headers: dict[str, str], reader: asyncio.StreamReader, _: asyncio.StreamWriter
) -> str | None:
    verb = script.seen[-1][0]
    if verb == "POST":
        script.size = int(headers["upload-length"])
        return http(201, f"Location: http://127.0.0.1:{script.port}/media/{UID}", f"stream-media-id: {UID}")
    if verb == "HEAD":
        return http(200, f"Upload-Offset: {len(script.data)}", f"Upload-Length: {script.size}")
    if verb == "PATCH":
        script.data += await reader.readexactly(int(headers["content-length"]))
        return http(204, f"Upload-Offset: {len(script.data)}")
    return http(200, "Content-Type: application/json", body=video_in("queued"))


def video_in(state: str) -> str:
    video = f'{{"uid":"{UID}","created":"2026-01-01T00:00:00Z","status":{{"state":"{state}"}}}}'
    return f'{{"success":true,"result":{video}}}'


def fixed(*answer: Any, body: str = "", take: bool = False) -> Answer:
    """Answer always the same; ``take`` keeps the bytes all the same."""

    async def give(
        script: Script, headers: dict[str, str], reader: asyncio.StreamReader, _: asyncio.StreamWriter
    ) -> str:
        if "content-length" in headers:
            data = await reader.readexactly(int(headers["content-length"]))
            if take:
                script.data += data
        status, *lines = answer
        return http(status, *lines, body=body)

    return give


async def silence(_: Script, __: dict[str, str], ___: asyncio.StreamReader, ____: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


@asynccontextmanager
async def scripted(**answers: list[Answer]) -> AsyncIterator[tuple[Script, Stream]]:
    script = Script({verb.upper(): list(queue) for verb, queue in answers.items()})
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    script.port = server.sockets[0].getsockname()[1]
    try:
        async with Stream(TOKEN, "a" * 32, base_url=f"http://127.0.0.1:{script.port}", retry=QUICK) as stream:
            yield script, stream
    finally:
        server.close()


def verbs(script: Script) -> list[str]:
    return [verb for verb, _ in script.seen]


NOISE = bytes(range(256)) * (SIZE // 256) + b"x" * (SIZE % 256)


@pytest.mark.parametrize(
    "answer",
    [
        fixed(500),
        fixed(502, body="<html>bad gateway</html>"),
        fixed(503, "Retry-After: 0"),
        fixed(408),
        fixed(409),
        fixed(423),
        fixed(429, "Retry-After: 0"),
        fixed(520),
        fixed(204),
        fixed(204, "Upload-Offset: abc"),
        fixed(204, "Upload-Offset: 0"),
        fixed(204, "Upload-Offset: 999999999"),
        fixed(500, take=True),
        fixed(204, take=True),
    ],
)
async def test_after_any_doubtful_answer_the_server_is_asked_and_every_byte_arrives(answer: Answer) -> None:
    async with scripted(patch=[answer]) as (script, stream):
        video = await stream.upload(NOISE)
    assert video.uid == UID
    assert script.data == NOISE
    assert verbs(script)[:3] == ["POST", "PATCH", "HEAD"]
    assert verbs(script).count("POST") == 1


BOMB = gzip.compress(bytes(20 * 1024 * 1024))


def unreadable(data: bytes) -> Answer:
    """Take the bytes, and answer with these as they stand."""

    async def give(
        script: Script, headers: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        script.data += await reader.readexactly(int(headers.get("content-length", "0")))
        writer.write(data)
        await writer.drain()

    return give


UNREADABLE = {
    "no HTTP": unreadable(b"\x80\xff\xfe garbage\r\n\r\n"),
    "too long a header": unreadable(http(200, f"X-Big: {'x' * 9000}").encode()),
    "a gzip bomb": unreadable(
        http(200, "Content-Encoding: gzip").replace("Length: 0", f"Length: {len(BOMB)}").encode() + BOMB
    ),
    "no gzip": unreadable(http(200, "Content-Encoding: gzip", body="not compressed").encode()),
    "a broken chunk": unreadable(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
}


@pytest.mark.parametrize("answer", UNREADABLE)
async def test_after_an_answer_that_nobody_can_read_the_server_is_asked(answer: str) -> None:
    async with scripted(patch=[UNREADABLE[answer]], head=[unreadable(b"\x80\r\n\r\n")]) as (script, stream):
        video = await stream.upload(NOISE)
    assert video.uid == UID
    assert script.data == NOISE
    assert verbs(script) == ["POST", "PATCH", "HEAD", "HEAD", "GET"]


async def test_a_server_that_nobody_can_read_ends_the_upload_after_the_usual_attempts() -> None:
    noise = unreadable(b"\x80\r\n\r\n")
    pending = fixed(200, "Content-Type: application/json", body=video_in("pendingupload"))
    async with scripted(patch=[noise], head=[noise] * 20, get=[pending]) as (script, stream):
        with pytest.raises(UploadError, match=r"no progress after 8 attempts .*: not HTTP as it should be"):
            await stream.upload(NOISE)
    assert verbs(script) == ["POST", "PATCH", *["HEAD"] * 7, "GET", "DELETE"]


async def test_a_false_claim_that_all_arrived_is_found_out() -> None:
    """A server that says "complete" after the first byte must be believed by nobody."""
    pending = fixed(200, "Content-Type: application/json", body=video_in("pendingupload"))
    async with scripted(patch=[fixed(204, f"Upload-Offset: {SIZE}")], get=[pending]) as (script, stream):
        await stream.upload(NOISE)
    assert script.data == NOISE


async def test_a_server_that_contradicts_itself_ends_the_upload() -> None:
    claims = [fixed(200, f"Upload-Offset: {SIZE * 2}", f"Upload-Length: {SIZE}")]
    async with scripted(patch=[fixed(500)], head=claims) as (_, stream):
        with pytest.raises(UploadError, match="the server claims 1200000 bytes, but only 600000 were sent"):
            await stream.upload(NOISE)


async def test_a_head_that_fails_never_makes_a_second_upload() -> None:
    async with scripted(patch=[fixed(500)], head=[fixed(500), fixed(503), fixed(502)]) as (script, stream):
        await stream.upload(NOISE)
    assert verbs(script).count("POST") == 1
    assert verbs(script).count("HEAD") == 4
    assert script.data == NOISE


async def test_an_upload_that_vanished_is_made_anew_at_most_twice() -> None:
    gone = [fixed(404)] * 6
    missing = [fixed(404)] * 6
    async with scripted(patch=gone, head=list(gone), get=missing) as (script, stream):
        with pytest.raises(UploadError, match="vanished from the server 3 times"):
            await stream.upload(NOISE)
    assert verbs(script).count("POST") == 3


@pytest.mark.parametrize("status", [400, 401, 403, 412, 413, 415])
async def test_a_refusal_is_one_attempt(status: int) -> None:
    async with scripted(patch=[fixed(status)]) as (script, stream):
        with pytest.raises(StreamError, match=str(status)) as caught:
            await stream.upload(NOISE)
    assert verbs(script) == ["POST", "PATCH", "DELETE"]  # and nothing is left of it
    assert caught.value.request == "PATCH {upload_url}"


async def test_a_redirect_of_a_chunk_is_refused() -> None:
    async with scripted(patch=[fixed(307, "Location: https://evil.example/take")]) as (script, stream):
        with pytest.raises(RedirectError, match=r"redirects to evil\.example"):
            await stream.upload(NOISE)
    assert verbs(script) == ["POST", "PATCH", "DELETE"]


TIMED_OUT = "PATCH {upload_url}: interrupted (RequestTimeoutError)"


async def test_a_server_that_stops_reading_is_noticed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(driver, "_PULL_TIMEOUT", 0.2)
    async with scripted(patch=[silence]) as (script, stream):
        video = await stream.upload(NOISE * 40)
        assert video.uid == UID
    assert verbs(script)[:3] == ["POST", "PATCH", "HEAD"]
    assert TIMED_OUT in caplog.messages  # not the end of the connection, which comes later


async def test_a_server_that_never_answers_a_chunk_is_noticed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(driver, "_ANSWER_TIMEOUT", 0.2)

    async def take_and_say_nothing(
        script: Script, headers: dict[str, str], reader: asyncio.StreamReader, _: asyncio.StreamWriter
    ) -> None:
        script.data += await reader.readexactly(int(headers["content-length"]))
        await asyncio.sleep(5)

    async with scripted(patch=[take_and_say_nothing]) as (script, stream):
        await stream.upload(NOISE)
    assert script.data == NOISE
    assert verbs(script) == ["POST", "PATCH", "HEAD", "GET"]
    assert TIMED_OUT in caplog.messages


async def test_credentials_do_not_go_to_another_origin() -> None:
    async with scripted() as (other, _):
        elsewhere = fixed(201, f"Location: http://127.0.0.1:{other.port}/media/{UID}", f"stream-media-id: {UID}")
        async with scripted(post=[elsewhere]) as (script, stream):
            await stream.upload(NOISE)
        assert verbs(other) == ["PATCH"]
        assert "authorization" not in other.seen[0][1]
        assert TOKEN not in repr(other.seen)
    assert script.seen[0][1]["authorization"] == f"Bearer {TOKEN}"


async def test_a_relative_address_keeps_its_query_and_gets_the_credentials() -> None:
    relative = fixed(201, f"Location: /media/{UID}?tusv2=true", f"stream-media-id: {UID}")
    async with scripted(post=[relative]) as (script, stream):
        await stream.upload(NOISE)
    assert script.data == NOISE
    assert script.seen[1][1]["authorization"] == f"Bearer {TOKEN}"


async def test_a_long_pause_asked_for_is_an_error_that_says_when(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with scripted(post=[fixed(429, "Retry-After: 4000")]) as (script, stream):
        with pytest.raises(RateLimitError) as caught:
            await stream.upload(NOISE)
    assert caught.value.retry_at is not None
    assert verbs(script) == ["POST"]
    assert TOKEN not in caplog.text
