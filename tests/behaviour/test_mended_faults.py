"""Promises that were once broken: each of these tests failed before its fault was mended."""

import asyncio
import errno
import gc
import io
import json
import os
import time
import traceback
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest

from cfstream import (
    AmbiguousResultError,
    FileChangedError,
    InvalidInputError,
    NotFoundError,
    PaginationError,
    RetryPolicy,
    Stream,
    StreamError,
    TransportError,
    UploadError,
    UploadProgress,
    WaitTimeoutError,
)
from cfstream.uploads import driver

MIB = 1024 * 1024
UID = "c" * 32
ADDRESS = "upload-address-0123456789abcdef"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(92)
VTT = b"WEBVTT\n\n" + b"x" * 92

Answer = Callable[["Server", str, dict[str, str], asyncio.StreamReader], Awaitable[str | None]]


@attrs.define
class Server:
    """A tus server of one upload; a verb that has its own answer leaves the right way."""

    answers: dict[str, Answer] = attrs.field(factory=dict)
    verbs: list[str] = attrs.field(factory=list)
    data: bytearray = attrs.field(factory=bytearray)
    body: bytes = b""
    size: int = 0
    port: int = 0
    writers: list[asyncio.StreamWriter] = attrs.field(factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
                verb, path, _ = line.split(" ", 2)
                headers = {name.lower(): value.strip() for name, _, value in (item.partition(":") for item in rest)}
                self.verbs.append(verb)
                answer = await self.answers.get(verb, right)(self, path, headers, reader)
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


def good(result: Any) -> str:
    body = json.dumps({"success": True, "errors": [], "messages": [], "result": result})
    return http(200, "Content-Type: application/json", body=body)


def video(state: str = "queued", uid: str = UID, created: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {"uid": uid, "created": created, "status": {"state": state}}


async def body_of(headers: dict[str, str], reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int(headers.get("content-length", "0")))


async def right(server: Server, path: str, headers: dict[str, str], reader: asyncio.StreamReader) -> str:
    verb = server.verbs[-1]
    if verb == "POST" and "upload-length" in headers:
        server.size = int(headers["upload-length"])
        return http(201, f"Location: /media/{ADDRESS}", f"stream-media-id: {UID}")
    if verb == "HEAD":
        return http(200, f"Upload-Offset: {len(server.data)}", f"Upload-Length: {server.size}")
    if verb == "PATCH":
        server.data += await body_of(headers, reader)
        return http(204, f"Upload-Offset: {len(server.data)}")
    server.body = await body_of(headers, reader)
    return good(video())


def fixed(answer: str) -> Answer:
    async def give(server: Server, path: str, headers: dict[str, str], reader: asyncio.StreamReader) -> str:
        await body_of(headers, reader)
        return answer

    return give


async def silence(server: Server, path: str, headers: dict[str, str], reader: asyncio.StreamReader) -> None:
    await asyncio.sleep(30)


@asynccontextmanager
async def serving(**answers: Answer) -> AsyncIterator[Server]:
    server = Server({verb.upper(): answer for verb, answer in answers.items()})
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for writer in server.writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)


def client(url: str, **options: Any) -> Stream:
    settings = {"rate_limit": None, "retry": RetryPolicy(base=0.001, cap=0.002), **options}
    return Stream("canary-token-0123456789", "a" * 32, base_url=url, **settings)


class Leaping:
    """A clock that leaps over what it is asked to sleep, and moves on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_800_000_000.0 + self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += max(seconds, 0.0)
        await asyncio.sleep(0)


class Slow(io.BytesIO):
    """A file object whose every read takes its time on the clock."""

    def __init__(self, data: bytes, clock: Leaping, seconds: float) -> None:
        super().__init__(data)
        self._clock, self._seconds = clock, seconds

    def read(self, size: int | None = -1, /) -> bytes:
        if size:
            self._clock.now += self._seconds
        return super().read(size)


class Broken(io.BytesIO):
    """A file object on a medium that fails."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return b""


class Short(io.RawIOBase):
    """An unbuffered file object that never gives more than ten bytes at once."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        piece = self._data.read(min(len(buffer), 10))
        buffer[: len(piece)] = piece
        return len(piece)


# --- what the caller's own code raises ---------------------------------------------------------------------------


async def test_an_error_of_on_progress_amid_a_chunk_ends_the_upload_at_once_and_arrives_as_it_is() -> None:
    clock, mine, calls = Leaping(), ZeroDivisionError("mine"), 0

    def refuse(event: UploadProgress) -> None:
        nonlocal calls
        if 0 < event.bytes < event.total:
            calls += 1
            raise mine

    async with serving() as server, client(server.url, _clock=clock) as stream:
        with pytest.raises(ZeroDivisionError) as caught:
            await stream.upload(Slow(bytes(8 * MIB), clock, 1.0), on_progress=refuse)
    assert caught.value is mine
    assert calls == 1
    assert server.verbs in (["POST", "DELETE"], ["POST", "PATCH", "DELETE"])  # nothing goes on with these bytes


async def test_a_read_error_reaches_the_caller_and_shows_no_upload_address() -> None:
    async with serving() as server, client(server.url) as stream:
        with pytest.raises(UploadError, match=os.strerror(errno.EIO)) as caught:
            await stream.upload(Broken(bytes(6 * MIB)), name="x")
    assert isinstance(caught.value.__cause__, OSError)
    assert "HEAD" not in server.verbs
    shown = "".join(traceback.format_exception(caught.value))
    links: list[BaseException] = [caught.value]
    for one in links:
        shown += str(one) + repr(one) + repr(vars(one))
        links += [link for link in (one.__cause__, one.__context__) if link is not None and link not in links]
    assert ADDRESS not in shown


# --- what is sent twice, and what is not -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [504, 520, 524])
async def test_a_create_that_may_have_been_done_is_sent_once_even_if_a_time_to_repeat_is_named(status: int) -> None:
    refused = fixed(http(status, "Retry-After: 1"))
    async with serving(post=refused) as server, client(server.url, _clock=Leaping()) as stream:
        with pytest.raises(AmbiguousResultError):
            await stream.create(upload_length=5)
    assert server.verbs == ["POST"]


async def test_an_address_that_cannot_be_used_is_no_ambiguous_result() -> None:
    async with client("http://127.1:9") as stream:
        with pytest.raises(TransportError) as caught:
            await stream.create(upload_length=5)
    assert caught.value.sent is False
    assert not isinstance(caught.value, AmbiguousResultError)


async def test_a_video_that_is_shown_late_is_not_uploaded_twice() -> None:
    states = ["pendingupload"]

    async def take_and_hang_up(
        server: Server, path: str, headers: dict[str, str], reader: asyncio.StreamReader
    ) -> None:
        server.data += await body_of(headers, reader)

    async def lagging(server: Server, path: str, headers: dict[str, str], reader: asyncio.StreamReader) -> str:
        return good(video(states.pop() if states else "queued"))

    async with (
        serving(patch=take_and_hang_up, head=fixed(http(404)), get=lagging) as server,
        client(server.url) as stream,
    ):
        got = await stream.upload(bytes(MIB))
    assert got.status.state == "queued"
    assert server.verbs.count("POST") == 1
    assert server.verbs.count("PATCH") == 1


# --- slow networks and pauses ------------------------------------------------------------------------------------


async def test_an_upload_that_moved_on_slowly_is_resumed_after_a_broken_connection() -> None:
    clock = Leaping()

    async def break_off_once(
        server: Server, path: str, headers: dict[str, str], reader: asyncio.StreamReader
    ) -> str | None:
        if server.verbs.count("PATCH") > 1:
            return await right(server, path, headers, reader)
        server.data += await reader.readexactly(5 * MIB)
        return None

    async with serving(patch=break_off_once) as server, client(server.url, _clock=clock) as stream:
        await stream.upload(Slow(bytes(16 * MIB), clock, 150.0), name="x")
    assert clock.now > 700
    assert server.verbs == ["POST", "PATCH", "HEAD", "PATCH", "GET"]
    assert len(server.data) == 16 * MIB


async def test_pauses_that_the_service_asks_for_are_no_attempts() -> None:
    clock = Leaping()

    async def busy(server: Server, path: str, headers: dict[str, str], reader: asyncio.StreamReader) -> str:
        if server.verbs.count("PATCH") > 10:
            return await right(server, path, headers, reader)
        await body_of(headers, reader)
        return http(429, "Retry-After: 5")

    async with serving(patch=busy) as server, client(server.url, _clock=clock) as stream:
        await stream.upload(bytes(1000))
    assert server.verbs.count("PATCH") == 11
    assert clock.now >= 50
    assert len(server.data) == 1000


async def test_what_an_upload_host_says_of_its_rate_does_not_pause_the_client() -> None:
    clock = Leaping()

    async def last(server: Server, path: str, headers: dict[str, str], reader: asyncio.StreamReader) -> str:
        server.data += await body_of(headers, reader)
        return http(204, f"Upload-Offset: {len(server.data)}", 'Ratelimit: "x";r=0;t=60')

    async with serving(patch=last) as other:
        elsewhere = fixed(http(201, f"Location: {other.url}/media/x", f"stream-media-id: {UID}"))
        async with serving(post=elsewhere) as server, client(server.url, _clock=clock) as stream:
            await stream.upload(bytes(1000))
    assert other.verbs == ["PATCH"]
    assert server.verbs == ["POST", "GET"]
    assert clock.now < 1


async def test_a_wait_for_the_clients_own_turn_is_no_standstill_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_PULL_TIMEOUT", 0.25)

    async def pause(server: Server, path: str, headers: dict[str, str], reader: asyncio.StreamReader) -> str:
        stream._transport.session.governor.pause(0.7)
        return await right(server, path, headers, reader)

    async with serving(post=pause) as server:
        stream = client(server.url)
        async with stream:
            await stream.upload(bytes(1000))
    assert server.verbs == ["POST", "PATCH", "GET"]


async def test_waiting_lasts_as_long_as_was_asked() -> None:
    clock = Leaping()
    async with serving() as server, client(server.url, _clock=clock) as stream:
        with pytest.raises(WaitTimeoutError):
            await stream.wait_until_ready(UID, timeout=3)
    assert clock.now == pytest.approx(3)


# --- what is left behind -----------------------------------------------------------------------------------------


def unclosed(act: Callable[[], object]) -> list[str]:
    """Give the warnings of unclosed things that the act, and the rubbish it leaves, give."""
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
        gc.collect()
    return [str(one.message) for one in caught if issubclass(one.category, ResourceWarning)]


def test_an_unclosed_client_dropped_while_its_loop_runs_warns_once() -> None:
    async def main() -> None:
        async with serving() as server:
            stream = client(server.url)
            await stream.get(UID)
            del stream
            gc.collect()
            await asyncio.sleep(0.05)

    (message,) = unclosed(lambda: asyncio.run(main()))
    assert "unclosed cfstream.Stream" in message


def test_an_unclosed_client_dropped_after_its_loop_was_closed_warns_once() -> None:
    async def main() -> Stream:
        async with serving() as server:
            stream = client(server.url)
            await stream.get(UID)
            return stream

    (message,) = unclosed(lambda: asyncio.run(main()))
    assert "unclosed cfstream.Stream" in message


def test_a_client_that_outlived_its_loop_and_was_closed_on_the_next_warns_of_nothing() -> None:
    kept: list[Stream] = []

    async def main() -> None:
        async with serving() as server:
            if not kept:
                kept.append(client(server.url))
            stream = kept[0]
            stream._transport.session.base_url = server.url
            await stream.get(UID)

    async def close() -> None:
        await kept.pop().close()

    def act() -> None:
        asyncio.run(main())
        asyncio.run(main())
        asyncio.run(close())

    assert unclosed(act) == []


async def test_closing_while_calls_time_out_ends_them_all_and_the_session() -> None:
    async with serving(get=silence) as server:
        for _ in range(10):
            stream = client(server.url)
            quick = stream.with_options(timeout=0.05)
            calls = [asyncio.create_task(quick.get(UID)) for _ in range(20)]
            await asyncio.sleep(0)
            session = stream._transport.session.http()
            _block(0.06)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await stream.close()
            assert session.closed
            ends = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(end, StreamError) for end in ends)


async def test_closing_while_a_timed_out_call_still_cleans_up_closes_the_session() -> None:
    async with serving() as server:
        stream = client(server.url)
        await stream.get(UID)
        session = stream._transport.session

        async def cleans_up() -> None:
            async with session.call(0.05):
                try:
                    await asyncio.sleep(5)
                finally:
                    await asyncio.sleep(0.2)

        task = asyncio.create_task(cleans_up())
        await asyncio.sleep(0.1)
        http_session = session.http()
        await stream.close()
        assert http_session.closed
        with pytest.raises(StreamError):
            await task


def _block(seconds: float) -> None:
    time.sleep(seconds)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors where the system lists them")
async def test_an_upload_cancelled_while_its_file_is_opened_leaks_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(b"x" * 100)
    real, opened = os.open, 0

    def slow(*args: Any, **options: Any) -> int:
        nonlocal opened
        if args[0] == os.fspath(path):
            opened += 1
            _block(0.05)
        return real(*args, **options)

    monkeypatch.setattr(os, "open", slow)
    async with client("http://127.0.0.1:9") as stream:
        for _ in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await stream.upload(path)
    await asyncio.sleep(0.3)
    gc.collect()
    monkeypatch.undo()
    assert opened == 5
    assert _descriptors_of(path) == 0


def _descriptors_of(path: Path) -> int:
    held = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            held += link.readlink() == path
        except OSError:
            continue
    return held


# --- clean-up of videos ------------------------------------------------------------------------------------------


async def test_a_changed_file_is_reported_with_its_video_even_if_that_cannot_be_deleted(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(bytes(1000))

    async def touch(server: Server, route: str, headers: dict[str, str], reader: asyncio.StreamReader) -> str:
        os.utime(path, (1, 1))
        return await right(server, route, headers, reader)

    async with serving(patch=touch, delete=fixed(http(403))) as server, client(server.url) as stream:
        with pytest.raises(FileChangedError) as caught:
            await stream.upload(path)
    assert caught.value.uid == UID
    assert server.verbs[-1] == "DELETE"


async def test_a_video_whose_options_were_refused_is_deleted_again() -> None:
    async def refuse_edits(server: Server, path: str, headers: dict[str, str], reader: asyncio.StreamReader) -> str:
        if "upload-length" in headers:
            return await right(server, path, headers, reader)
        await body_of(headers, reader)
        return http(400, body='{"success":false,"errors":[{"code":10005,"message":"bad origin"}]}')

    async with serving(post=refuse_edits) as server, client(server.url) as stream:
        with pytest.raises(StreamError, match="10005"):
            await stream.upload(bytes(1000), allowed_origins=["bad.example"])
    assert server.verbs == ["POST", "POST", "DELETE"]


# --- the rest ----------------------------------------------------------------------------------------------------


async def test_a_given_session_that_raises_for_status_still_gives_our_errors() -> None:
    missing = fixed(http(404, body='{"success":false,"errors":[{"code":10003,"message":"Not Found"}]}'))
    async with (
        serving(get=missing) as server,
        aiohttp.ClientSession(raise_for_status=True) as given,
        client(server.url, session=given) as stream,
    ):
        with pytest.raises(NotFoundError):
            await stream.get(UID)


@pytest.mark.filterwarnings("ignore:.*auth:DeprecationWarning")
async def test_a_given_session_with_credentials_of_its_own_is_refused() -> None:
    async with aiohttp.ClientSession(auth=aiohttp.BasicAuth("user", "canary-password")) as given:
        with pytest.raises(InvalidInputError, match="auth=") as caught:
            client("http://127.0.0.1:9", session=given)
    assert "canary-password" not in str(caught.value)


@pytest.mark.parametrize("obeys_limit", [True, False])
async def test_a_service_that_ignores_the_window_ends_the_walk(obeys_limit: bool) -> None:
    newest = datetime(2026, 1, 1, tzinfo=UTC)
    videos = [video("ready", f"{n:032x}", (newest - timedelta(minutes=n)).isoformat()) for n in range(10)]

    async def always_the_newest(
        server: Server, path: str, headers: dict[str, str], reader: asyncio.StreamReader
    ) -> str:
        limit = int(path.partition("limit=")[2].partition("&")[0])
        return good(videos[:limit] if obeys_limit else videos)

    seen: list[str] = []

    async def walk(stream: Stream) -> None:
        async for one in stream.list(limit=5):
            seen.append(one.uid)  # noqa: PERF401  # what was handed out before the error counts

    async with serving(get=always_the_newest) as server, client(server.url) as stream:
        with pytest.raises(PaginationError, match="ignores"):
            await asyncio.wait_for(walk(stream), 5)
    assert len(seen) == len(set(seen))
    assert seen[:5] == [f"{n:032x}" for n in range(5)]


async def test_a_file_object_that_reads_short_is_sent_whole_as_captions() -> None:
    async with serving(put=_caption) as server, client(server.url) as stream:
        await stream.captions.language.update("en", identifier=UID, file=Short(VTT))  # type: ignore[arg-type]  # any object with read() will do
    assert VTT in server.body


async def test_a_file_object_that_reads_short_is_sent_whole_as_a_watermark() -> None:
    async with serving() as server, client(server.url) as stream:
        await stream.watermarks.create(file=Short(PNG))  # type: ignore[arg-type]  # the same
    assert PNG in server.body


async def _caption(server: Server, path: str, headers: dict[str, str], reader: asyncio.StreamReader) -> str:
    server.body = await body_of(headers, reader)
    return good({"language": "en", "label": "English", "generated": False, "status": "ready"})
