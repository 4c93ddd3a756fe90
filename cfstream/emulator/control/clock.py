"""The emulator's time: that of the clock it was given, and as much later as a test says."""

import threading
from collections.abc import Callable

from cfstream._types import Clock
from cfstream.emulator.control import values


class EmulatorClock:
    """A clock that can be put forward, from any thread."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._lock = threading.Lock()
        self._shift = 0.0
        self.on_move: Callable[[], None] | None = None

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
        """Let other tasks run for that long by the clock below: putting this one forward wakes nobody."""
        await self._base.sleep(seconds)

    def advance(self, seconds: float) -> None:
        """Put the clock forward: what falls due meanwhile happens before the next request is answered.

        Raises:
            InvalidInputError: the number is negative, no number, or leads more than a hundred years on.
        """
        with self._lock:
            self._shift += values.seconds("seconds", seconds, values.CENTURY - self._shift)
        moved = self.on_move  # another thread may take it away
        if moved is not None:
            moved()

    def reset(self) -> None:
        """Go by the clock below again."""
        with self._lock:
            self._shift = 0.0
