"""Progress of one upload: counts bytes, measures the rate, calls the user's function not too often."""

import inspect
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from cfstream._types import Clock
from cfstream.errors import InvalidInputError
from cfstream.models.video import UploadProgress

OnProgress = Callable[[UploadProgress], Awaitable[object] | object]

_EVERY = 0.1
_RATE_OVER = 5.0


def check_progress(on_progress: Any) -> None:
    """Refuse what cannot be called, before anything is opened.

    Raises:
        InvalidInputError: it is no function.
    """
    if on_progress is not None and not callable(on_progress):
        raise InvalidInputError(f"on_progress: expected a function, got {type(on_progress).__name__}")


class Progress:
    """Reports at most ten times a second, and whenever a chunk is confirmed."""

    def __init__(self, source: str, total: int, clock: Clock, on_progress: OnProgress | None) -> None:
        self._source = source
        self._total = total
        self._clock = clock
        self._on_progress = on_progress
        self._reported = -_EVERY
        self._samples: deque[tuple[float, int]] = deque([(clock.monotonic(), 0)])
        self.uid = ""
        self.attempt = 1

    async def at(self, position: int, *, now: bool = False) -> None:
        """Report that the upload stands there."""
        if self._on_progress is None:
            return
        moment = self._clock.monotonic()
        if not now and moment - self._reported < _EVERY:
            return
        self._reported = moment
        event = UploadProgress(
            source=self._source,
            uid=self.uid,
            bytes=position,
            total=self._total,
            rate=self._rate(moment, position),
            attempt=self.attempt,
        )
        result = self._on_progress(event)
        if inspect.isawaitable(result):
            await result

    def _rate(self, moment: float, position: int) -> float:
        if position < self._samples[-1][1]:
            self._samples.clear()
        self._samples.append((moment, position))
        while len(self._samples) > 1 and moment - self._samples[1][0] > _RATE_OVER:
            self._samples.popleft()
        began, first = self._samples[0]
        return (position - first) / (moment - began) if moment > began else 0.0
