"""How many uploads run at once, and whether the service takes new videos now."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from cfstream import endpoints
from cfstream._transport import Transport
from cfstream.errors import APIError
from cfstream.models.video import VideoState

T = TypeVar("T")

_ENCODING: tuple[VideoState, ...] = ("downloading", "queued", "inprogress")
_FIRST_LOOK, _LOOK_GROWTH, _SLOWEST_LOOK = 2.0, 1.5, 15.0  # seconds
_SLOWER = 0.5
_DOUBTS = 8  # refusals although there seems to be room
_NO_ROOM = frozenset({413, 429})  # the FAQ of the Stream docs names both for a full encoder
STORAGE_FULL = 10011


class Pace(Protocol):
    """What an upload tells of its luck, and asks before it makes a video."""

    @property
    def bulk(self) -> bool:
        """Whether the upload is one of many, which let other calls go first."""
        ...

    def trouble(self) -> None:
        """A connection was lost, or the server was too slow."""
        ...

    def success(self) -> None:
        """The server took a chunk."""
        ...

    async def admitted(self, create: Callable[[], Awaitable[T]]) -> T:
        """Make a video, as soon as the service has room for it."""
        ...


class _Unpaced:
    """An upload by itself: whoever started it decides what to do when there is no room."""

    bulk = False

    def trouble(self) -> None:
        pass

    def success(self) -> None:
        pass

    async def admitted(self, create: Callable[[], Awaitable[T]]) -> T:
        return await create()


UNPACED: Pace = _Unpaced()


class SharedPace:
    """The pace of one run: the cap is halved by trouble and won back by success.

    The service encodes a limited number of videos at once and refuses more with a 429 or 413 that names no time.
    Then one task alone looks how many there are, until there is room again; nobody else asks meanwhile.
    """

    bulk = True

    def __init__(self, transport: Transport, cap: int) -> None:
        self._transport = transport
        self._cap = cap
        self._limit = float(cap)
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._gate = asyncio.Lock()

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """Wait for one of the places there are now."""
        try:
            while self._running >= int(self._limit):
                freed = asyncio.get_running_loop().create_future()
                self._waiting.append(freed)
                await freed
        except BaseException:
            self._wake()  # the place that this one was woken for
            raise
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._wake()

    def _wake(self) -> None:
        free = int(self._limit) - self._running
        while free > 0 and self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                free -= 1

    def trouble(self) -> None:
        """Halve the cap."""
        self._limit = max(1.0, self._limit * _SLOWER)

    def success(self) -> None:
        """Win a part of a place back."""
        self._limit = min(float(self._cap), self._limit + 1 / self._limit)
        self._wake()

    async def admitted(self, create: Callable[[], Awaitable[T]]) -> T:
        """Make a video; while the encoder is full, wait until it is not."""
        doubts = 0
        while True:
            async with self._gate:
                pass  # somebody waits for the encoder
            try:
                return await create()
            except APIError as error:
                refused = error.status in _NO_ROOM and error.retry_after is None and STORAGE_FULL not in error.codes
                if not refused:
                    raise
                full = await self._is_full()
                doubts = 0 if full else doubts + 1
                if doubts > _DOUBTS:
                    raise
            async with self._gate:
                # room that was made meanwhile, or that lists which lag behind show, is asked for again with patience
                await self._transport.session.clock.sleep(_FIRST_LOOK)
                await self._until_room()

    async def _is_full(self) -> bool:
        return await self._encoding() >= self._transport.session.limits.encoding_max

    async def _until_room(self) -> None:
        wait = _FIRST_LOOK
        while await self._is_full():
            await self._transport.session.clock.sleep(wait)
            wait = min(wait * _LOOK_GROWTH, _SLOWEST_LOOK)

    async def _encoding(self) -> int:
        counts = [await self._count(state) for state in _ENCODING]
        return sum(counts)

    async def _count(self, state: VideoState) -> int:
        request = endpoints.STREAM_LIST({"status": state, "limit": 1, "include_counts": True})
        page = await self._transport.send(request, timeout=None, bulk=True)
        return page.total if page.total is not None else len(page.items)
