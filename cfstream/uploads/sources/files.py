"""Files on disk, and file objects that can seek."""

import asyncio
import contextlib
import io
import os
import threading
import weakref
from collections.abc import Generator
from pathlib import Path
from typing import Any, BinaryIO, Self

import attrs

from cfstream._files import open_file
from cfstream._redact import excerpt
from cfstream.errors import FileChangedError, InvalidInputError, UploadError
from cfstream.uploads.sources.base import name_of
from cfstream.uploads.sources.pieces import in_own_thread
from cfstream.uploads.sources.sampled import Sampled


@attrs.frozen
class _Identity:
    """What changes with a file."""

    size: int
    mtime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, info: os.stat_result) -> Self:
        return cls(info.st_size, info.st_mtime_ns, info.st_ino, info.st_dev)

    def __str__(self) -> str:
        return ":".join(map(str, attrs.astuple(self)))


class File(Sampled):
    """A file on disk, told apart from a changed one by size, time of change and inode."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._identity = _Identity.of(os.fstat(descriptor))
        # also when the loop ends while the file is being opened, and nobody comes to hold this object
        self._closer = weakref.finalize(self, os.close, descriptor)
        self.name = path.name
        self.size = self._identity.size

    @classmethod
    def open(cls, source: str | os.PathLike[str]) -> Self:
        """Open the file; this blocks.

        Raises:
            InvalidInputError: there is no such file, or it is none.
        """
        path = _path(source)
        # absolute, because the program may change its folder before the file is looked at again
        return cls(path.absolute(), open_file("source", path))

    @property
    def key(self) -> str:
        """The absolute path."""
        return path_key(self._path)

    @property
    def stat(self) -> str:
        """Size, time of change in ns, inode and device."""
        return str(self._identity)

    async def read(self, offset: int, length: int) -> bytes:
        """Read in a thread."""
        try:
            return await asyncio.to_thread(os.pread, self._descriptor, length, offset)
        except OSError as error:
            raise UploadError(f"{self.shown}: cannot be read: {error.strerror}") from error

    async def check_unchanged(self) -> None:
        """Look at the open file and at whatever has its name now."""
        try:
            named = await asyncio.to_thread(os.stat, self._path)
        except OSError:
            named = None
        held = os.fstat(self._descriptor)
        # a file that was only renamed or deleted is still the one being read
        if _Identity.of(held) != self._identity or (named and _Identity.of(named) != self._identity):
            raise FileChangedError(f"{self.shown} was changed while it was uploaded")

    def let_go(self) -> None:
        """Close it."""
        self._closer()

    async def close(self) -> None:
        """Close it."""
        self.let_go()


class FileObject(Sampled):
    """A binary file object, read from where it stands; it is left open and put back to there."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        _take(file)
        self._let_go = weakref.finalize(self, _IN_USE.discard, id(file))
        self._over = False
        self._file = file
        self._start = start
        # of threads, not of tasks: a cancelled read goes on in its thread
        self._lock = threading.Lock()
        self.name = name_of(file)
        self.size = size
        self._identity = self._look()
        self._path = self._findable()

    @classmethod
    def of(cls, file: Any) -> Self | None:
        """Measure the file object, or give None for one that cannot seek; this blocks."""
        try:
            start = file.tell()
            end = file.seek(0, os.SEEK_END)
            file.seek(start)
        except (AttributeError, OSError, ValueError):
            return None
        except Exception as error:  # foreign code raises anything
            raise UploadError(f"the file object cannot be read: {excerpt(str(error))}") from error
        return cls(file, start, end - start)

    @property
    def key(self) -> str | None:
        """The absolute path of a file that `open` gave and that is read from its beginning."""
        return path_key(self._path) if self._path else None

    @property
    def stat(self) -> str | None:
        """As for a path."""
        return str(self._identity) if self._path else None

    async def read(self, offset: int, length: int) -> bytes:
        """Read in a thread, which may take its time."""
        return await in_own_thread(lambda: self._read_at(offset, length))

    async def check_unchanged(self) -> None:
        """Look at the size, and at the file where there is one."""
        if await in_own_thread(self._now) != (self._start + self.size, self._identity):
            raise FileChangedError(f"{self.shown} was changed while it was uploaded")

    @property
    def shown(self) -> str:
        """The name, where the object bears one."""
        return super().shown if self.name else "the file object"

    def _read_at(self, offset: int, length: int) -> bytes:
        with self._used():
            self._file.seek(self._start + offset)
            return self._file.read(length)

    def _now(self) -> tuple[int, _Identity | None]:
        with self._used():
            return self._file.seek(0, os.SEEK_END), self._look()

    @contextlib.contextmanager
    def _used(self) -> Generator[None]:
        try:
            with self._lock:
                yield
        except Exception as error:  # foreign code raises anything
            raise UploadError(f"{self.shown}: cannot be read: {excerpt(str(error))}") from error
        finally:
            if self._over:  # looked at with the lock free again, or close() might leave it to a read that has ended
                self._put_back()

    def _put_back(self) -> None:
        with self._lock:
            if not self._let_go.alive:
                return  # another upload may have it by now
            # so that whoever tries again sends the same bytes
            with contextlib.suppress(Exception):
                self._file.seek(self._start)
            self._let_go()

    async def close(self) -> None:
        """Put it back to where it stood; a read that still goes on does that at its end."""
        self._over = True
        if not self._lock.locked():
            with contextlib.suppress(UploadError):
                await in_own_thread(self._now)

    def _look(self) -> _Identity | None:
        # others, such as a GzipFile, may give the descriptor of something else than what they read
        plain = isinstance(self._file, (io.BufferedReader, io.BufferedRandom, io.FileIO))
        return _Identity.of(os.fstat(self._file.fileno())) if plain else None

    def _findable(self) -> Path | None:
        name = getattr(self._file, "name", None)
        if self._start or self._identity is None or not isinstance(name, str):
            return None
        path = Path(name).absolute()
        try:
            return path if _Identity.of(path.stat()) == self._identity else None
        except OSError:
            return None


_IN_USE: set[int] = set()


def _take(file: BinaryIO) -> None:
    """Keep a file object to one upload: two would move each other's position.

    Raises:
        InvalidInputError: another one has it.
    """
    if id(file) in _IN_USE:
        raise InvalidInputError("source: this file object is being uploaded already; open the file once more")
    _IN_USE.add(id(file))


def _path(source: str | os.PathLike[str]) -> Path:
    text = os.fsdecode(source)
    if is_url(text):
        raise InvalidInputError("source: a URL is not uploaded from here; let the service fetch it: stream.copy.create")
    if not text:
        raise InvalidInputError("source: '' is not a path")
    return Path(text)


def is_url(text: str) -> bool:
    """Tell an address, which may hold a signature, from a path."""
    return text.lower().startswith(("http://", "https://"))


def path_key(path: str | os.PathLike[str]) -> str:
    """Give the absolute path as text."""
    # a file name of undecodable bytes holds what no text may hold
    text = str(Path(os.fsdecode(path)).absolute())
    try:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # the name of no file at all
        return text.encode("utf-8", "backslashreplace").decode()
