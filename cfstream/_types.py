"""Small shared types: the masked string, the absent marker, the clock that tests replace."""

import asyncio
import enum
import os
import time
from typing import Any, BinaryIO, Final, Protocol

JsonObject = dict[str, Any]
"""One JSON object as the service sends it."""

PathSource = str | os.PathLike[str]
"""A file on disk by name."""

FileSource = PathSource | bytes | BinaryIO
"""What a file can be given as: path, bytes or a binary file object."""

_SHORT_SECRET = 12


class Secret(str):
    """A string whose repr is masked, so that tracebacks, logs and pytest never show it.

    It is an ordinary ``str`` everywhere else: ``str(secret)`` and headers carry the value.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Secret({self.masked!r})"

    @property
    def masked(self) -> str:
        """The value as it may be shown: the last four characters of a long one, nothing of a short one."""
        return "***" if len(self) < _SHORT_SECRET else f"***{self[-4:]}"


class Absent(enum.Enum):
    """The type of `ABSENT`: shown as the default of keywords that mean "unchanged" when left out."""

    ABSENT = enum.auto()

    def __repr__(self) -> str:
        return self.name


ABSENT: Final = Absent.ABSENT


class Clock(Protocol):
    """Time as the library sees it."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    def time(self) -> float:
        """Seconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for that long."""
        ...


class SystemClock:
    """The clock of the machine and the event loop."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for that long."""
        await asyncio.sleep(seconds)
