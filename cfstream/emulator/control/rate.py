"""The API's rate limit: windows of fixed length per credential, and a block for whoever exceeds one."""

import math

import attrs

from cfstream._limits import Limits
from cfstream._types import Clock


@attrs.define
class _Window:
    end: float
    count: int = 0
    blocked: bool = False


@attrs.frozen
class Allowance:
    """What is left after a request."""

    left: int
    seconds: int
    """Until the window ends, or the block."""
    blocked: bool
    limits: Limits

    def headers(self) -> dict[str, str]:
        """The headers of every answer, and the one of a refusal."""
        shown = {
            "Ratelimit": f'"default";r={self.left};t={self.seconds}',
            "Ratelimit-Policy": f'"default";q={self.limits.requests};w={self.limits.requests_window}',
        }
        return {**shown, "Retry-After": str(self.seconds)} if self.blocked else shown


class Rate:
    """Counts requests; a window begins with the first request after the end of the one before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def take(self, credential: str, limits: Limits) -> Allowance:
        """Count a request; one above the limit blocks all that follow for the length of a window."""
        now = self._clock.monotonic()
        window = self._windows.get(credential)
        if window is None or now >= window.end:
            window = self._windows[credential] = _Window(now + limits.requests_window)
        window.count += 1
        if window.count > limits.requests and not window.blocked:
            window.blocked = True
            window.end = now + limits.requests_window
        left = max(0, limits.requests - window.count)
        return Allowance(left, math.ceil(window.end - now), window.blocked, limits)

    def clear(self) -> None:
        """Begin anew."""
        self._windows.clear()
