"""The unfinished file of a download, and the note beside it by which a later run can take it up."""

import fcntl
import json
import os
import threading
from pathlib import Path
from typing import Any, Self

from cfstream._redact import shown
from cfstream.errors import InvalidInputError, StreamError
from cfstream.saving.places import MODE, NEW_FILE, put_in_place

_BLOCK = 64 * 1024 * 1024
"""Bytes that are forced onto the disk before more are written: a later run trusts whole blocks alone, because a power
cut can leave a file with its full length and a tail of zeros."""


class Part:
    """``<place>.part``, locked while it is open; ``<place>.part.json`` says of what it is the beginning.

    Its functions block and may be called from any thread; once it is closed they do nothing.
    """

    def __init__(self, place: Path, video: str, kind: str) -> None:
        self._place = place
        self._of = {"video": video, "type": kind}
        self._path, self._note = _paths(place)
        self._lock = threading.Lock()
        self.size = 0
        self.validator: str | None = None
        """What ``If-Range`` takes: the file on the server is still the one that this is the beginning of."""
        self.total: int | None = None
        self._descriptor: int | None = _open_locked(self._path)

    @classmethod
    def open(cls, place: Path, video: str, kind: str) -> Self:
        """Open it, new or as an earlier run left it.

        Raises:
            StreamError: another download is writing to it.
            OSError: it cannot be written.
        """
        part = cls(place, video, kind)
        try:
            part._take_up()
        except BaseException:
            part.close()
            raise
        return part

    def _take_up(self) -> None:
        note = _read(self._note)
        # a block counts once a byte of the next is there: only then it had been forced onto the disk
        whole = max(0, os.fstat(self._fd).st_size - 1) // _BLOCK * _BLOCK
        validator, total = note.get("validator"), note.get("total")
        known = isinstance(validator, str) and isinstance(total, int) and whole < total
        if known and {name: note.get(name) for name in self._of} == self._of:
            self.size, self.validator, self.total = whole, validator, total
        os.ftruncate(self._fd, self.size)

    @property
    def _fd(self) -> int:
        if self._descriptor is None:
            raise ValueError("closed")
        return self._descriptor

    def begin(self, validator: str | None, total: int | None) -> None:
        """Throw away what is there; what comes now is of this version of the file."""
        with self._lock:
            if self._descriptor is None:
                return
            os.ftruncate(self._descriptor, 0)
            self.size, self.validator, self.total = 0, validator, total
            text = json.dumps({**self._of, "validator": validator, "total": total})
            with os.fdopen(os.open(self._note, NEW_FILE | os.O_TRUNC, MODE), "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())

    def write(self, data: bytes | bytearray) -> None:
        """Write these bytes at the end."""
        with self._lock:
            left = memoryview(data)
            while left and self._descriptor is not None:
                count = os.pwrite(self._descriptor, left[: _BLOCK - self.size % _BLOCK], self.size)
                self.size, left = self.size + count, left[count:]
                if self.size % _BLOCK == 0:
                    os.fsync(self._descriptor)

    def finish(self, *, overwrite: bool) -> None:
        """Put the file in its place.

        Raises:
            StreamError: without ``overwrite``, when another file has taken the name in the meantime.
        """
        with self._lock:
            if self._descriptor is None:
                return
            os.fsync(self._descriptor)
            put_in_place(self._path, self._place, overwrite=overwrite)
            self._note.unlink(missing_ok=True)
            self._release()

    def close(self) -> None:
        """Let go of it; what a later run could not use is removed."""
        with self._lock:
            if self._descriptor is None:
                return
            try:
                if self.size < _BLOCK or self.validator is None or self.total is None:
                    self._path.unlink(missing_ok=True)
                    self._note.unlink(missing_ok=True)
            finally:
                self._release()

    def _release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def refuse_foreign(place: Path, *, overwrite: bool) -> None:
    """Refuse to write over an unfinished file that some other program made: browsers name theirs so too.

    Raises:
        InvalidInputError: there is one.
    """
    path, note = _paths(place)
    if not os.path.lexists(path):
        return
    if not path.is_file() or path.is_symlink():
        raise InvalidInputError(f"path: {shown(os.fspath(path))} is in the way and is not a regular file")
    if path.stat().st_size and not note.exists() and not overwrite:
        raise InvalidInputError(
            f"path: {shown(os.fspath(path))} is in the way and not ours; move it, or overwrite=True replaces it"
        )


def _paths(place: Path) -> tuple[Path, Path]:
    return place.with_name(f"{place.name}.part"), place.with_name(f"{place.name}.part.json")


def _open_locked(path: Path) -> int:
    while True:
        descriptor = os.open(path, NEW_FILE, MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # whoever had the lock before may have given the file its final name
            held = os.fstat(descriptor)
            if os.path.samestat(path.stat(), held):
                if held.st_nlink == 1:
                    return descriptor
                path.unlink()  # a run that was killed had given the whole file its final name already
        except BlockingIOError as error:
            os.close(descriptor)
            raise StreamError(f"another download is writing to {shown(os.fspath(path))}") from error
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _read(note: Path) -> dict[str, Any]:
    """Give what the note says; one that cannot be read says nothing."""
    try:
        found = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
