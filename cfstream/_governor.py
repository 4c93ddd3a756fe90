"""One rate governor per client: keeps its requests under the API's limit and pauses all of them when told to."""

import asyncio
import math
import re
from collections.abc import Mapping

import attrs

from cfstream._checks import above_zero
from cfstream._limits import LIMITS
from cfstream._types import Clock
from cfstream.errors import RateLimitError

_RESERVED = 100
# The bucket and the refill of one window add up to the allowance, so the bucket is a small part of it.
_BURST_SHARE = 1 / 20
_AFTER_PAUSE = 10
_WHOLE = 1 - 1e-9  # of a token; what sums of fractions leave missing is not worth a wait of its own
_RATELIMIT = re.compile(r";\s*r=(\d{1,9})\s*;\s*t=(\d{1,9})")


@attrs.frozen
class RateLimit:
    """At most ``requests * share`` requests in any ``per`` seconds.

    Cloudflare allows 1,200 in 300 seconds for one user, the dashboard included, and blocks everything for 300 seconds
    above it; the default leaves 100 of them. Processes that share a user take a ``share`` each.
    """

    requests: int = attrs.field(default=LIMITS.requests - _RESERVED, validator=above_zero)
    per: float = attrs.field(default=float(LIMITS.requests_window), validator=above_zero)
    share: float = attrs.field(default=1.0, validator=above_zero)


class Governor:
    """Lets requests through in the order they came, a bucket full at once and then at the allowed rate.

    Of those that are ``bulk``, one at a time stands in the queue and the others wait behind it in a queue of their own:
    ten thousand of them hold up another request no longer than one does.
    """

    def __init__(self, limit: RateLimit | None, clock: Clock) -> None:
        self._clock = clock
        allowed = limit.requests * limit.share if limit else math.inf
        self._burst = max(1.0, allowed * _BURST_SHARE) if limit else math.inf
        self._rate = max(allowed - self._burst, allowed / 2) / limit.per if limit else math.inf
        self._tokens = self._burst
        self._refilled = clock.monotonic()
        self._closed_until = -math.inf
        self._window_left = math.inf
        self._window_end = -math.inf
        self.new_loop()

    def new_loop(self) -> None:
        """Forget the event loop of earlier calls."""
        self._turn = asyncio.Lock()
        self._bulk_turn = asyncio.Lock()
        self._waiting = self._bulk_waiting = 0

    async def acquire(self, deadline: float | None = None, *, bulk: bool = False) -> None:
        """Wait until one more request may be sent.

        Raises:
            RateLimitError: the wait would end after the deadline (on the monotonic clock).
        """
        bulk_ahead = self._bulk_waiting if bulk else 0
        if not self._waiting and not bulk_ahead and self._wait_now() <= 0:
            self._take()
            return
        # the first of the bulk stands in the other queue too
        self._check(deadline, ahead=self._waiting + max(0, bulk_ahead - 1))
        if not bulk:
            await self._queue(deadline)
            return
        self._bulk_waiting += 1
        try:
            async with self._bulk_turn:
                await self._queue(deadline)
        finally:
            self._bulk_waiting -= 1

    async def _queue(self, deadline: float | None) -> None:
        self._waiting += 1
        try:
            async with self._turn:
                while (wait := self._wait_now()) > 0:
                    self._check(deadline, ahead=0)
                    await self._clock.sleep(wait)
                self._take()
        finally:
            self._waiting -= 1

    def pause(self, seconds: float) -> None:
        """Send nothing for that long, and only a few requests at once afterwards."""
        self._refill()
        self._closed_until = max(self._closed_until, self._clock.monotonic() + seconds)
        self._refilled = max(self._refilled, self._closed_until)
        self._tokens = min(self._tokens, _AFTER_PAUSE)

    def observe(self, headers: Mapping[str, str]) -> None:
        """Take the service's own count of what its window has left; a header that does not parse is ignored."""
        header = headers.get("Ratelimit")
        found = _RATELIMIT.search(header) if header else None
        if found:
            self._window_left = int(found[1])
            self._window_end = self._clock.monotonic() + min(int(found[2]), LIMITS.requests_window)

    def _refill(self) -> None:
        now = self._clock.monotonic()
        if now > self._refilled:
            self._tokens = min(self._burst, self._tokens + (now - self._refilled) * self._rate)
            self._refilled = now

    def _wait_now(self) -> float:
        """Give the seconds until the next request may go."""
        now = self._clock.monotonic()
        wait = self._closed_until - now
        if self._window_left < 1 and now < self._window_end:
            wait = max(wait, self._window_end - now)
        if self._rate < math.inf:
            self._refill()
            if self._tokens < _WHOLE:
                wait = max(wait, self._refilled - now + (1 - self._tokens) / self._rate)
        return wait

    def _take(self) -> None:
        if self._rate < math.inf:
            self._tokens -= 1
        if self._window_left < math.inf:
            self._window_left = self._window_left - 1 if self._clock.monotonic() < self._window_end else math.inf

    def _check(self, deadline: float | None, *, ahead: int) -> None:
        if deadline is None:
            return
        wait = max(self._wait_now(), 0.0) + ahead / self._rate
        if self._clock.monotonic() + wait > deadline:
            retry_at = self._clock.time() + wait
            raise RateLimitError(
                f"the next free place under the rate limit is {wait:.1f} s away, beyond this call's timeout; "
                "try again later or give a longer timeout",
                retry_at=retry_at,
                retryable=True,
            )
