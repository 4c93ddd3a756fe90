"""A temporary file without a name."""

import contextlib
import os
import tempfile
import threading
import weakref
from collections.abc import Generator
from typing import Self

from cfstream.errors import UploadError


class Spool:
    """Keeps the bytes that were written last, up to a capacity; only this process can read it. Its methods block."""

    def __init__(self, descriptor: int, capacity: int) -> None:
        self._descriptor = descriptor
        self._capacity = capacity
        # a cancelled write goes on in its thread, and the number of a closed descriptor soon is another file's
        self._lock = threading.Lock()
        self._closer = weakref.finalize(self, os.close, descriptor)

    @classmethod
    def open(cls, capacity: int) -> Self:
        """Make the file.

        Raises:
            UploadError: there is no place for it.
        """
        with _explained(), tempfile.TemporaryFile(buffering=0) as file:
            return cls(os.dup(file.fileno()), capacity)

    def write(self, offset: int, data: memoryview) -> None:
        """Put bytes behind those that were written before; ``offset`` is that of the whole stream.

        Raises:
            UploadError: the disk is full, or fails.
        """
        with self._lock, _explained():
            while data and self._closer.alive:
                place = offset % self._capacity
                written = os.pwrite(self._descriptor, data[: self._capacity - place], place)
                data = data[written:]
                offset += written

    def read(self, offset: int, length: int) -> bytes:
        """Give at most that many bytes.

        Raises:
            UploadError: the disk fails.
        """
        with self._lock, _explained():
            if not self._closer.alive:
                return b""
            # the file ends at the capacity, and so does what is read: the rest stands at its beginning
            return os.pread(self._descriptor, length, offset % self._capacity)

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._closer()


@contextlib.contextmanager
def _explained() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise UploadError(
            f"the temporary file for what can be read only once: {error.strerror}; "
            "TMPDIR names the folder, which needs room for one chunk, or for all bytes where length= is not given"
        ) from error
