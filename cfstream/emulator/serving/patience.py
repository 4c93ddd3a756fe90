"""How long a client may keep a request waiting for its body."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from cfstream.emulator.answers import BAD_REQUEST, Refused

SILENCE: Final = 60.0
"""Seconds in which something must come."""

_LEAST: Final = 1024
"""So many bytes are something: who sends one at a time holds a connection for nothing."""


class Patience:
    """The wait for a body; it begins anew whenever enough of it has come."""

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._timeout = timeout
        self._came = 0

    def came(self, size: int) -> None:
        """Bytes came."""
        self._came += size
        if self._came >= _LEAST:
            self._came = 0
            self._end_in(SILENCE)

    def end(self) -> None:
        """Wait no longer."""
        self._end_in(0)

    def _end_in(self, seconds: float) -> None:
        if not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time() + seconds)


@asynccontextmanager
async def patient() -> AsyncGenerator[Patience]:
    """Wait for a body: as a whole, or from one block to the next where ``came`` is called.

    Raises:
        Refused: 408, nothing came for too long.
    """
    try:
        async with asyncio.timeout(SILENCE) as timeout:
            yield Patience(timeout)
    except TimeoutError as error:
        raise too_late() from error


def too_late() -> Refused:
    """408: the client was silent."""
    return Refused(408, (BAD_REQUEST, "stream timeout"), close=True)
