"""The same call on many objects: a bounded number at a time, every outcome a value, none lost to another's failure."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import attrs

from cfstream import endpoints
from cfstream._session import Session
from cfstream._transport import Transport
from cfstream.errors import ClientClosedError, InvalidInputError, NotFoundError, StreamError
from cfstream.models import StreamEditParams, Video

T = TypeVar("T")

_CONCURRENCY_MAX = 1000
_NO_ROUTE = frozenset({7000, 7003})  # a 404 that speaks of the account or the address, not of the object


@attrs.frozen(kw_only=True)
class Edited:
    """A video was changed."""

    uid: str
    video: Video
    error: None = None


@attrs.frozen(kw_only=True)
class EditFailed:
    """A video was not changed, or nobody knows."""

    uid: str
    error: StreamError


@attrs.frozen(kw_only=True)
class Deleted:
    """A video is gone, now or before."""

    uid: str
    error: None = None


@attrs.frozen(kw_only=True)
class DeleteFailed:
    """A video was not deleted, or nobody knows."""

    uid: str
    error: StreamError


class Bulk(Generic[T]):
    """Work on many objects: ``async for`` gives an outcome for each, as they come.

    The source is read as places become free, so it may be endless. Leaving early ends the work as soon as nothing
    refers to it any more; use ``async with`` to have that happen at once. When the source itself fails, what was
    begun is finished and told first.
    """

    def __init__(self, outcomes: AsyncGenerator[T]) -> None:
        self.outcomes = outcomes

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        return await anext(self.outcomes)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.outcomes.aclose()


def edit_many(
    transport: Transport,
    changes: Iterable[tuple[str, StreamEditParams]] | AsyncIterable[tuple[str, StreamEditParams]],
    concurrency: int,
) -> Bulk[Edited | EditFailed]:
    """Change each video as told with it."""

    async def edit(change: tuple[str, StreamEditParams]) -> Edited | EditFailed:
        uid, params = change
        try:
            request = endpoints.STREAM_EDIT(params, identifier=uid)
            return Edited(uid=uid, video=await transport.send(request, timeout=None, bulk=True))
        except StreamError as error:
            return EditFailed(uid=uid, error=_unless_closed(error))

    return Bulk(
        outcomes_of(transport.session, _pairs(items_of("changes", changes)), edit, checked_concurrency(concurrency))
    )


def delete_many(
    transport: Transport, uids: Iterable[str] | AsyncIterable[str], concurrency: int
) -> Bulk[Deleted | DeleteFailed]:
    """Delete each video; one that is gone already counts as deleted."""

    async def delete(uid: str) -> Deleted | DeleteFailed:
        try:
            await transport.send(endpoints.STREAM_DELETE(identifier=uid), timeout=None, bulk=True)
        except StreamError as error:
            if isinstance(error, NotFoundError) and _NO_ROUTE.isdisjoint(error.codes):
                return Deleted(uid=uid)
            return DeleteFailed(uid=uid, error=_unless_closed(error))
        return Deleted(uid=uid)

    return Bulk(outcomes_of(transport.session, items_of("uids", uids), delete, checked_concurrency(concurrency)))


def _unless_closed(error: StreamError) -> StreamError:
    """Give the failure of one object; that of a closed client ends the whole work."""
    if isinstance(error, ClientClosedError):
        raise error
    return error


def checked_concurrency(concurrency: Any) -> int:
    """Refuse what is no number of workers."""
    if isinstance(concurrency, bool) or not isinstance(concurrency, int) or not 1 <= concurrency <= _CONCURRENCY_MAX:
        raise InvalidInputError(
            f"concurrency: expected a whole number from 1 to {_CONCURRENCY_MAX}, got {concurrency!r}"
        )
    return concurrency


def items_of(name: str, source: Any) -> AsyncIterator[Any]:
    """Walk a source that need not be async.

    Raises:
        InvalidInputError: it is a text, or nothing to walk; the message calls it ``name``.
    """
    if isinstance(source, AsyncIterable):
        return aiter(source)
    if isinstance(source, (str, bytes)) or not isinstance(source, Iterable):
        raise InvalidInputError(f"{name}: expected something to iterate over, got {type(source).__name__}")
    return _one_by_one(source)


async def _one_by_one(source: Iterable[T]) -> AsyncIterator[T]:
    for item in source:
        yield item


async def _pairs(changes: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for change in changes:
        if not isinstance(change, tuple) or len(change) != 2:  # noqa: PLR2004  # a pair
            raise InvalidInputError(f"changes: expected pairs of a uid and its keywords, got {type(change).__name__}")
        yield change


async def outcomes_of(
    session: Session, items: AsyncIterator[Any], work: Callable[[Any], Awaitable[T]], concurrency: int
) -> AsyncGenerator[T]:
    """Do the work on each item, so many at once, and give the outcomes as they come; what it raises ends it all."""
    feed = _Feed(items, session)
    results: asyncio.Queue[tuple[T] | None] = asyncio.Queue(concurrency)
    workers = [asyncio.create_task(_worker(feed, work, results)) for _ in range(concurrency)]
    try:
        left = concurrency
        while left:
            result = await results.get()
            if result is None:
                left -= 1
            else:
                yield result[0]
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.wait(workers)
    if feed.failure is not None:
        raise feed.failure


async def _worker(
    feed: "_Feed", work: Callable[[Any], Awaitable[T]], results: "asyncio.Queue[tuple[T] | None]"
) -> None:
    try:
        while (item := await feed.next()) is not None:
            await results.put((await work(item[0]),))
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        feed.end(error)  # the source raised it by itself
    except Exception as error:  # noqa: BLE001  # whoever walks the outcomes gets it
        feed.end(error)
    await results.put(None)


@attrs.define
class _Feed:
    """The source, read by one worker at a time; closing the client ends the reading, too."""

    items: AsyncIterator[Any]
    session: Session
    failure: BaseException | None = None
    _ended: bool = False
    _turn: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    _reading: asyncio.Timeout | None = None

    async def next(self) -> tuple[Any] | None:
        """Give the next item, or None when there is no more."""
        async with self._turn:
            if self._ended:
                return None
            async with self.session.call(None):
                return await self._read()

    async def _read(self) -> tuple[Any] | None:
        reading = self._reading = asyncio.timeout(None)
        try:
            async with reading:
                return (await anext(self.items),)
        except StopAsyncIteration:
            self._ended = True
            return None
        except TimeoutError:
            if not reading.expired():
                raise
            return None
        finally:
            self._reading = None

    def end(self, failure: BaseException) -> None:
        """Read no further, and wait no longer for what is being read: the source may never give it."""
        self._ended = True
        self.failure = self.failure or failure
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.reschedule(asyncio.get_running_loop().time())
