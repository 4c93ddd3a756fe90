"""One poll per client: asks for the videos that anybody waits for, with one request at a time for all of them."""

import asyncio
import copy
import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextvars import Context, copy_context
from typing import Literal, Protocol

import attrs

from cfstream import endpoints
from cfstream._session import Session
from cfstream._transport import Transport
from cfstream.errors import (
    CODES,
    BadRequestError,
    DecodeError,
    EncodingFailedError,
    NotFoundError,
    StreamError,
    WaitTimeoutError,
)
from cfstream.models import Video, VideoStatus

Until = Literal["ready", "playable"]

_FIRST = 0.5  # seconds from the first question to the second
_GROWTH = 1.5
_SLOWEST = 15.0
_BUSY = 1.0  # seconds between questions while those who wait do not fit into one
_IDS = 200  # uids of 32 digits in one request: servers refuse a request line above 8 KiB
_ID = 35  # what one of them takes in a query, with its comma
_GRACE = 1.0  # seconds that a question asked at the end of somebody's time gets
_CLOSE = 1e-6  # clocks do not tell shorter times apart
_COMPLETE = 100.0

_Key = tuple[str, str]


class Tell(Protocol):
    """How somebody who waits hears of the video: at every change, and at last of the end."""

    def __call__(self, news: Video | Exception, *, last: bool) -> None: ...


@attrs.define(eq=False)
class Waiter:
    """Somebody who waits for one video."""

    transport: Transport
    uid: str
    until: Until
    timeout: float | None
    tell: Tell
    context: Context = attrs.field(factory=copy_context)
    """Where the client's hooks are called when the question is asked for this one."""
    deadline: float = attrs.field(init=False)
    status: VideoStatus | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        now = self.transport.session.clock.monotonic()
        self.deadline = math.inf if self.timeout is None else now + self.timeout

    @property
    def key(self) -> _Key:
        """The account and the uid."""
        return self.transport.settings.account_id, self.uid


class Poll:
    """Lives with a session and asks as long as somebody waits.

    The pause before the next question grows from half a second to 15, and begins anew when somebody joins. Uids that
    do not fit into one question take turns. A video that the list does not show is asked for by itself: lists may be
    behind.
    """

    def __init__(self, session: Session) -> None:
        self.loop = asyncio.get_running_loop()
        self._session = session
        self._clock = session.clock
        self._waiters: OrderedDict[_Key, dict[Waiter, None]] = OrderedDict()
        self._unlisted: dict[_Key, None] = {}
        self._singly = False
        self._trouble: StreamError | None = None
        self._interval = self._gap = _FIRST
        self._asked = -math.inf
        self._first_end = math.inf  # nobody's time is up before it
        self._nap: asyncio.Future[None] | None = None
        self._nap_end = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, session: Session) -> "Poll":
        """Give the poll that all views of a client share.

        Raises:
            ClientClosedError: the client is closed.
            StreamError: the client is used on a second event loop while the first still lives.
        """
        session.http()
        if session.poll is None or session.poll.loop is not asyncio.get_running_loop():
            session.poll = cls(session)
        return session.poll

    def join(self, waiter: Waiter) -> None:
        """Ask for one more video; whoever waits is told until it is the last time, or until he leaves."""
        self._waiters.setdefault(waiter.key, {})[waiter] = None
        self._first_end = min(self._first_end, waiter.deadline)
        self._interval = self._gap = _FIRST
        if self._task is None:
            self._asked = -math.inf
            self._task = self.loop.create_task(self._run(), name=f"{self._session.name} poll")
        elif self._nap is not None and min(self._asked + self._gap, waiter.deadline) < self._nap_end:
            self._nap.cancel()

    def leave(self, waiter: Waiter) -> None:
        """Stop asking for him; one who was told the last already has left."""
        self._drop(waiter)
        self._stop_if_idle()

    async def _run(self) -> None:
        try:
            async with self._session.call(None):
                while self._waiters:
                    await self._tick()
                self._task = None
        except Exception as error:  # noqa: BLE001  # whoever waits gets it
            self._task = None
            self._fail(list(self._waiters), error)

    async def _tick(self) -> None:
        ending = self._ending()
        since = self._clock.monotonic() - self._asked
        if self._gap - since <= _CLOSE or (ending and since >= _FIRST):
            for waiter in ending:
                self._waiters.move_to_end(waiter.key, last=False)
            await self._ask()
        self._expire()
        if self._waiters:
            await self._rest()

    async def _rest(self) -> None:
        """Sleep until the next question or the end of somebody's time; who joins may end it."""
        now = self._clock.monotonic()
        wait = min(self._gap - (now - self._asked), self._first_end - now)
        if wait <= _CLOSE:
            return
        self._nap_end = now + wait
        self._nap = nap = asyncio.ensure_future(self._clock.sleep(wait))
        try:
            await asyncio.wait([nap])
        finally:
            nap.cancel()
            self._nap = None

    # --- asking --------------------------------------------------------------------------------------------------

    async def _ask(self) -> None:
        questions = self._round()
        keys = self._next_keys()
        self._watch()
        try:
            found = await self._found(keys)
        except StreamError as error:
            self._not_answered(keys, error)
        else:
            self._trouble = None
            for key in keys:
                self._see(key, found.get(key))
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._asked = self._clock.monotonic()
        # what has just left the round must not make the others wait longer
        questions = max(questions, self._round())
        self._gap = max(min(self._interval, _BUSY), self._interval / questions)
        self._interval = min(self._interval * _GROWTH, _SLOWEST)

    def _round(self) -> int:
        """Give how many questions it takes to ask for everything."""
        return math.ceil((len(self._waiters) - len(self._unlisted)) / _IDS) + len(self._unlisted)

    def _next_keys(self) -> Sequence[_Key]:
        """Choose what one question can hold: those of one account, or one that the list did not show."""
        self._singly = bool(self._unlisted) and (not self._singly or len(self._unlisted) == len(self._waiters))
        if self._singly:
            key = next(iter(self._unlisted))
            del self._unlisted[key]
            return [key]
        keys: list[_Key] = []
        room = _IDS * _ID
        for key in self._waiters:
            if key in self._unlisted or (keys and key[0] != keys[0][0]):
                continue
            room -= len(key[1]) + 3
            if room < 0:
                break
            keys.append(key)
        for key in keys:
            self._waiters.move_to_end(key)
        return keys

    async def _found(self, keys: Sequence[_Key]) -> Mapping[_Key, Video | DecodeError]:
        waiter = next(iter(self._waiters[keys[0]]))
        account, uid = keys[0]
        send = waiter.transport.send
        if len(keys) == 1:
            single = send(endpoints.STREAM_GET(identifier=uid), timeout=None)
            return {keys[0]: await self.loop.create_task(single, context=waiter.context)}
        listed = send(endpoints.STREAM_LIST({"id": ",".join(uid for _, uid in keys)}), timeout=None)
        page = await self.loop.create_task(listed, context=waiter.context)
        found: dict[_Key, Video | DecodeError] = {}
        for place, item in enumerate(page.items):
            key = account, str(item.get("uid"))
            if key in self._waiters:
                try:
                    found[key] = page.item(place)
                except DecodeError as error:
                    found[key] = error
        return found

    def _not_answered(self, keys: Sequence[_Key], error: StreamError) -> None:
        """Have patience where asking later may help, and tell one bad uid among many from the others."""
        if error.retryable:
            self._trouble = error
        elif len(keys) > 1 and isinstance(error, (BadRequestError, NotFoundError, DecodeError)):
            self._unlisted.update(dict.fromkeys(key for key in keys if key in self._waiters))
        else:
            self._fail(keys, error)

    # --- telling -------------------------------------------------------------------------------------------------

    def _see(self, key: _Key, video: Video | DecodeError | None) -> None:
        waiters = list(self._waiters.get(key, ()))
        if video is None:
            if waiters:
                self._unlisted[key] = None
            return
        if isinstance(video, DecodeError):
            self._fail([key], video)
            return
        for waiter in waiters:
            failed = video.status.state == "error"
            there = not failed and _is_there(video, waiter.until)
            if there or video.status != waiter.status:
                waiter.status = video.status
                waiter.tell(video, last=there)
            if failed:
                waiter.tell(_failure(video), last=True)
            if failed or there:
                self._drop(waiter)

    def _fail(self, keys: Sequence[_Key], error: Exception) -> None:
        for key in keys:
            for waiter in list(self._waiters.get(key, ())):
                self._drop(waiter)
                # an error that is raised in several places would grow a traceback of all of them
                waiter.tell(copy.copy(error) if isinstance(error, StreamError) else error, last=True)

    def _expire(self) -> None:
        for waiter in self._ending():
            self._drop(waiter)
            waiter.tell(_timed_out(waiter, self._trouble), last=True)
        if self._is_up(self._first_end):
            self._first_end = min((waiter.deadline for waiter in self._all()), default=math.inf)

    def _watch(self) -> None:
        """See to it that a question without an answer holds up nobody beyond his time."""
        if self._first_end < math.inf:
            wait = max(self._first_end - self._clock.monotonic(), 0.0) + _GRACE
            self._timer = self.loop.call_later(wait, self._expire_meanwhile)

    def _expire_meanwhile(self) -> None:
        self._expire()
        self._stop_if_idle()
        self._watch()

    # --- who waits -----------------------------------------------------------------------------------------------

    def _all(self) -> Iterator[Waiter]:
        for waiters in self._waiters.values():
            yield from waiters

    def _is_up(self, moment: float) -> bool:
        return moment <= self._clock.monotonic() + _CLOSE

    def _ending(self) -> list[Waiter]:
        if not self._is_up(self._first_end):
            return []
        return [waiter for waiter in self._all() if self._is_up(waiter.deadline)]

    def _drop(self, waiter: Waiter) -> None:
        waiters = self._waiters.get(waiter.key)
        if waiters is not None:
            waiters.pop(waiter, None)
            if not waiters:
                del self._waiters[waiter.key]
                self._unlisted.pop(waiter.key, None)

    def _stop_if_idle(self) -> None:
        if not self._waiters and self._task is not None:
            self._task.cancel()
            self._task = None


# --- what a state means --------------------------------------------------------------------------------------------


def _is_there(video: Video, until: Until) -> bool:
    if until == "playable":
        return video.ready_to_stream
    status = video.status
    # a video may be called ready while higher qualities are still encoded (webhooks page of the Stream docs)
    return status.state == "ready" and (status.pct_complete is None or status.pct_complete >= _COMPLETE)


def _failure(video: Video) -> EncodingFailedError:
    code = video.status.error_reason_code or "ERR_UNKNOWN"
    known = CODES.get(code)
    text = video.status.error_reason_text or (known.meaning if known else "the service gives no reason")
    text = text.rstrip(".")
    advice = f"; {known.advice}" if known else ""
    return EncodingFailedError(
        f"video {video.uid} could not be encoded: {code}: {text}{advice}", uid=video.uid, codes=(code,)
    )


def _timed_out(waiter: Waiter, trouble: StreamError | None) -> WaitTimeoutError:
    state = waiter.status.state if waiter.status else ""
    known = f"it is {state!r}" if state else "the service did not say how it is"
    error = WaitTimeoutError(
        f"video {waiter.uid} is not {waiter.until} after {waiter.timeout:g} s; {known}",
        uid=waiter.uid,
        state=state,
        retryable=True,
    )
    error.__cause__ = trouble
    return error
