"""Lists: one page, a walk over all pages, and the two ways a list goes on."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import attrs

from cfstream._answers import RawPage
from cfstream._limits import LIMITS
from cfstream._transport import Transport
from cfstream.endpoints import Request
from cfstream.errors import DecodeError, PaginationError

T = TypeVar("T")

_TICK = timedelta(microseconds=1)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@attrs.frozen
class Page(Generic[T]):
    """One list answer."""

    items: Sequence[T]
    total: int | None = None
    """How many match in all, where the counts were asked for."""
    range: int | None = None
    """How many are left from here on, where the counts were asked for."""


class Walk(Protocol[T]):
    """How a list goes on from one page to the next."""

    def first(self) -> Request[RawPage[T]]:
        """Give the request of the first page."""
        ...

    def fresh(self, page: RawPage[T]) -> Sequence[int]:
        """Give the places of the items that earlier pages did not hold."""
        ...

    def after(self, page: RawPage[T]) -> Request[RawPage[T]] | None:
        """Give the request of the page behind this one, or None at the end.

        Raises:
            PaginationError: the walk cannot go on without losing items.
        """
        ...


@attrs.frozen
class SinglePage(Generic[T]):
    """The service gives the whole list in one answer."""

    request: Request[RawPage[T]]

    def first(self) -> Request[RawPage[T]]:
        """Give the request of the only page."""
        return self.request

    def fresh(self, page: RawPage[T]) -> Sequence[int]:
        """Give every place."""
        return range(len(page.items))

    def after(self, page: RawPage[T]) -> None:
        """There is none."""
        del page


@attrs.define
class ByCreated(Generic[T]):
    """The list goes on by the time window; videos of the border instant are asked for again and told apart by uid.

    Whether the service's window borders are inclusive is not documented, so the next window overlaps the last page by
    one microsecond, and its page is larger by what the overlap is known to hold.
    """

    make: Callable[[Mapping[str, Any]], Request[RawPage[T]]]
    params: Mapping[str, Any]
    _seen: frozenset[str] = attrs.field(default=frozenset(), init=False)
    _asked: int = attrs.field(default=0, init=False)
    _last: tuple[Mapping[str, datetime], int] | None = attrs.field(default=None, init=False)

    def first(self) -> Request[RawPage[T]]:
        """Give the request of the first page."""
        return self._request({})

    def fresh(self, page: RawPage[T]) -> Sequence[int]:
        """Give the places of the items that the page before did not hold."""
        places = [place for place, item in enumerate(page.items) if item.get("uid") not in self._seen]
        self._seen = frozenset(str(item.get("uid")) for item in page.items)
        return places

    def after(self, page: RawPage[T]) -> Request[RawPage[T]] | None:
        """Give the request of the window behind the page, or None when it was the last."""
        if len(page.items) < self._asked:
            return None
        border = _created(page.items[-1])
        overlap = sum(abs(_created(item) - border) <= _TICK for item in page.items)
        if overlap >= LIMITS.page_max:
            raise PaginationError(
                f"{LIMITS.page_max} or more videos were created at {border.isoformat()}, which is all one page can "
                "hold; narrow the list by creator, status or search"
            )
        window = self._window(border)
        if (window, overlap) == self._last:
            raise PaginationError("the service ignores the time window of the list; it cannot be walked further")
        self._last = (window, overlap)
        return self._request(window, overlap)

    def _window(self, border: datetime) -> Mapping[str, datetime]:
        """Give the border of the next window: a tick back into the last page, but not out of the user's own window."""
        if self.params.get("asc"):
            key, moment, nearer = ("after" if "after" in self.params else "start"), border - _TICK, max
        else:
            key, moment, nearer = ("before" if "before" in self.params else "end"), border + _TICK, min
        own = self.params.get(key)
        return {key: moment if own is None else nearer(moment, own)}

    def _request(self, window: Mapping[str, datetime], overlap: int = 0) -> Request[RawPage[T]]:
        size = self.params.get("limit", LIMITS.page_max)
        # a wrong limit of the user goes into the request as it is, which refuses it
        limit = min(size + overlap, LIMITS.page_max) if overlap else size
        request = self.make({**self.params, **window, "limit": limit})
        self._asked = limit
        return request


def _created(item: Mapping[str, Any]) -> datetime:
    try:
        created = datetime.fromisoformat(item["created"])
        moment = created.astimezone(UTC) if created.tzinfo else created.replace(tzinfo=UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        moment = _FIRST
    if _FIRST < moment < _LAST:  # there is a tick before and behind it
        return moment
    raise DecodeError("required field missing or no RFC 3339 time: created; the list cannot be walked further")


class Pager(Generic[T]):
    """A list: ``async for`` walks all of it, ``await`` gives the first page.

    Items are made as they are consumed, and the next page is asked for while this one is handed out. Editing or
    deleting items during the walk is safe. Every ``async for`` starts anew.
    """

    def __init__(self, transport: Transport, walk: Callable[[], Walk[T]]) -> None:
        self._transport = transport
        self._walk = walk
        walk().first()  # refuses wrong keywords here rather than at the first use

    def __await__(self) -> Generator[Any, None, Page[T]]:
        return self.page().__await__()

    async def page(self) -> Page[T]:
        """Give the first page."""
        walk = self._walk()
        return _made(await self._transport.send(walk.first()), walk)

    async def pages(self) -> AsyncGenerator[Page[T]]:
        """Walk page by page; items that an earlier page held are left out."""
        walk = self._walk()
        async with aclosing(self._raw_pages(walk)) as raw_pages:
            async for raw in raw_pages:
                page = _made(raw, walk)
                if page.items:
                    yield page

    async def __aiter__(self) -> AsyncIterator[T]:
        walk = self._walk()
        async with aclosing(self._raw_pages(walk)) as raw_pages:
            async for raw in raw_pages:
                for place in walk.fresh(raw):
                    yield raw.item(place)

    async def _raw_pages(self, walk: Walk[T]) -> AsyncGenerator[RawPage[T]]:
        """Give page after page, each asked for while the one before is handed out."""
        raw = await self._transport.send(walk.first())
        while True:
            try:
                request = walk.after(raw)
            except PaginationError:
                yield raw
                raise
            if request is None:
                yield raw
                return
            following = asyncio.ensure_future(self._transport.send(request))
            try:
                yield raw
                raw = await following
            finally:
                await _dropped(following)


async def _dropped(task: "asyncio.Future[Any]") -> None:
    """End a request nobody waits for any more."""
    if not task.cancel() and not task.cancelled():
        task.exception()  # seen, so that the loop does not report it
    await asyncio.wait([task])


def _made(raw: RawPage[T], walk: Walk[T]) -> Page[T]:
    return Page([raw.item(place) for place in walk.fresh(raw)], raw.total, raw.range)
