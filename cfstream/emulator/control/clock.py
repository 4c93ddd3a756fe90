"""The emulator's time: that of the clock it was given, and as much later as a test says."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any

from cfstream._types import Clock
from cfstream.emulator.control import values


class EmulatorClock:
    """A clock that can be put forward, from any thread."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._lock = threading.Lock()
        self._shift = 0.0
        self._listeners: set[Callable[[], object]] = set()

    def __repr__(self) -> str:
        return f"<{self.now:.6f}, {self._shift:g} s ahead>"

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self.time()

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._base.time() + self._shift

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return self._base.monotonic() + self._shift

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for that long; putting the clock forward makes it shorter."""
        end = self.monotonic() + seconds
        moved = asyncio.Event()
        with self.told(partial(asyncio.get_running_loop().call_soon_threadsafe, moved.set)):
            while (left := end - self.monotonic()) > 0:
                moved.clear()
                await _first(self._base.sleep(left), moved.wait())

    def advance(self, seconds: float) -> None:
        """Put the clock forward: what falls due meanwhile happens before the next request is answered.

        Raises:
            InvalidInputError: the number is negative, no number, or leads more than a hundred years on.
        """
        with self._lock:
            self._shift += values.seconds("seconds", seconds, values.CENTURY - self._shift)
            listeners = list(self._listeners)
        for tell in listeners:
            tell()

    @contextlib.contextmanager
    def told(self, listener: Callable[[], object]) -> Generator[None]:
        """While it lasts, call something whenever the clock was put forward, in whatever thread that is done."""
        with self._lock:
            self._listeners.add(listener)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def reset(self) -> None:
        """Go by the clock below again."""
        with self._lock:
            self._shift = 0.0


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait for whichever ends first, and end the others."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
