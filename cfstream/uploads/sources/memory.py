"""Bytes in memory."""

import hashlib

from cfstream.uploads.sources.base import Source


class Memory(Source):
    """Bytes; what the caller writes into a bytearray meanwhile is not noticed."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._data = memoryview(data).cast("B")
        self.size = len(self._data)
        self._key: str | None = None

    @property
    def key(self) -> str:
        """The hash of all bytes, made when it is first asked for: that takes about a second for a GiB."""
        if self._key is None:
            self._key = f"bytes:{hashlib.sha256(self._data).hexdigest()}"
        return self._key

    @property
    def stat(self) -> str:
        """The size: the key says all else."""
        return str(self.size)

    async def read(self, offset: int, length: int) -> memoryview:
        """Give a view."""
        return self._data[offset : offset + length]
