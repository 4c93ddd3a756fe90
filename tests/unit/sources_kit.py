"""Bytes dressed as everything that can be uploaded and read only once, and a look at what is left open."""

import asyncio
import os
import stat
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import attrs


class OnlyRead:
    """A file object that can be read and nothing else, as the answers of HTTP libraries are."""

    def __init__(self, data: bytes) -> None:
        self._rest = data

    def read(self, size: int) -> bytes:
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


class AsyncRead(OnlyRead):
    """The same with an async ``read`` that gives less than it could."""

    name = "/videos/async.mp4"

    async def read(self, size: int) -> bytes:  # type: ignore[override]  # the other colour
        await asyncio.sleep(0)
        return super().read(min(size, 50_000))


@contextmanager
def pipe(data: bytes, *, buffering: int = -1) -> Iterator[IO[bytes]]:
    """Give the reading end of a pipe that somebody fills."""
    out, into = os.pipe()

    def fill() -> None:
        with os.fdopen(into, "wb") as file:
            try:
                file.write(data)
            except BrokenPipeError:
                return

    writer = threading.Thread(target=fill)
    writer.start()
    try:
        with os.fdopen(out, "rb", buffering) as file:
            yield file
    finally:
        writer.join()


def reader(data: bytes) -> asyncio.StreamReader:
    made = asyncio.StreamReader()
    made.feed_data(data)
    made.feed_eof()
    return made


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    """Give pieces of all sizes, empty ones and one of more than a chunk included."""
    sizes = [1, 0, 7, 100_000, 3, 400_000, 65_536]
    while data:
        for size in sizes:
            await asyncio.sleep(0)
            yield data[:size]
            data = data[size:]


@contextmanager
def once(kind: str, data: bytes) -> Iterator[Any]:
    """Give the bytes as a stream of that kind."""
    if kind in ("pipe", "raw pipe"):
        with pipe(data, buffering=0 if kind == "raw pipe" else -1) as file:
            yield file
    else:
        make: Callable[[bytes], Any] = {
            "only read": OnlyRead,
            "async read": AsyncRead,
            "stream reader": reader,
            "async iterator": pieces,
        }[kind]
        yield make(data)


ONCE = ("pipe", "raw pipe", "only read", "async read", "stream reader", "async iterator")


@attrs.define
class Bucket:
    """A range source that keeps account of how it is read."""

    data: bytes = attrs.field(repr=False)
    fingerprint: str = "bucket/talk.mp4 v1"
    name: str = "talk.mp4"
    opened: list[int] = attrs.field(factory=list)
    closed: int = 0
    gives: int | None = None
    """How many bytes there really are."""

    @property
    def size(self) -> int:
        return len(self.data)

    async def open(self, offset: int) -> AsyncIterator[bytes]:
        self.opened.append(offset)
        data = self.data if self.gives is None else (self.data + bytes(1000))[: self.gives]
        try:
            for start in range(offset, len(data), 30_000):
                await asyncio.sleep(0)
                yield data[start : start + 30_000]
        finally:
            self.closed += 1


def _without_name() -> dict[int, os.stat_result]:
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            info = entry.stat()
        except OSError:  # closed meanwhile
            continue
        if stat.S_ISREG(info.st_mode) and info.st_nlink == 0:
            found[info.st_ino] = info
    return found


_FOREIGN = _without_name().keys()  # where pytest keeps what tests print


def unnamed() -> list[os.stat_result]:
    """Give what is known of the temporary files that are open."""
    return [info for inode, info in _without_name().items() if inode not in _FOREIGN]


def reading_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "cfstream-read"]
