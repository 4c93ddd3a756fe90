"""Everything that can be uploaded, over broken connections: the server has every byte, the disk at most one chunk."""

import asyncio
import gc
import random
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import ClientSession, web
from sources_kit import ONCE, Bucket, OnlyRead, once, pieces, pipe, reading_threads, unnamed

from cfstream import (
    FileChangedError,
    Hooks,
    InvalidInputError,
    RangeSource,
    RetryPolicy,
    Stream,
    UploadError,
    UploadProgress,
)
from cfstream.emulator import Emulator, Fault
from cfstream.sync import Stream as BlockingStream

KIB = 1024
CHUNK = 256 * KIB
QUICK = RetryPolicy(base=0.001, cap=0.002)
DATA = random.Random(5).randbytes(900 * KIB + 17)


def stored(emulator: Emulator, uid: str) -> bytes:
    """Give the bytes the server holds."""
    return emulator._running.library.source(uid).read_bytes()


@pytest.fixture
async def stream(emulator: Emulator) -> AsyncIterator[Stream]:
    async with emulator.stream(retry=QUICK) as client:
        yield client


@attrs.define
class Spools:
    """Sizes of the temporary files, measured while an upload goes on."""

    sizes: list[int] = attrs.field(factory=list)

    def __call__(self, _event: UploadProgress) -> None:
        self.sizes += [info.st_size for info in unnamed()]


@pytest.fixture
def spools() -> Iterator[Spools]:
    """Give an `on_progress`, and see to it that no temporary file and no thread is left."""
    measured = Spools()
    yield measured
    gc.collect()
    assert unnamed() == []
    assert reading_threads() == []


def planned(seed: int) -> list[Fault]:
    """Give connections that break anywhere in a chunk, some before the first byte, and answers that are lost."""
    chance = random.Random(seed)
    kinds = [Fault.drop(after_bytes=0), Fault.drop(after_commit=True), Fault.status(500)]
    anywhere = [Fault.drop(after_bytes=chance.randint(1, CHUNK)) for _ in range(4)]
    return chance.sample([*kinds, *anywhere], 7)


@pytest.mark.parametrize("kind", ONCE)
@pytest.mark.parametrize("seed", range(4))
async def test_a_stream_of_known_length_arrives_over_broken_connections(
    emulator: Emulator, stream: Stream, spools: Spools, kind: str, seed: int
) -> None:
    emulator.faults.add("TUS_PATCH", *planned(seed))
    with once(kind, DATA) as source:
        video = await stream.upload(source, length=len(DATA), on_progress=spools)
    assert stored(emulator, video.uid) == DATA
    assert not emulator.faults.pending
    assert len([video async for video in stream.list()]) == 1
    assert max(spools.sizes) == CHUNK


@pytest.mark.parametrize("kind", ONCE)
async def test_a_stream_of_unknown_length_arrives_over_broken_connections(
    emulator: Emulator, stream: Stream, kind: str
) -> None:
    emulator.faults.add("TUS_PATCH", *planned(0))
    with once(kind, DATA) as source:
        video = await stream.upload(source)
    assert stored(emulator, video.uid) == DATA
    assert not emulator.faults.pending
    assert unnamed() == []


@pytest.mark.parametrize("seed", range(4))
async def test_a_range_source_is_read_on_where_the_server_stands(
    emulator: Emulator, stream: Stream, spools: Spools, seed: int
) -> None:
    emulator.faults.add("TUS_PATCH", *planned(seed))
    bucket = Bucket(DATA)
    video = await stream.upload(bucket, on_progress=spools)
    assert stored(emulator, video.uid) == DATA
    assert video.name == "talk.mp4"
    assert spools.sizes == []
    assert bucket.opened[0] == 0
    assert len(bucket.opened) > 1
    assert bucket.closed == len(bucket.opened)


class HttpObject:
    """An object behind HTTP that answers to Range."""

    def __init__(self, http: ClientSession, url: str, size: int, etag: str) -> None:
        self.http, self.url, self.size, self.etag = http, url, size, etag
        self.fingerprint = f"{url} {etag}"

    async def open(self, offset: int) -> AsyncIterator[bytes]:
        headers = {"Range": f"bytes={offset}-", "If-Match": self.etag}
        async with self.http.get(self.url, headers=headers) as answer:
            if answer.status != 206:
                raise OSError(f"{self.url}: status {answer.status} instead of 206")
            async for piece in answer.content.iter_chunked(1024 * 1024):
                yield piece


async def served(*handlers: tuple[str, Any]) -> tuple[web.AppRunner, str]:
    app = web.Application(client_max_size=1)
    for path, handler in handlers:
        app.router.add_route("*", path, handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}"


async def test_an_object_behind_http_goes_from_server_to_server(
    emulator: Emulator, stream: Stream, tmp_path: Path
) -> None:
    path = tmp_path / "object"
    path.write_bytes(DATA)

    async def give(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    runner, url = await served(("/object", give))
    async with ClientSession() as http:
        async with http.head(f"{url}/object") as answer:
            source = HttpObject(http, f"{url}/object", int(answer.headers["Content-Length"]), answer.headers["ETag"])
        assert isinstance(source, RangeSource)
        emulator.faults.add("TUS_PATCH", *planned(1))
        video = await stream.upload(source, name="from a bucket")
        assert stored(emulator, video.uid) == DATA
        path.write_bytes(DATA[::-1])
        with pytest.raises(UploadError, match="status 412 instead of 206"):
            await stream.upload(source)
    await runner.cleanup()


async def test_the_body_of_a_request_is_passed_on(emulator: Emulator, stream: Stream, spools: Spools) -> None:
    async def take(request: web.Request) -> web.Response:
        video = await stream.upload(request.content, length=request.content_length, on_progress=spools)
        return web.Response(text=video.uid)

    runner, url = await served(("/upload", take))
    async with ClientSession() as http:
        for _ in range(2):
            emulator.faults.add("TUS_PATCH", *planned(2))
            async with http.post(f"{url}/upload", data=DATA) as answer:
                assert stored(emulator, await answer.text()) == DATA
    assert max(spools.sizes) == CHUNK
    await runner.cleanup()


async def test_the_output_of_a_program_is_uploaded_while_it_runs(emulator: Emulator, stream: Stream) -> None:
    code = "import os, sys; [sys.stdout.buffer.write(bytes([n]) * 100_000) for n in range(9)]"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    video = await stream.upload(process.stdout)
    await process.wait()
    expected = b"".join(bytes([n]) * 100_000 for n in range(9))
    assert stored(emulator, video.uid) == expected
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as blocking:  # noqa: ASYNC220  # the point
        assert blocking.stdout is not None
        video = await stream.upload(blocking.stdout, length=len(expected))
    assert stored(emulator, video.uid) == expected


# --- lengths that are wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*ONCE, "range"])
@pytest.mark.parametrize("there", [len(DATA) - 1, CHUNK, 1, len(DATA) + 1])
async def test_a_stream_of_another_length_than_announced_is_no_video(
    emulator: Emulator, stream: Stream, kind: str, there: int
) -> None:
    said = "has more|more than" if there > len(DATA) else f"ended after {there}"
    with once("pipe" if kind == "range" else kind, (DATA + b"x")[:there]) as source:
        given: Any = Bucket(DATA, gives=there) if kind == "range" else source
        with pytest.raises(FileChangedError, match=said):
            await stream.upload(given, length=len(DATA))
    assert [video async for video in stream.list()] == []
    assert unnamed() == []


@pytest.mark.parametrize("source", [DATA, Bucket(DATA), "https://example.com/talk.mp4", OnlyRead])
@pytest.mark.parametrize("length", [5, -1, 0, "all"])
async def test_a_length_that_cannot_be_is_refused_before_any_request(
    emulator: Emulator, source: Any, length: Any
) -> None:
    asked: list[str] = []
    async with emulator.stream(hooks=Hooks(on_request=lambda event: asked.append(event.row))) as stream:
        with pytest.raises(InvalidInputError):
            await stream.upload(source, length=length)
    assert asked == []


# --- uploads that vanish -----------------------------------------------------------------------------------------


async def test_an_upload_that_vanished_cannot_begin_anew_from_a_stream_that_is_gone(
    emulator: Emulator, stream: Stream
) -> None:
    emulator.faults.add("TUS_PATCH", Fault.delay(0), Fault.delay(0), Fault.status(404))
    with pytest.raises(UploadError, match="what is read only once is kept for one chunk; begin again"):
        await stream.upload(pieces(DATA), length=len(DATA))
    assert unnamed() == []


@pytest.mark.parametrize("kind", ["one chunk", "unknown length", "range"])
async def test_an_upload_that_vanished_begins_anew_where_the_bytes_are_still_there(
    emulator: Emulator, stream: Stream, kind: str
) -> None:
    data = DATA[:CHUNK] if kind == "one chunk" else DATA
    emulator.faults.add("TUS_PATCH", Fault.drop(after_bytes=CHUNK // 2), Fault.status(404))
    source: Any = Bucket(data) if kind == "range" else pieces(data)
    video = await stream.upload(source, length=None if kind == "unknown length" else len(data))
    assert stored(emulator, video.uid) == data


# --- cost and end ------------------------------------------------------------------------------------------------


async def test_memory_holds_a_few_pieces_whatever_the_size(emulator: Emulator, stream: Stream, spools: Spools) -> None:
    size, block = 48 * 1024 * KIB, bytes(300_000)

    async def large() -> AsyncIterator[bytes]:
        for start in range(0, size, len(block)):
            yield block[: size - start]

    tracemalloc.start()
    try:
        await stream.upload(large(), length=size, on_progress=spools)
        assert tracemalloc.get_traced_memory()[1] < 12 * 1024 * KIB
        assert max(spools.sizes) == CHUNK
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("length", [None, len(DATA)])
@pytest.mark.parametrize("kind", [*ONCE, "range"])
async def test_cancelling_ends_the_source_and_leaves_nothing(stream: Stream, kind: str, length: int | None) -> None:
    reached = asyncio.Event()

    async def stall(event: UploadProgress) -> None:
        if event.bytes:
            reached.set()
            await asyncio.Event().wait()

    before = asyncio.all_tasks()
    bucket = Bucket(DATA)
    with once("pipe" if kind == "range" else kind, DATA) as source:
        given = bucket if kind == "range" else source
        task = asyncio.create_task(stream.upload(given, length=length, on_progress=stall))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    gc.collect()
    assert unnamed() == []
    assert reading_threads() == []
    assert bucket.closed == len(bucket.opened)
    await asyncio.sleep(0)
    assert {task for task in asyncio.all_tasks() - before if "web_protocol" not in repr(task)} == set()


async def test_a_stream_that_fails_in_the_middle_ends_the_upload_with_its_reason(stream: Stream) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield DATA[:CHUNK]
        raise ConnectionResetError("the camera is gone")

    with pytest.raises(UploadError, match="the stream: cannot be read: the camera is gone") as caught:
        await stream.upload(failing(), length=len(DATA))
    assert isinstance(caught.value.__cause__, ConnectionResetError)
    assert caught.value.uid


# --- the blocking twin -------------------------------------------------------------------------------------------


async def test_the_blocking_client_takes_the_same(emulator: Emulator) -> None:
    bucket = Bucket(DATA)

    def upload_all() -> None:
        with BlockingStream(**emulator.client_options({"retry": QUICK})) as stream:
            sources: list[Any] = [OnlyRead(DATA), pieces(DATA), bucket]
            for source in sources:
                emulator.faults.add("TUS_PATCH", *planned(3))
                assert stored(emulator, stream.upload(source, length=len(DATA)).uid) == DATA
            with pipe(DATA) as file:
                assert stored(emulator, stream.upload(file).uid) == DATA

    await asyncio.to_thread(upload_all)
    assert bucket.closed == len(bucket.opened)
