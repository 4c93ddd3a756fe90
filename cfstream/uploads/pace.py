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
_DOUBTS = 8  # looks in a row that show room where the service then sees none
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
    Then one task alone looks how many there are, until there is room again, and so many go on; nobody else asks
    meanwhile.
    """

    bulk = True

    def __init__(self, transport: Transport, cap: int) -> None:
        self._transport = transport
        self._cap = cap
        self._limit = float(cap)
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._gate = asyncio.Lock()
        self._room: int | None = None  # how many videos may be made before somebody looks again; None: any number
        self._doubts = 0

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
        while True:
            await self._admission()
            try:
                made = await create()
            except APIError as error:
                if not _is_full(error) or not self._may_wait():
                    raise
            else:
                self._doubts = 0
                return made

    async def _admission(self) -> None:
        """Take one of the places that the encoder was seen to have; one task alone looks."""
        async with self._gate:
            if self._room == 0:
                self._room = await self._seen_room()
            if self._room is not None:
                self._room -= 1

    def _may_wait(self) -> bool:
        """Note a refusal; tell whether it may pass, which it hardly will where there is room and yet none."""
        if self._room != 0:  # the first since the last look, whose others say nothing new
            self._room = 0
            self._doubts += 1
        return self._doubts <= _DOUBTS

    async def _seen_room(self) -> int | None:
        """Look until there is room; None where it is enough for all."""
        wait = _FIRST_LOOK
        while True:
            # before the first look, too: lists lag behind, and what they miss is there a little later
            await self._transport.session.clock.sleep(wait)
            room = self._transport.session.limits.encoding_max - await self._encoding()
            if room > 0:
                return None if room >= self._cap else room
            self._doubts = 0
            wait = min(wait * _LOOK_GROWTH, _SLOWEST_LOOK)

    async def _encoding(self) -> int:
        counts = [await self._count(state) for state in _ENCODING]
        return sum(counts)

    async def _count(self, state: VideoState) -> int:
        request = endpoints.STREAM_LIST({"status": state, "limit": 1, "include_counts": True})
        page = await self._transport.send(request, timeout=None, bulk=True)
        return page.total if page.total is not None else len(page.items)


def _is_full(error: APIError) -> bool:
    return error.status in _NO_ROOM and error.retry_after is None and STORAGE_FULL not in error.codes
