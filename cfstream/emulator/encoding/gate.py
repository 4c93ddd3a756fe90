"""The gate in front of the encoder: open, closed, or opened for one at a time."""

import asyncio
from collections import deque


class Gate:
    """Lets those who wait through in the order in which they came; a task that is cancelled gives up its place."""

    def __init__(self) -> None:
        self._open = True
        self._steps = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def is_open(self) -> bool:
        """Whether nobody has to wait."""
        return self._open

    def close(self) -> None:
        """Let nobody through any more."""
        self._open = False

    def open(self) -> None:
        """Let everybody through."""
        self._open, self._steps = True, 0
        while self._waiting:
            self._waiting.popleft().set_result(None)

    def step(self) -> None:
        """Let the one through who waits longest, or who comes next; no effect on an open gate."""
        if self._open:
            return
        if self._waiting:
            self._waiting.popleft().set_result(None)
        else:
            self._steps += 1

    async def enter(self) -> None:
        """Wait for one's turn."""
        if self._open:
            return
        if self._steps:
            self._steps -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting.remove(turn)
            else:  # it came too late: somebody else may have it
                self.step()
            raise
