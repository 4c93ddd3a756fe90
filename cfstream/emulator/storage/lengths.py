"""How long all videos are together, kept up to date so that nobody has to add them up."""

import math

from cfstream.emulator.storage.records import ERROR, Video


class Lengths:
    """Seconds that count as stored, and seconds that are held free."""

    def __init__(self) -> None:
        self._each: dict[str, tuple[int, int]] = {}
        self.stored = 0
        """Of the videos whose length is known, each rounded up."""
        self.reserved = 0
        """What the others may come to, where that is known."""

    def note(self, video: Video) -> None:
        """Take in a video, or what became of it; one that failed counts nothing."""
        self.forget(video.uid)
        if video.state == ERROR:
            return
        known = video.duration >= 0
        entry = (math.ceil(video.duration), 0) if known else (0, video.max_duration or 0)
        self._each[video.uid] = entry
        self._add(*entry)

    def forget(self, uid: str) -> None:
        """A video is gone."""
        stored, reserved = self._each.pop(uid, (0, 0))
        self._add(-stored, -reserved)

    def clear(self) -> None:
        """All are gone."""
        self._each.clear()
        self.stored = self.reserved = 0

    def _add(self, stored: int, reserved: int) -> None:
        self.stored += stored
        self.reserved += reserved
