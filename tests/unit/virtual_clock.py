"""Time that passes only when every task waits for it."""

import asyncio
import heapq
import itertools

_TICK = 1e-6  # like a real clock, this one does not tell shorter times apart
_TURNS = 8  # turns of the loop that tasks get to come to rest before time moves on


class VirtualClock:
    """A `cfstream._types.Clock`: sleepers wake in the order of their times, and no real time passes."""

    def __init__(self, epoch: float = 1_800_000_000.0) -> None:
        self.now = 0.0
        self.epoch = epoch
        self.slept: list[float] = []
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._moves_on: asyncio.AbstractEventLoop | None = None

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.epoch + self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        if self._moves_on is not None and self._moves_on.is_closed():
            self._moves_on, self._sleepers = None, []
        future: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (self.now + max(seconds, _TICK), next(self._order), future))
        if self._moves_on is None:
            self._moves_on = loop
            loop.call_soon(self._move, 0)
        await future

    def _move(self, turns: int) -> None:
        loop = asyncio.get_running_loop()
        if turns < _TURNS:
            loop.call_soon(self._move, turns + 1)
            return
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        if not self._sleepers:
            self._moves_on = None
            return
        self.now, _, future = heapq.heappop(self._sleepers)
        future.set_result(None)
        loop.call_soon(self._move, 0)
