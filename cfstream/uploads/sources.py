"""What can be uploaded: paths, bytes and file objects, read in pieces off the event loop."""

import asyncio
import os
import threading
import weakref
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self

from cfstream._files import open_file
from cfstream._limits import Limits
from cfstream._redact import excerpt
from cfstream._types import FileSource
from cfstream.errors import FileChangedError, InvalidInputError

UploadSource = FileSource
"""A path, bytes, or a binary file object that can seek."""

# Measured: smaller pieces cost system calls, larger ones memory; 1 MiB is the best over TLS.
PIECE = 1024 * 1024


class Source(Protocol):
    """Bytes of a known size that can be read again from any offset."""

    @property
    def name(self) -> str | None:
        """The file name, where there is one."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    async def read(self, offset: int, length: int) -> bytes | memoryview:
        """Give at most that many bytes from the offset; none at the end."""
        ...

    async def check_unchanged(self) -> None:
        """Make sure that the bytes are still those the upload began with.

        Raises:
            FileChangedError: they are not.
        """
        ...

    async def close(self) -> None:
        """Let go of the file."""
        ...


async def open_source(source: UploadSource, limits: Limits) -> Source:
    """Open whatever was given.

    Raises:
        InvalidInputError: it cannot be uploaded; the message says why and what to give instead.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        opened: Source = _Bytes(memoryview(source).cast("B"))
    elif isinstance(source, (str, os.PathLike)):
        opened = await asyncio.to_thread(_File.open, source)
    else:
        opened = await asyncio.to_thread(_FileObject.of, source)
    problem = _size_problem(opened, limits)
    if problem:
        await opened.close()
        raise InvalidInputError(f"source: {problem}")
    return opened


def _size_problem(source: Source, limits: Limits) -> str | None:
    shown = excerpt(source.name or "the data")
    if source.size == 0:
        return f"{shown} is empty; the service takes no empty videos"
    if source.size > limits.file_max:
        return f"{shown} has {source.size} bytes; the service takes at most {limits.file_max}"
    return None


class _Bytes:
    """Bytes in memory."""

    name = None

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self.size = len(data)

    async def read(self, offset: int, length: int) -> memoryview:
        return self._data[offset : offset + length]

    async def check_unchanged(self) -> None:
        """Bytes cannot change; what the caller writes into a bytearray meanwhile is not noticed."""

    async def close(self) -> None:
        """Nothing is open."""


class _File:
    """A file on disk, told apart from a changed one by size, time of change and inode."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._identity = _identity(os.fstat(descriptor))
        # also when the upload is cancelled while the file is being opened, and nobody comes to hold this object
        self._closer = weakref.finalize(self, os.close, descriptor)
        self.name: str | None = path.name
        self.size = self._identity[0]

    @classmethod
    def open(cls, source: str | os.PathLike[str]) -> Self:
        path = _path(source)
        # absolute, because the program may change its folder before the file is looked at again
        return cls(path.absolute(), open_file("source", path))

    async def read(self, offset: int, length: int) -> bytes:
        return await asyncio.to_thread(os.pread, self._descriptor, length, offset)

    async def check_unchanged(self) -> None:
        try:
            named = await asyncio.to_thread(os.stat, self._path)
        except OSError:
            named = None
        held = os.fstat(self._descriptor)
        # a file that was only renamed or deleted is still the one being read
        if _identity(held) != self._identity or (named and _identity(named) != self._identity):
            raise FileChangedError(f"{self._path.name} was changed while it was uploaded")

    async def close(self) -> None:
        self._closer()


class _FileObject:
    """A binary file object, read from where it stands; it is left open."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self._start = start
        # of threads, not of tasks: a cancelled read goes on in its thread
        self._lock = threading.Lock()
        name = getattr(file, "name", None)
        self.name = Path(name).name if isinstance(name, str) and name else None
        self.size = size

    @classmethod
    def of(cls, file: Any) -> Self:
        if not hasattr(file, "read") or not hasattr(file, "seek"):
            raise InvalidInputError(
                f"source: cannot upload {type(file).__name__}; give a path, bytes or a binary file object that can seek"
            )
        try:
            binary = isinstance(file.read(0), bytes)
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"source: the file object cannot be read: {error}") from error
        if not binary:
            raise InvalidInputError("source: the file object gives text; open it in binary mode ('rb')")
        try:
            start = file.tell()
            end = file.seek(0, os.SEEK_END)
            file.seek(start)
        except (OSError, ValueError) as error:
            raise InvalidInputError("source: the file object cannot seek; write it to a file first") from error
        return cls(file, start, end - start)

    async def read(self, offset: int, length: int) -> bytes:
        return await asyncio.to_thread(self._read_at, offset, length)

    def _read_at(self, offset: int, length: int) -> bytes:
        with self._lock:
            self._file.seek(self._start + offset)
            return self._file.read(length)

    def _end(self) -> int:
        with self._lock:
            return self._file.seek(0, os.SEEK_END)

    async def check_unchanged(self) -> None:
        end = await asyncio.to_thread(self._end)
        if end - self._start != self.size:
            raise FileChangedError(f"{self.name or 'the file object'} was changed while it was uploaded")

    async def close(self) -> None:
        """The file object belongs to the caller."""


def _path(source: str | os.PathLike[str]) -> Path:
    text = os.fspath(source)
    if text.startswith(("http://", "https://")):
        raise InvalidInputError("source: a URL is not uploaded from here; let the service fetch it: stream.copy.create")
    if not text:
        raise InvalidInputError("source: '' is not a path")
    return Path(text)


def _identity(info: os.stat_result) -> tuple[int, int, int, int]:
    return info.st_size, info.st_mtime_ns, info.st_ino, info.st_dev
