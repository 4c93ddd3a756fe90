"""One broadcast: what one or more connections of a publisher bring, as one continuous stream into one video."""

from pathlib import Path
from typing import Final

import attrs

from cfstream.emulator.ingest.feed import Feed
from cfstream.emulator.rtmp import flv
from cfstream.emulator.rtmp.flv import Headers
from cfstream.emulator.rtmp.session import Media

_STEP: Final = 40
"""Milliseconds from the last frame before a gap to the first after it."""


class Broadcast:
    """A video that is live."""

    def __init__(self, *, video: str, live_input: str, headers: Headers, patience: float, folder: Path) -> None:
        self.video = video
        self.live_input = live_input
        self.headers = headers
        self.patience = patience
        """Seconds that a publisher may be away."""
        self.unwanted = False
        """Whether the video is being deleted, so that nothing is recorded."""
        self.feed = Feed(folder, video)
        self._shift: int | None = None
        self._start = 0
        self._next = 0

    async def begin(self) -> None:
        """Start to make HLS of it.

        Raises:
            ConnectionError: the process for it has ended at once.
        """
        await self.feed.start()
        await self.feed.write(flv.opening(self.headers))

    def join(self) -> None:
        """A publisher comes, or comes back: its times begin anew, with the next key frame."""
        self._shift, self._start = None, self._next

    async def write(self, media: Media) -> None:
        """Take the next frame.

        Raises:
            ConnectionError: the process for it has ended.
        """
        if self._shift is None:
            self._shift = self._start - media.timestamp
        time = max(self._start, media.timestamp + self._shift)
        self._next = max(self._next, time + _STEP)
        await self.feed.write(flv.tag(attrs.evolve(media, timestamp=time)))
