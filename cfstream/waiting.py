"""Waiting until videos are encoded: for one, or for many with an outcome each."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import attrs

from cfstream import endpoints
from cfstream._poll import Poll, Until, Waiter
from cfstream._transport import Transport
from cfstream.bulk import Bulk, items_of
from cfstream.errors import ClientClosedError, InvalidInputError, StreamError
from cfstream.models import Video

OnState = Callable[[Video], Awaitable[object] | object]

_WAITING_MAX = 100_000
_AT_A_STRETCH = 1000  # uids taken from a source before other tasks have their turn


@attrs.frozen(kw_only=True)
class Ready:
    """A video is there, as far as was asked for."""

    uid: str
    video: Video
    error: None = None


@attrs.frozen(kw_only=True)
class WaitFailed:
    """A video is not there: it could not be encoded, there is none, or its time is up."""

    uid: str
    error: StreamError


async def wait_until_ready(
    transport: Transport,
    uid: str,
    *,
    until: Until,
    timeout: float | None,  # noqa: ASYNC109  # counted on the client's clock, which tests replace
    on_state: OnState | None,
) -> Video:
    """Have the client's poll ask for the video until it is there."""
    _check_until(until)
    endpoints.STREAM_GET(identifier=uid)  # refuses what can be no uid
    told: asyncio.Queue[tuple[Video | Exception, bool]] = asyncio.Queue()
    shown = None
    poll = Poll.of(transport.session)

    def tell(news: Video | Exception, *, last: bool) -> None:
        told.put_nowait((news, last))

    async with transport.session.call(None):
        waiter = Waiter(transport, uid, until, timeout, tell)
        poll.join(waiter)
        try:
            while True:
                news, last = await told.get()
                if isinstance(news, Exception):
                    raise news
                if news.status != shown and on_state is not None:
                    result = on_state(news)
                    if inspect.isawaitable(result):
                        await result
                shown = news.status
                if last:
                    return news
        finally:
            poll.leave(waiter)


def wait_many(
    transport: Transport,
    uids: Iterable[str] | AsyncIterable[str],
    until: Until,
    timeout: float | None,
) -> Bulk[Ready | WaitFailed]:
    """Have the client's poll ask for all of the videos."""
    _check_until(until)
    return Bulk(_outcomes(_Many(transport, until, timeout), items_of("uids", uids)))


def _check_until(until: Any) -> None:
    if until not in ("ready", "playable"):
        raise InvalidInputError(f"until: expected 'ready' or 'playable', got {until!r}")


@attrs.define
class _Many:
    """The videos of one `wait_many`: those waited for, and the outcomes nobody has taken yet."""

    transport: Transport
    until: Until
    timeout: float | None
    begun: int = 0
    failure: Exception | None = None
    waiting: set[Waiter] = attrs.field(factory=set)
    results: "asyncio.Queue[Ready | WaitFailed | Exception | None]" = attrs.field(factory=asyncio.Queue)
    places: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(_WAITING_MAX))

    async def read(self, uids: AsyncIterator[str]) -> None:
        """Begin to wait for whatever the source gives; None among the results tells its end."""
        try:
            async with self.transport.session.call(None):
                async for uid in uids:
                    await self.places.acquire()
                    self._begin(uid)
                    self.begun += 1
                    if self.begun % _AT_A_STRETCH == 0:
                        await asyncio.sleep(0)
        except Exception as error:  # noqa: BLE001  # whoever walks the outcomes gets it
            self.failure = error
        finally:
            self.results.put_nowait(None)

    def _begin(self, uid: str) -> None:
        try:
            endpoints.STREAM_GET(identifier=uid)
        except InvalidInputError as error:
            self.results.put_nowait(WaitFailed(uid=uid, error=error))
            return

        def tell(news: Video | Exception, *, last: bool) -> None:
            if last:
                self.waiting.discard(waiter)
                self.results.put_nowait(_outcome(uid, news))

        waiter = Waiter(self.transport, uid, self.until, self.timeout, tell)
        Poll.of(self.transport.session).join(waiter)
        self.waiting.add(waiter)

    def leave(self) -> None:
        """Wait for none of them any more."""
        for waiter in self.waiting:
            Poll.of(self.transport.session).leave(waiter)


def _outcome(uid: str, news: Video | Exception) -> Ready | WaitFailed | Exception:
    """Give the outcome of one video; what no video is to blame for ends the whole work."""
    if isinstance(news, Video):
        return Ready(uid=uid, video=news)
    if isinstance(news, StreamError) and not isinstance(news, ClientClosedError):
        return WaitFailed(uid=uid, error=news)
    return news


async def _outcomes(many: _Many, uids: AsyncIterator[str]) -> AsyncGenerator[Ready | WaitFailed]:
    reader = asyncio.create_task(many.read(uids))
    told, ended = 0, False
    try:
        while not ended or told < many.begun:
            result = await many.results.get()
            if result is None:
                ended = True
            elif isinstance(result, Exception):
                raise result
            else:
                told += 1
                many.places.release()
                yield result
    finally:
        reader.cancel()
        await asyncio.wait([reader])
        many.leave()
    if many.failure is not None:
        raise many.failure
