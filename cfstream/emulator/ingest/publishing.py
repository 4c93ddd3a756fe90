"""A broadcaster for tests and demos: a moving picture and a tone, sent to a live input by RTMP."""

import json
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

from cfstream.emulator.errors import EmulatorError
from cfstream.emulator.media import runner

T = TypeVar("T")

_WORKER: Final = "cfstream.emulator.media.live.publisher"


class Publisher:
    """What ``emulator.publish`` gives: it broadcasts from ``async with`` on, until its seconds or the block are over.

    Entering raises `EmulatorError` if the emulator does not take the broadcast.
    """

    def __init__(self, wanted: Mapping[str, Any], taken_in: Callable[[], Callable[[], Awaitable[None]] | None]) -> None:
        self._wanted = wanted
        self._find = taken_in
        self._taken_in: Callable[[], Awaitable[None]] | None = None
        self._process: Process | None = None
        self._last: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        self._process = process = await runner.spawn(_WORKER, complaints=DEVNULL)
        try:
            if process.stdin is not None:
                # On the command line everybody could read the stream key.
                process.stdin.write(json.dumps(self._wanted).encode() + b"\n")
            await self._admitted()
        except BaseException:
            await self.stop()
            raise
        return self

    async def _admitted(self) -> None:
        if (await self._next()).get("event") != "publishing":
            raise EmulatorError(self._complaint())
        self._taken_in = self._find()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def wait(self) -> None:
        """Wait until it has sent its seconds, and the emulator has taken them in.

        Raises:
            EmulatorError: the emulator ended the broadcast before.
        """
        while self._last.get("event") not in ("done", "error", "gone"):
            await self._next()
        if self._last["event"] != "done":
            raise EmulatorError(self._complaint())
        await self._settle()

    async def stop(self) -> None:
        """End the broadcast as a broadcaster does who is done."""
        if self._process is not None:
            await runner.end(self._process)
            await self._settle()

    async def kill(self) -> None:
        """End it as a pulled cable does: without a word."""
        if self._process is not None and self._process.returncode is None:
            runner.kill(self._process)
            await self._process.wait()
            await self._settle()

    async def _settle(self) -> None:
        if self._taken_in is not None:
            await self._taken_in()

    async def _next(self) -> dict[str, Any]:
        line = b""
        if self._process is not None and self._process.stdout is not None:
            line = await self._process.stdout.readline()
        self._last = runner.parse(line) if line else {"event": "gone"}
        return self._last

    def _complaint(self) -> str:
        return str(self._last.get("text", "The broadcast ended at once"))


class _Loop(Protocol):
    """What runs things on the thread of an emulator."""

    def __call__(self, function: Callable[[], Awaitable[T]], /) -> T:
        """Wait for what the function gives."""
        ...


class BlockingPublisher:
    """The same for code without an event loop, from ``with`` on."""

    def __init__(self, publisher: Publisher, wait: _Loop) -> None:
        self._publisher = publisher
        self._wait = wait

    def __enter__(self) -> Self:
        self._wait(self._publisher.__aenter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wait(self._publisher.stop)

    def wait(self) -> None:
        """Wait until it has sent its seconds, and the emulator has taken them in.

        Raises:
            EmulatorError: the emulator ended the broadcast before.
        """
        self._wait(self._publisher.wait)

    def stop(self) -> None:
        """End the broadcast as a broadcaster does who is done."""
        self._wait(self._publisher.stop)

    def kill(self) -> None:
        """End it as a pulled cable does: without a word."""
        self._wait(self._publisher.kill)
