"""The event loop's side of the child process that makes live HLS of a broadcast."""

import logging
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from typing import Final

from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.runner import last_words, parse, spawn

_WORKER: Final = "cfstream.emulator.media.live.worker"
_GRACE: Final = 5.0
"""Seconds that it gets to write its last segment."""

_log = logging.getLogger("cfstream.emulator")


class Feed:
    """Where a broadcast is written to."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._process: Process | None = None

    async def start(self) -> None:
        """Start the process."""
        self._process = await spawn(_WORKER, str(self._folder), self._name, complaints=DEVNULL)

    async def write(self, data: bytes) -> None:
        """Hand over the next bytes; a process that is behind makes the caller wait.

        Raises:
            ConnectionError: it has ended.
        """
        if self._process is None or self._process.stdin is None:
            raise ConnectionResetError
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def end(self) -> MediaError | None:
        """End the broadcast; afterwards its files are complete. Gives what was wrong with it."""
        process, self._process = self._process, None
        if process is None:
            return None
        said = await last_words(process, _ended(process), _GRACE)
        event = parse(said) if said else {}
        if event.get("event") == "error":
            return MediaError(event["code"], event["text"])
        if process.returncode:
            _log.error("The worker of a broadcast ended with status %d", process.returncode)
            return MediaError(UNKNOWN, "The broadcast could not be segmented.")
        return None


async def _ended(process: Process) -> bytes:
    """Let the process come to its end, and take what it has said."""
    if process.stdin is not None:
        process.stdin.close()
    said = b"" if process.stdout is None else await process.stdout.read()
    await process.wait()
    return said
