"""When a failed call is repeated, and how long to wait before: one policy, one table, tenacity."""

import email.utils
import enum
import math
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import attrs

from cfstream._checks import above_zero
from cfstream._types import Clock
from cfstream.endpoints import RetryClass
from cfstream.errors import (
    AmbiguousResultError,
    APIError,
    DecodeError,
    NotFoundError,
    RateLimitError,
    RedirectError,
    StreamError,
    TransportError,
)

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

_THROTTLED = 429
_CONFLICT = 409  # the object is in the way, and stays so
_NAMES_A_TIME = frozenset({503, 530})  # 530 is an error of the edge (1xxx)
_SERVER_ERRORS = 500
_SPREAD = 0.1
_GARBLED_ATTEMPTS = 3
_STALLS = 8
_NO_PROGRESS = 600.0  # seconds
_LONGEST_PAUSES = 3600.0  # seconds that one call lets itself be put off by 429, where its timeout allows it
# The origin was never reached: refused, timed out or unverifiable behind Cloudflare's edge, or an edge error (1xxx).
_NOT_REACHED = frozenset({521, 522, 523, 525, 526})
_TRANSIENT = frozenset({408, 425})
_NEVER = frozenset({501, 505})
# What an ambiguous failure does not keep from being sent again; before GENERATE the transport looks first.
REPEATABLE = frozenset({RetryClass.READ, RetryClass.SET, RetryClass.DELETE, RetryClass.GENERATE})


class Verdict(enum.Enum):
    """What a failure says about the call."""

    FINAL = "no repetition helps"
    NOT_PROCESSED = "the service did nothing"
    AMBIGUOUS = "nobody knows whether the service did it"
    THROTTLED = "the service asks for a pause"
    INVITED = "the service says that the call may be sent again"
    UNREADABLE = "sent, but asking again brings no better answer"


HOPELESS = frozenset({Verdict.FINAL, Verdict.UNREADABLE})
_NOT_DONE = frozenset({Verdict.NOT_PROCESSED, Verdict.THROTTLED})
_UNKNOWN = frozenset({Verdict.AMBIGUOUS, Verdict.UNREADABLE})


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often and how patiently failed calls are repeated; times are seconds.

    Which failures are repeated is not a matter of choice: it follows from what repeating the call would do.
    """

    attempts: int = attrs.field(default=4, validator=above_zero)
    """How often a call is sent at most; waits that the service asks for (429) do not count."""
    base: float = attrs.field(default=0.5, validator=above_zero)
    """The first wait is drawn from 0 to this; each further bound doubles."""
    cap: float = attrs.field(default=8.0, validator=above_zero)
    """The bound of the waits."""
    throttle_base: float = attrs.field(default=1.0, validator=above_zero)
    """As ``base``, after a 429 that does not say how long."""
    throttle_cap: float = attrs.field(default=30.0, validator=above_zero)
    """As ``cap``, after a 429 that does not say how long."""
    max_retry_after: float = attrs.field(default=310.0, validator=above_zero)
    """The longest wait the service may ask for; Cloudflare's block lasts 300."""
    connect_timeout: float = attrs.field(default=10.0, validator=above_zero)
    """The limit for opening a connection."""
    response_timeout: float = attrs.field(default=30.0, validator=above_zero)
    """The limit for silence while an answer is due."""

    @classmethod
    def none(cls) -> "RetryPolicy":
        """Give a policy that sends every call once."""
        return cls(attempts=1)

    def backoff(self, failures: int, draw: Callable[[float, float], float], *, throttled: bool = False) -> float:
        """Draw the wait after that many failures: full jitter under a bound that doubles."""
        base, cap = (self.throttle_base, self.throttle_cap) if throttled else (self.base, self.cap)
        return draw(0.0, min(cap, base * 2.0 ** min(failures - 1, 32)))


def classify(error: Exception) -> Verdict:
    """Tell what a failure says about the call it ended."""
    if isinstance(error, TransportError):
        if isinstance(error, RedirectError) or not (error.retryable or error.sent):
            return Verdict.FINAL
        if not error.retryable:
            return Verdict.UNREADABLE
        return Verdict.AMBIGUOUS if error.sent else Verdict.NOT_PROCESSED
    if isinstance(error, APIError):
        return _classify_status(error)
    if isinstance(error, DecodeError):
        return Verdict.AMBIGUOUS if error.retryable else Verdict.FINAL
    return Verdict.FINAL


def _classify_status(error: APIError) -> Verdict:
    status = error.status or 0
    if status in _NEVER:
        return Verdict.FINAL
    verdict = _by_status(error, status)
    if error.should_retry is False:
        return Verdict.UNREADABLE if verdict is Verdict.AMBIGUOUS else Verdict.FINAL
    return verdict


def _by_status(error: APIError, status: int) -> Verdict:
    if status == _THROTTLED:
        return Verdict.THROTTLED
    if status in _NOT_REACHED or (status in _NAMES_A_TIME and error.retry_after is not None):
        return Verdict.NOT_PROCESSED
    if status in _TRANSIENT or status >= _SERVER_ERRORS:
        return Verdict.AMBIGUOUS
    return Verdict.INVITED if error.should_retry and status != _CONFLICT else Verdict.FINAL


def may_repeat(retry: RetryClass, verdict: Verdict) -> bool:
    """Tell whether a call of that class is sent again after such a failure."""
    if verdict in HOPELESS or retry is RetryClass.APPEND:
        return False
    return verdict in _NOT_DONE or retry in REPEATABLE


def is_ambiguous(retry: RetryClass, verdict: Verdict) -> bool:
    """Tell whether a call of that class may or may not have been carried out, and must not be sent again."""
    return retry not in REPEATABLE and verdict in _UNKNOWN


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read ``Retry-After`` as seconds: a number, or a date less the answer's own (our clock may be wrong).

    What is neither is ignored; a time that has passed means now.
    """
    value = headers.get("Retry-After", "").strip()
    try:
        seconds = float(value) if value.isascii() else math.nan
    except ValueError:
        seconds = _between(headers.get("Date", ""), value)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _between(start: str, end: str) -> float:
    try:
        return (email.utils.parsedate_to_datetime(end) - email.utils.parsedate_to_datetime(start)).total_seconds()
    except (TypeError, ValueError, IndexError, OverflowError):
        return math.nan


def wait_after_stall(policy: RetryPolicy, stalls: int, asked: float | None) -> float:
    """Give how long a transfer waits after so many attempts that brought it no further.

    The first is made anew at once: a lost connection usually can be.
    """
    if asked is not None:
        return min(asked, policy.max_retry_after)
    return policy.backoff(stalls - 1, random.uniform) if stalls > 1 else 0.0


def is_stalled(stalls: int, idle: float, wait: float) -> bool:
    """Tell whether a transfer gives up rather than wait, so many seconds after it last got further."""
    return stalls >= _STALLS or wait > _NO_PROGRESS - idle


@attrs.define
class Retrier:
    """The repetitions of one call; entered only when the first attempt has failed."""

    policy: RetryPolicy
    retry: RetryClass
    clock: Clock
    deadline: float | None
    started: float
    """When the call was first sent, seconds since the epoch."""
    on_retry: Callable[[StreamError, int, float], None]
    """Called before each wait with the failure, the number of the attempt that failed and the wait."""
    on_throttled: Callable[[float], None]
    """Called with the wait after a 429, so that the whole client pauses."""
    waits_for_room: bool = False
    """Whether the caller itself waits where the service has no room, which a 429 that names no time tells a create."""
    draw: Callable[[float, float], float] = random.uniform
    _counted: int = attrs.field(default=0, init=False)
    _sent: int = attrs.field(default=0, init=False)
    ambiguous: bool = attrs.field(default=False, init=False)
    _wait: float = attrs.field(default=0.0, init=False)
    _paused: float = attrs.field(default=0.0, init=False)

    async def run(self, first: StreamError, attempt: Callable[[int], Awaitable[T]]) -> T:
        """Repeat until the call succeeds or fails for good; ``first`` is how its first attempt failed.

        A delete that finds its object gone after an attempt that may have deleted it has succeeded.
        """
        # tenacity is loaded by the first failure: most programs never need it
        from tenacity import AsyncRetrying, retry_if_exception

        self._sent = 1
        pending: list[StreamError] = [first]

        async def call() -> T:
            if pending:
                raise pending.pop()
            self._sent += 1
            return await attempt(self._sent)

        loop = AsyncRetrying(
            sleep=self.clock.sleep,
            retry=retry_if_exception(self._repeats),
            wait=self._next_wait,
            stop=self._must_stop,
            before_sleep=self._before_sleep,
            reraise=True,
        )
        try:
            return await loop(call)
        except StreamError as error:
            error.attempts = self._sent
            if self._is_done_by_earlier_attempt(error):
                return None  # type: ignore[return-value]  # a delete promises nothing, so T is None here
            if is_ambiguous(self.retry, classify(error)):
                raise ambiguous(error, self.started) from error
            raise

    def _is_done_by_earlier_attempt(self, error: StreamError) -> bool:
        return self.retry is RetryClass.DELETE and self.ambiguous and isinstance(error, NotFoundError)

    def _repeats(self, error: BaseException) -> bool:
        if not isinstance(error, StreamError):
            return False
        verdict = classify(error)
        self.ambiguous = self.ambiguous or verdict in _UNKNOWN
        if self.waits_for_room and verdict is Verdict.THROTTLED and asked_wait(error) is None:
            return False
        return may_repeat(self.retry, verdict)

    def _next_wait(self, state: "RetryCallState") -> float:
        error = _failure(state)
        throttled = classify(error) is Verdict.THROTTLED
        asked = asked_wait(error)
        # a pause that is asked for is no failure; one of no length is no pause
        if not (throttled and asked):
            self._counted += 1
        if asked is None:
            self._wait = self.policy.backoff(self._counted, self.draw, throttled=throttled)
        else:
            self._wait = asked + self.draw(0.0, asked * _SPREAD)
        return self._wait

    def _must_stop(self, state: "RetryCallState") -> bool:
        error = _failure(state)
        if isinstance(error, RateLimitError) and error.retry_at is None:
            error.retry_at = self.clock.time() + self._wait
        if classify(error) is Verdict.THROTTLED:
            self._paused += self._wait
            self.on_throttled(min(self._wait, self.policy.max_retry_after))
        if self.policy.attempts == 1 or self._counted >= self._allowed(error) or self._paused > _LONGEST_PAUSES:
            return True
        asked = asked_wait(error)
        if asked is not None and asked > self.policy.max_retry_after:
            return True
        return self.deadline is not None and self.clock.monotonic() + self._wait > self.deadline

    def _allowed(self, error: StreamError) -> int:
        return min(self.policy.attempts, _GARBLED_ATTEMPTS) if isinstance(error, DecodeError) else self.policy.attempts

    def _before_sleep(self, state: "RetryCallState") -> None:
        self.on_retry(_failure(state), self._sent, self._wait)


def asked_wait(error: StreamError) -> float | None:
    """Give the seconds that the service asked to wait, where it did."""
    return error.retry_after if isinstance(error, APIError) else None


def _failure(state: "RetryCallState") -> StreamError:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, StreamError):
        raise TypeError(f"only failures of calls are repeated, not {error!r}")
    return error


def ambiguous(error: StreamError, since: float) -> AmbiguousResultError:
    """Make the error of a call that must not be repeated although nobody knows what became of it."""
    return AmbiguousResultError(
        f"sent, but it is not known whether the service did it ({error.args[0]}); "
        "look for the object before sending the call again",
        since=since,
        request=error.request,
        status=error.status,
        codes=error.codes,
        ray_id=error.ray_id,
        attempts=error.attempts,
    )
