"""``uploads.sources``: everything that can be uploaded, read again where the server stands."""

import asyncio
import errno
import gc
import gzip
import io
import os
import random
import stat
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sources_kit import ONCE, AsyncRead, Bucket, OnlyRead, once, pieces, reader, reading_threads, unnamed

from cfstream import FileChangedError, InvalidInputError, Limits, RangeSource, StreamError, UploadError
from cfstream.uploads.sources import PIECE, Source, open_source

KIB = 1024
CHUNK = 256 * KIB
LIMITS = Limits(chunk_min=64 * KIB, chunk_default=CHUNK, chunk_max=CHUNK, file_max=4 * PIECE)
DATA = random.Random(4).randbytes(2 * PIECE + 17)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No temporary file and no thread outlives a test."""
    yield
    gc.collect()
    assert unnamed() == []
    assert reading_threads() == []


async def opened(source: Any, length: int | None = None) -> Source:
    return await open_source(source, LIMITS, length, chunk=CHUNK)


async def read(source: Source, offset: int, end: int) -> bytes:
    got = bytearray()
    while offset < end and (piece := await source.read(offset, min(PIECE, end - offset))):
        assert len(piece) <= PIECE
        got += piece
        offset += len(piece)
    return bytes(got)


async def first_bytes(stream: Any, length: int | None) -> bytes | memoryview:
    source = await opened(stream, length)
    try:
        return await source.read(0, 10)
    finally:
        await source.close()


async def sent(source: Source, chance: random.Random | None = None) -> bytes:
    """Read as an upload does: chunk by chunk, and anew from within the chunk whenever chance will have it."""
    offset, arrived = 0, bytearray()
    while offset < source.size:
        end = min(offset + CHUNK, source.size)
        stop = chance.randint(offset, end) if chance and chance.random() < 0.6 else end
        got = await read(source, offset, stop)
        assert len(got) == stop - offset
        kept = chance.randint(0, len(got)) if chance and stop < end else len(got)
        arrived += got[:kept]
        offset += kept
    return bytes(arrived)


# --- streams that are read once ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ONCE)
async def test_a_stream_of_known_length_is_read_with_one_chunk_kept(kind: str) -> None:
    with once(kind, DATA) as stream:
        source = await opened(stream, len(DATA))
        assert source.size == len(DATA)
        assert await sent(source) == DATA
        (kept,) = unnamed()
        assert kept.st_size <= CHUNK
        await source.close()


@pytest.mark.parametrize("seed", range(20))
async def test_any_rewind_within_the_chunk_being_sent_gives_the_same_bytes(seed: int) -> None:
    chance = random.Random(seed)
    with once(chance.choice(ONCE), DATA) as stream:
        source = await opened(stream, len(DATA))
        assert await sent(source, chance) == DATA
        (kept,) = unnamed()
        assert kept.st_size <= CHUNK
        await source.close()


@pytest.mark.parametrize("kind", ONCE)
async def test_a_stream_of_unknown_length_is_kept_whole(kind: str) -> None:
    with once(kind, DATA) as stream:
        source = await opened(stream)
    assert source.size == len(DATA)
    assert await read(source, 0, len(DATA)) == DATA
    assert await read(source, 5, PIECE + 9) == DATA[5 : PIECE + 9]
    assert await source.read(len(DATA), 10) == b""
    source.check_reach(0)
    await source.close()


@pytest.mark.parametrize("length", [None, len(DATA)])
async def test_what_is_kept_has_no_name_and_no_other_reader(length: int | None) -> None:
    source = await opened(pieces(DATA), length)
    (kept,) = unnamed()
    assert stat.S_IMODE(kept.st_mode) == 0o600
    await source.close()


async def test_a_file_object_bears_its_name_and_standard_input_has_none(tmp_path: Path) -> None:
    named = OnlyRead(DATA)
    named.name = "<stdin>"  # type: ignore[attr-defined]  # as Python calls it
    for stream, name in ((AsyncRead(DATA), "async.mp4"), (named, None), (pieces(DATA), None)):
        source = await opened(stream)
        assert source.name == name
        await source.close()


async def test_a_stream_begins_where_it_stands() -> None:
    stream = reader(b"head" + DATA)
    await stream.readexactly(4)
    source = await opened(stream, len(DATA))
    assert await sent(source) == DATA
    await source.close()


async def test_bytes_that_left_the_chunk_cannot_be_read_again() -> None:
    source = await opened(pieces(DATA), len(DATA))
    await read(source, 0, 2 * CHUNK)
    source.check_reach(CHUNK)
    with pytest.raises(UploadError, match="would have to go on at byte 0, but what is read only once") as caught:
        await source.read(0, 10)
    assert "\n" not in str(caught.value)
    with pytest.raises(UploadError, match="at byte 600000"):
        await source.read(600_000, 10)
    await source.close()


async def test_a_stream_of_one_chunk_can_begin_anew() -> None:
    source = await opened(pieces(DATA[:CHUNK]), CHUNK)
    for _ in range(3):
        source.check_reach(0)
        assert await read(source, 0, CHUNK) == DATA[:CHUNK]
    await source.close()


@pytest.mark.parametrize("kind", ONCE)
@pytest.mark.parametrize("missing", [1, PIECE, len(DATA)])
async def test_a_stream_that_ends_early_is_an_error(kind: str, missing: int) -> None:
    there = len(DATA) - missing
    with once(kind, DATA[:there]) as stream:
        source = await opened(stream, len(DATA))
        with pytest.raises(FileChangedError, match=f"ended after {there} bytes, but length={len(DATA)} was given"):
            await sent(source)
        await source.close()


@pytest.mark.parametrize("kind", ONCE)
async def test_the_last_bytes_are_not_given_while_more_follow(kind: str) -> None:
    announced = len(DATA) - 1
    with once(kind, DATA) as stream:
        source = await opened(stream, announced)
        start = announced - announced % CHUNK
        await read(source, 0, start)
        with pytest.raises(FileChangedError, match=f"has more bytes than the length={announced} that was given"):
            await source.read(start, announced - start)
        with pytest.raises(FileChangedError):
            await source.read(start, announced - start)
        await source.close()


async def test_more_than_the_service_takes_is_refused_while_it_is_read() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(PIECE)
        finally:
            closed.set()

    with pytest.raises(InvalidInputError, match=f"more bytes than the {LIMITS.file_max} that the service takes"):
        await opened(endless())
    assert closed.is_set()


async def test_an_empty_stream_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="is empty; the service takes no empty videos"):
        await opened(pieces(b""))


class _Odd:
    def __init__(self, gives: Any) -> None:
        self._gives = gives

    async def read(self, size: int) -> Any:
        return self._gives if size else b""


async def _failing(error: BaseException) -> AsyncIterator[bytes]:
    yield b"some"
    raise error


async def _texts() -> AsyncIterator[Any]:
    yield "text"


@pytest.mark.parametrize("length", [None, 100])
@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (lambda: _failing(OSError(5, "disk\nbroken")), r"the stream: cannot be read: \[Errno 5\] disk broken"),
        (lambda: _failing(KeyError()), "cannot be read: KeyError"),
        (_texts, "gives str instead of bytes"),
        (lambda: _Odd(None), "gives NoneType instead of bytes"),
        (lambda: _Odd("text"), "gives str instead of bytes"),
    ],
)
async def test_a_stream_that_fails_is_a_typed_error(stream: Any, said: str, length: int | None) -> None:
    with pytest.raises(UploadError, match=said) as caught:
        await first_bytes(stream(), length)
    assert caught.value.__cause__ is not None
    assert "\n" not in str(caught.value)


async def test_an_error_of_ours_passes_a_stream_unchanged() -> None:
    error = StreamError("a call within the iterator failed")
    with pytest.raises(StreamError) as caught:
        await opened(_failing(error))
    assert caught.value is error


async def test_a_stream_that_cancels_itself_does_not_look_like_a_cancelled_upload() -> None:
    source = await opened(_failing(asyncio.CancelledError()), 100)
    with pytest.raises(UploadError, match="the stream was cancelled"):
        await source.read(0, 100)
    await source.close()


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (io.StringIO("x"), r"open it in binary mode \('rb'\)"),
        (_Odd, "the file object cannot be read"),
        (type("NoSize", (), {"read": lambda _self: b""})(), "the file object cannot be read"),
        (type("Text", (), {"read": staticmethod(lambda _size: "")})(), "the file object gives text"),
    ],
)
async def test_file_objects_that_give_no_bytes_are_refused_at_once(file: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        await opened(file, 10)


async def test_a_read_that_is_async_without_saying_so_is_awaited() -> None:
    class Delegating:
        def __init__(self) -> None:
            self._inner = AsyncRead(DATA)

        def read(self, size: int) -> Any:
            return self._inner.read(size)

    source = await opened(Delegating(), len(DATA))
    assert await sent(source) == DATA
    await source.close()


async def test_memory_stays_small_however_the_pieces_come() -> None:
    async def crumbs() -> AsyncIterator[bytes]:
        for number in range(60_000):
            yield b"%d" % (number % 10)

    tracemalloc.start()
    try:
        source = await opened(crumbs(), 60_000)
        assert len(await source.read(0, 60_000)) == 60_000
        assert tracemalloc.get_traced_memory()[1] < 4 * PIECE
        await source.close()
    finally:
        tracemalloc.stop()


async def test_a_full_disk_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(UploadError, match="No space left on device; TMPDIR names the folder"):
        await opened(pieces(DATA))
    source = await opened(pieces(DATA), len(DATA))
    with pytest.raises(UploadError, match="No space left on device"):
        await source.read(0, 10)
    await source.close()


async def test_writes_that_the_disk_takes_in_parts_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, place: pwrite(descriptor, data[:1000], place))
    source = await opened(pieces(DATA), len(DATA))
    assert await sent(source, random.Random(0)) == DATA
    await source.close()


# --- cancellation ------------------------------------------------------------------------------------------------


class Gated:
    """An iterator that waits until it is let through."""

    def __init__(self, data: bytes) -> None:
        self.gate = asyncio.Event()
        self.waiting = asyncio.Event()
        self.ended = False
        self._data = data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            for start in range(0, len(self._data), 10_000):
                self.waiting.set()
                await self.gate.wait()
                yield self._data[start : start + 10_000]
        finally:
            self.ended = True


async def test_a_cancelled_read_loses_no_byte() -> None:
    gated = Gated(DATA)
    source = await opened(gated, len(DATA))
    for _ in range(3):
        task = asyncio.create_task(source.read(0, 50_000))
        await gated.waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    gated.gate.set()
    assert await source.read(0, 40_000) == DATA[:40_000]
    assert await sent(source) == DATA
    await source.close()


@pytest.mark.parametrize("kind", ["known", "unknown", "range"])
async def test_cancelling_ends_the_iterator_and_every_task(kind: str) -> None:
    gated = Gated(DATA)

    class Slow(Bucket):
        async def open(self, offset: int) -> AsyncIterator[bytes]:
            async for piece in gated:
                yield piece

    async def use() -> None:
        source = await opened(Slow(DATA) if kind == "range" else gated, len(DATA) if kind == "known" else None)
        try:
            await source.read(0, PIECE)
        finally:
            await source.close()

    before = asyncio.all_tasks()
    task = asyncio.create_task(use())
    await gated.waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    if kind == "range":  # the inner of two generators is ended when the outer one lets it go
        gc.collect()
        await asyncio.sleep(0)
    assert gated.ended
    assert asyncio.all_tasks() == before


async def test_closing_ends_an_iterator_that_is_not_used_up() -> None:
    gated = Gated(DATA)
    gated.gate.set()
    source = await opened(gated, len(DATA))
    await source.read(0, 15_000)
    assert not gated.ended
    await source.close()
    assert gated.ended


@pytest.mark.parametrize("length", [None, 100])
@pytest.mark.parametrize("buffering", [-1, 0])
async def test_a_pipe_that_nobody_fills_can_be_left_at_once(length: int | None, buffering: int) -> None:
    out, into = os.pipe()

    with os.fdopen(into, "wb", 0) as writer, os.fdopen(out, "rb", buffering) as file:
        task = asyncio.create_task(first_bytes(file, length))
        writer.write(b"some")
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not task.done()
        task.cancel()
        async with asyncio.timeout(1):
            with pytest.raises(asyncio.CancelledError):
                await task
        assert reading_threads() == []


def test_a_read_that_never_returns_does_not_hold_up_the_end_of_the_program() -> None:
    code = """
import asyncio, threading
from cfstream import Limits
from cfstream.uploads.sources import open_source

class Stuck:
    def read(self, size):
        if size:
            print("reading", flush=True)
            threading.Event().wait()
        return b""

async def main():
    task = asyncio.create_task(open_source(Stuck(), Limits()))
    while not any(thread.name == "cfstream-read" for thread in threading.enumerate()):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=20, check=True
    )
    assert (done.stdout, done.stderr) == ("reading\n", "")


@pytest.mark.parametrize("kind", ONCE)
@pytest.mark.parametrize("length", [None, len(DATA)])
async def test_cancelling_at_any_moment_leaves_nothing(kind: str, length: int | None) -> None:
    async def use(stream: Any) -> bool:
        source = await opened(stream, length)
        try:
            return await sent(source) == DATA
        finally:
            await source.close()

    before = asyncio.all_tasks()
    for steps in (*range(0, 60, 3), 100, 200):
        with once(kind, DATA) as stream:
            task = asyncio.create_task(use(stream))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):  # a quick one may be through
                assert await task
    # what a thread was doing for a cancelled task ends by itself
    await asyncio.get_running_loop().shutdown_default_executor()
    for thread in reading_threads():
        thread.join()
    assert asyncio.all_tasks() == before


# --- range sources -----------------------------------------------------------------------------------------------


async def test_a_range_source_is_read_in_one_go() -> None:
    bucket = Bucket(DATA)
    assert isinstance(bucket, RangeSource)
    source = await opened(bucket)
    assert (source.size, source.name) == (len(DATA), "talk.mp4")
    assert await sent(source) == DATA
    assert bucket.opened == [0]
    await source.close()
    assert bucket.closed == 1
    assert unnamed() == []


@pytest.mark.parametrize("seed", range(5))
async def test_a_range_source_is_opened_again_where_the_server_stands(seed: int) -> None:
    bucket = Bucket(DATA)
    source = await opened(bucket)
    assert await sent(source, random.Random(seed)) == DATA
    await source.close()
    assert len(bucket.opened) > 1
    assert bucket.closed == len(bucket.opened)


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        (len(DATA) - 1, f"talk.mp4 ended after {len(DATA) - 1} of {len(DATA)} bytes"),
        (0, f"talk.mp4 ended after 0 of {len(DATA)} bytes"),
        (len(DATA) + 1, f"talk.mp4 has more than {len(DATA)} bytes"),
    ],
)
async def test_a_range_source_of_another_size_than_it_says_is_an_error(gives: int, said: str) -> None:
    bucket = Bucket(DATA, gives=gives)
    source = await opened(bucket)
    with pytest.raises(FileChangedError, match=said):
        await sent(source)
    assert bucket.closed == len(bucket.opened) == 1
    await source.close()


async def test_a_range_source_that_became_another_version_is_noticed() -> None:
    bucket = Bucket(DATA)
    source = await opened(bucket)
    await source.check_unchanged()
    bucket.fingerprint = "v2"
    with pytest.raises(FileChangedError, match=r"talk\.mp4 was changed"):
        await source.check_unchanged()


async def test_a_range_source_that_fails_can_be_read_again() -> None:
    class Breaking(Bucket):
        async def open(self, offset: int) -> AsyncIterator[bytes]:
            self.opened.append(offset)
            yield self.data[offset : offset + 1000]
            if len(self.opened) == 1:
                raise OSError("reset by the bucket")
            yield self.data[offset + 1000 :]

    source = await opened(Breaking(DATA))
    with pytest.raises(UploadError, match=r"talk\.mp4: cannot be read: reset by the bucket"):
        await source.read(0, 2000)
    assert await sent(source) == DATA
    await source.close()


async def test_open_must_give_an_iterator() -> None:
    class Coroutine(Bucket):
        async def open(self, offset: int) -> Any:  # type: ignore[override]  # the mistake
            return None

    source = await opened(Coroutine(DATA))
    with pytest.raises(UploadError, match="open gives coroutine instead of an async iterator; write it as"):
        await source.read(0, 10)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("size", -1, "size must be a whole number of bytes, not -1"),
        ("size", "5", "size must be a whole number of bytes, not '5'"),
        ("size", True, "size must be a whole number of bytes, not True"),
        ("size", 0, "is empty"),
        ("size", LIMITS.file_max + 1, "the service takes at most"),
        ("fingerprint", "", "fingerprint must be a text that names the bytes, not ''"),
        ("fingerprint", 5, "fingerprint must be a text"),
    ],
)
async def test_a_range_source_that_says_nonsense_is_refused(field: str, value: Any, said: str) -> None:
    class Odd:
        size = 5
        fingerprint = "x"

        def open(self, offset: int) -> AsyncIterator[bytes]:
            return pieces(bytes(5 - offset))

    odd = Odd()
    setattr(odd, field, value)
    with pytest.raises(InvalidInputError, match=said):
        await opened(odd)


# --- length= -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["path", "bytes", "file", "buffer", "range"])
async def test_a_length_that_differs_from_the_size_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(DATA)
    with path.open("rb") as file:
        kinds = {"path": path, "bytes": DATA, "file": file, "buffer": io.BytesIO(DATA), "range": Bucket(DATA)}
        source: Any = kinds[kind]
        same = await opened(source, len(DATA))
        await same.close()
        with pytest.raises(InvalidInputError, match=f"has {len(DATA)} bytes, but length=5 was given"):
            await opened(source, 5)


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (-1, "length: expected a whole number of bytes, got -1"),
        (5.0, "length: expected a whole number"),
        ("5", "length: expected a whole number"),
        (True, "length: expected a whole number"),
        (0, "length: the source is empty"),
        (LIMITS.file_max + 1, "length: .* the service takes at most"),
    ],
)
async def test_a_length_that_is_none_is_refused_before_anything_is_read(length: Any, said: str) -> None:
    stream = reader(DATA)
    with pytest.raises(InvalidInputError, match=said):
        await opened(stream, length)
    assert await stream.readexactly(10) == DATA[:10]


async def test_a_url_is_sent_to_the_call_that_copies() -> None:
    with pytest.raises(InvalidInputError, match=r"let the service fetch it: stream\.copy\.create"):
        await opened("https://example.com/v.mp4", 100)


# --- what a journal keeps ----------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "talk.mp4"
    path.write_bytes(DATA)
    return path


async def told(source: Any) -> tuple[str | None, str | None, str | None]:
    """Give key, stat and sample."""
    known = await opened(source)
    try:
        return known.key, known.stat, await known.sample()
    finally:
        await known.close()


async def test_a_file_is_found_again_by_its_path_however_it_was_given(path: Path, monkeypatch: Any) -> None:
    info = path.stat()  # noqa: ASYNC240  # nothing else runs
    expected = (str(path), f"{info.st_size}:{info.st_mtime_ns}:{info.st_ino}:{info.st_dev}")
    monkeypatch.chdir(path.parent)
    with path.open("rb") as file, path.open("rb", buffering=0) as raw:
        seen = [await told(given) for given in (path, str(path), "talk.mp4", file, raw)]
    assert {given[:2] for given in seen} == {expected}
    assert len({given[2] for given in seen}) == 1


async def test_other_bytes_are_found_again_by_their_hash_or_fingerprint() -> None:
    bucket = Bucket(DATA)
    key, stat, sample = await told(DATA)
    assert key is not None
    assert key.startswith("bytes:")
    assert (key, stat, sample) == await told(bytearray(DATA))
    assert await told(bucket) == ("range:bucket/talk.mp4 v1", str(len(DATA)), sample)
    assert bucket.closed == len(bucket.opened)


async def test_what_cannot_be_found_again_has_no_key(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(DATA)
    with path.open("rb") as replaced, path.with_suffix(".new").open("rb") as moved:
        other.replace(path)
        os.link(path, other)
        moved.seek(1)
        packed = io.BytesIO(gzip.compress(DATA))
        for source in (moved, replaced, gzip.GzipFile(fileobj=packed), io.BytesIO(DATA)):
            key, stat, sample = await told(source)
            assert (key, stat) == (None, None)
            assert sample
    for stream in (pieces(DATA), reader(DATA)):
        assert await told(stream) == (None, None, None)
    announced = await opened(pieces(DATA), len(DATA))
    assert (announced.key, announced.stat, await announced.sample()) == (None, None, None)
    assert await sent(announced) == DATA
    await announced.close()


async def test_a_file_name_of_undecodable_bytes_makes_a_key_that_can_be_kept(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    odd.write_bytes(DATA)
    key, _, _ = await told(odd)
    assert key is not None
    assert key.encode().endswith(b"caf\\xe9.mp4")


@pytest.mark.parametrize("size", [1, 64 * KIB, 512 * KIB, 512 * KIB + 1, len(DATA)])
async def test_a_sample_sees_the_size_the_head_and_the_tail(size: int, path: Path) -> None:
    async def sampled(data: bytes) -> str | None:
        return (await told(io.BytesIO(data)))[2]

    data = DATA[:size]
    with path.open("wb") as file:
        file.write(data)
    assert (await told(path))[2] == await sampled(data)
    changed = [bytes([data[0] ^ 1]) + data[1:], data[:-1] + bytes([data[-1] ^ 1]), data + b"x"]
    assert await sampled(data) not in [await sampled(other) for other in changed]
    assert await sampled(bytes(size)) != await sampled(bytes(size + 1))


async def test_a_sample_reads_half_a_mebibyte_of_any_file_and_all_of_a_small_one(tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    with large.open("wb") as file:
        file.truncate(LIMITS.file_max)
    seen: list[tuple[int, int]] = []

    class Watched(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            seen.append((self.tell(), size or 0))
            return super().read(size)

    for end, blocks in ((LIMITS.file_max, 8), (3 * 64 * KIB + 1, 4)):
        os.truncate(large, end)
        seen.clear()
        with Watched(large) as watched:
            await told(watched)
        taken = [part for part in seen if part[1]]
        assert len(taken) == blocks
        assert taken[0][0] == 0
        assert sum(taken[-1]) == end


async def test_a_file_that_shrank_has_no_sample(path: Path) -> None:
    source = await opened(path)
    os.truncate(path, 100)
    with pytest.raises(FileChangedError, match=r"talk\.mp4 has fewer than 2097169 bytes"):
        await source.sample()
    await source.close()


async def test_a_file_object_that_is_rewritten_is_noticed(path: Path) -> None:
    with path.open("rb") as file:
        source = await opened(file)
        await source.check_unchanged()
        os.utime(path, ns=(0, 0))
        with pytest.raises(FileChangedError, match=r"talk\.mp4 was changed"):
            await source.check_unchanged()


async def test_a_file_object_that_is_closed_meanwhile_is_a_typed_error(path: Path) -> None:
    with path.open("rb") as file:
        source = await opened(file)
    with pytest.raises(UploadError, match=r"talk\.mp4: cannot be read: .*closed file"):
        await source.read(0, 10)
    with pytest.raises(UploadError, match=r"talk\.mp4: cannot be read"):
        await source.check_unchanged()
