"""What an upload asks of its source."""

import abc
import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cfstream._redact import excerpt
from cfstream.errors import InvalidInputError

T = TypeVar("T")

# Measured: smaller pieces cost system calls, larger ones memory; 1 MiB is the best over TLS.
PIECE = 1024 * 1024


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
        """Hash parts of what is behind an equal key, for sources whose ``stat`` may differ and yet nothing else."""
        return None

    async def close(self) -> None:  # noqa: B027  # some sources hold nothing
        """Let go of what was opened for the upload."""


def read_once(shown: str) -> InvalidInputError:
    """Make the error of a source that no journal can know again."""
    return InvalidInputError(
        f"source: {shown} can be read once only, so no journal can find it again; give a path, bytes, a file object of "
        "a file or a RangeSource"
    )


async def opened_in_thread(opening: Callable[[], T], close: Callable[[T], object]) -> T:
    """Open something in a thread; where nobody waits for it any more, it is closed as soon as it is open."""
    thread = asyncio.get_running_loop().run_in_executor(None, opening)

    def end(_: object) -> None:
        if not thread.cancelled() and thread.exception() is None:
            close(thread.result())

    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        thread.add_done_callback(end)
        raise


def name_of(source: object) -> str | None:
    """Give the file name that an object bears; ``<stdin>`` and the like are none."""
    try:
        name = getattr(source, "name", None)
    except Exception:  # noqa: BLE001  # foreign code raises anything
        return None
    if not isinstance(name, str) or name.startswith("<"):
        return None
    return Path(name).name or None
