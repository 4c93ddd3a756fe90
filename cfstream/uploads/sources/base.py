"""What an upload asks of its source."""

import abc
import hashlib
from collections.abc import Sequence
from pathlib import Path

from cfstream._redact import excerpt
from cfstream.errors import FileChangedError

# Measured: smaller pieces cost system calls, larger ones memory; 1 MiB is the best over TLS.
PIECE = 1024 * 1024

_BLOCK = 64 * 1024
_BLOCKS = 8


class Source(abc.ABC):
    """Bytes of a known size, read piece by piece and again after a lost connection."""

    name: str | None = None
    """The file name, where there is one."""
    size: int
    """Bytes."""

    @property
    def shown(self) -> str:
        """The name as it can stand in an error."""
        return excerpt(self.name or "the data")

    @property
    def key(self) -> str | None:
        """What another process finds the same source by; None where it cannot."""
        return None

    @property
    def stat(self) -> str | None:
        """What tells without reading that the source behind an equal key is still the same; None without a key."""
        return None

    @abc.abstractmethod
    async def read(self, offset: int, length: int) -> bytes | memoryview:
        """Give at most that many bytes from the offset; none at the end.

        Raises:
            FileChangedError: the bytes are not those that were announced.
            UploadError: they cannot be read, or not again.
        """

    def check_reach(self, offset: int) -> None:  # noqa: B027  # most sources reach everywhere
        """Make sure that the source can be read from there on.

        Raises:
            UploadError: it gives its bytes only once, and those are gone.
        """

    async def check_unchanged(self) -> None:  # noqa: B027  # some sources cannot change
        """Make sure that the bytes are still those the upload began with.

        Raises:
            FileChangedError: they are not.
        """

    async def sample(self) -> str | None:
        """Hash the size and up to 8 blocks of 64 KiB from the whole length; None where that would use bytes up.

        Raises:
            FileChangedError: there are fewer bytes than announced.
        """
        digest = hashlib.sha256(b"%d:" % self.size)
        for offset in _spread(self.size):
            await self._hash(digest, offset, min(offset + _BLOCK, self.size))
        return digest.hexdigest()

    async def _hash(self, digest: "hashlib._Hash", offset: int, end: int) -> None:
        while offset < end:
            piece = await self.read(offset, end - offset)
            if not piece:
                raise FileChangedError(f"{self.shown} has fewer than {self.size} bytes")
            digest.update(piece)
            offset += len(piece)

    async def close(self) -> None:  # noqa: B027  # some sources hold nothing
        """Let go of what was opened for the upload."""


def _spread(size: int) -> Sequence[int]:
    if size <= _BLOCKS * _BLOCK:
        return range(0, size, _BLOCK)
    return [number * (size - _BLOCK) // (_BLOCKS - 1) for number in range(_BLOCKS)]


def name_of(source: object) -> str | None:
    """Give the file name that an object bears; ``<stdin>`` and the like are none."""
    name = getattr(source, "name", None)
    if not isinstance(name, str) or name.startswith("<"):
        return None
    return Path(name).name or None
