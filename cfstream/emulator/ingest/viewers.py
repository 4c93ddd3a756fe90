"""How many watch a broadcast: those who have fetched a piece of it not long ago."""

from typing import Final

from cfstream._types import Clock

WINDOW: Final = 30.0
"""Seconds; who has not fetched anything for so long has left."""
_MOST: Final = 10_000


class Viewers:
    """The viewers of all broadcasts, each known by address and browser."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, dict[str, float]] = {}

    def saw(self, video: str, viewer: str) -> None:
        """Take note of somebody who fetched a piece."""
        seen = self._seen.setdefault(video, {})
        # Taken out first, so that those who have been silent longest come first.
        seen.pop(viewer, None)
        seen[viewer] = self._clock.monotonic()
        if len(seen) > _MOST:
            del seen[next(iter(seen))]

    def count(self, video: str) -> int:
        """How many there are now."""
        seen = self._seen.get(video, {})
        gone = self._clock.monotonic() - WINDOW
        for viewer in [viewer for viewer, last in seen.items() if last <= gone]:
            del seen[viewer]
        return len(seen)

    def forget(self, video: str) -> None:
        """A broadcast is over."""
        self._seen.pop(video, None)
