"""Sources that fail in ways of their own: one of them costs itself, not its neighbours, and tells no secret."""

import gzip
import io
import os
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sources_kit import Bucket
from upload_kit import KIB, quick, stored, uids, walked

from cfstream import InvalidInputError, PermissionDeniedError, Stream, StreamError, Uploaded, UploadError, UploadFailed
from cfstream.emulator import Emulator, Fault

DATA = random.Random(8).randbytes(40 * 64 * KIB)
ZIPPED = gzip.compress(DATA[:5000])


@pytest.fixture
async def stream(emulator: Emulator) -> AsyncIterator[Stream]:
    async with quick(emulator) as client:
        yield client


class Unmeasured(Bucket):
    """A range source that gives its size a number of times."""

    left = 0

    @property
    def size(self) -> int:
        if self.left == 0:
            raise OSError("the bucket is away")
        self.left -= 1
        return len(self.data)


class Lost(Unmeasured):
    left = 3


class Shut(Bucket):
    def open(self, offset: int) -> AsyncIterator[bytes]:
        raise OSError("the bucket is away")


class NoEnd(io.BytesIO):
    def seek(self, offset: int, whence: int = 0, /) -> int:
        raise LookupError("the bucket is away")


class NoRead(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        if size:
            raise LookupError("the bucket is away")
        return b""


class NoPath:
    def __fspath__(self) -> str:
        raise LookupError("the bucket is away")


class NoName(io.BytesIO):
    @property
    def name(self) -> str:
        raise LookupError("the bucket is away")


def cut() -> Any:
    return gzip.open(io.BytesIO(ZIPPED[:3000]))


def rotten() -> Any:
    return gzip.open(io.BytesIO(ZIPPED[:2000] + bytes(100) + ZIPPED[2100:]))


FOREIGN: dict[str, tuple[Callable[[], Any], str]] = {
    "a gzip file that was cut": (cut, "cannot be read: "),
    "a gzip file with rot": (rotten, "cannot be read: "),
    "a file object whose seek fails": (lambda: NoEnd(DATA), "cannot be read: the bucket is away"),
    "a file object whose read fails": (lambda: NoRead(DATA), "cannot be read: the bucket is away"),
    "a size that fails": (lambda: Unmeasured(DATA), "the bucket is away"),
    "a size that fails later": (lambda: Lost(DATA), "the bucket is away"),
    "an open that fails": (lambda: Shut(DATA), "cannot be opened: the bucket is away"),
    "a path that fails": (NoPath, "source: NoPath cannot be opened: the bucket is away"),
    "a name that fails": (lambda: NoName(DATA), "cannot be opened: the bucket is away"),
    "a view with gaps": (lambda: memoryview(DATA)[::2], "source: memoryview cannot be opened: "),
}


@pytest.mark.parametrize("kind", FOREIGN)
async def test_a_source_that_fails_in_its_own_way_harms_no_neighbour(
    emulator: Emulator, stream: Stream, kind: str
) -> None:
    make, said = FOREIGN[kind]
    outcomes = await walked(stream.upload_many([make(), DATA], concurrency=1))
    assert [type(outcome) for outcome in outcomes] == [UploadFailed, Uploaded]
    with pytest.raises(UploadError) as caught:
        await stream.upload(make())
    assert said in str(caught.value)
    assert said in str(outcomes[0].error)
    assert stored(emulator, outcomes[1].uid) == DATA


@pytest.mark.parametrize("options", [{"length": len(DATA)}, {}])
async def test_a_generator_may_use_its_buffer_again(
    emulator: Emulator, stream: Stream, options: dict[str, Any]
) -> None:
    async def pieces() -> AsyncIterator[bytearray]:
        buffer = bytearray()
        for start in range(0, len(DATA), 64 * KIB):
            buffer += DATA[start : start + 64 * KIB]
            yield buffer
            buffer.clear()  # which a view of it would forbid

    video = await stream.upload(pieces(), **options)  # type: ignore[arg-type]  # a bytearray is as good as bytes
    assert stored(emulator, video.uid) == DATA


# --- paths that are no text --------------------------------------------------------------------------------------


class BytesPath:
    """A path of bytes, as `os.scandir` gives them for a folder of bytes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> bytes:
        return os.fsencode(self._path)


@pytest.mark.parametrize("kept", [True, False])
async def test_a_path_of_bytes_is_a_path(emulator: Emulator, stream: Stream, tmp_path: Path, kept: bool) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(DATA)
    source: Any = BytesPath(film)
    (outcome,) = await walked(stream.upload_many([source], journal=tmp_path / "u.db" if kept else None))
    assert stored(emulator, outcome.uid) == DATA


@pytest.mark.parametrize("kept", [True, False])
async def test_a_path_that_can_be_no_file_harms_no_neighbour(stream: Stream, tmp_path: Path, kept: bool) -> None:
    uploads = stream.upload_many(["/\ud800.mp4", DATA], journal=tmp_path / "u.db" if kept else None, concurrency=1)
    outcomes = await walked(uploads)
    assert [type(outcome) for outcome in outcomes] == [UploadFailed, Uploaded]
    assert isinstance(outcomes[0].error, InvalidInputError)


def kept_in(folder: Path) -> bytes:
    files = list(folder.iterdir())
    assert files
    return b"".join(path.read_bytes() for path in files)


async def test_the_signature_of_an_address_stands_in_no_report_and_no_journal(stream: Stream, tmp_path: Path) -> None:
    source = "https://bucket.example/film.mp4?X-Amz-Signature=canary"
    for journal in (None, tmp_path / "u.db"):
        report = await stream.upload_many([source], journal=journal).run()
        assert [entry.source for entry in report.failed] == ["https://bucket.example/film.mp4"]
        assert "canary" not in report.failed[0].reason
    assert b"canary" not in kept_in(tmp_path)


# --- streams that are read once ----------------------------------------------------------------------------------


class Counted:
    """An async iterator of bytes that knows how much of it is gone."""

    def __init__(self) -> None:
        self.given = 0

    def __aiter__(self) -> "Counted":
        return self

    async def __anext__(self) -> bytes:
        if self.given == len(DATA):
            raise StopAsyncIteration
        self.given += 64 * KIB
        return DATA[self.given - 64 * KIB : self.given]


@pytest.mark.parametrize("options", [{"length": len(DATA)}, {}])
async def test_a_stream_that_no_journal_can_keep_is_refused_before_a_byte_is_read(
    emulator: Emulator, stream: Stream, tmp_path: Path, options: dict[str, Any]
) -> None:
    source = Counted()
    with pytest.raises(InvalidInputError, match="no journal can find it again"):
        await stream.upload(source, resume=tmp_path / "u.db", **options)
    (outcome,) = await walked(stream.upload_many([source], journal=tmp_path / "u.db", **options))
    assert isinstance(outcome.error, InvalidInputError)
    assert source.given == 0
    assert len(emulator.requests) == 0
    await stream.upload(source, **options)


@pytest.mark.parametrize("options", [{"length": len(DATA)}, {}])
async def test_of_a_stream_whose_bytes_are_refused_nothing_is_left(
    emulator: Emulator, stream: Stream, options: dict[str, Any]
) -> None:
    emulator.faults.add("TUS_PATCH", Fault.delay(0), Fault.status(403))
    with pytest.raises(PermissionDeniedError):
        await stream.upload(Counted(), **options)
    assert emulator.requests.count("STREAM_CREATE") == 1
    assert await uids(emulator) == []


@pytest.mark.parametrize("options", [{"length": len(DATA)}, {}])
async def test_of_a_stream_whose_on_progress_fails_nothing_is_left(
    emulator: Emulator, stream: Stream, options: dict[str, Any]
) -> None:
    def fail(event: Any) -> None:
        if event.bytes:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await stream.upload(Counted(), on_progress=fail, **options)
    assert emulator.requests.count("STREAM_CREATE") == 1
    assert await uids(emulator) == []


async def test_a_file_whose_bytes_are_refused_can_be_gone_on_with(
    emulator: Emulator, stream: Stream, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(DATA)
    emulator.faults.add("TUS_PATCH", Fault.delay(0), Fault.status(403))
    with pytest.raises(StreamError):
        await stream.upload(film, resume=tmp_path / "u.db")
    await stream.upload(film, resume=tmp_path / "u.db")
    assert emulator.requests.count("STREAM_CREATE") == 1
    assert len(await uids(emulator)) == 1
