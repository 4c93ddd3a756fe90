"""Progress of one download, counted and paced like that of an upload."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from cfstream._types import Clock
from cfstream.models import DownloadProgress, UploadProgress
from cfstream.uploads import progress

OnProgress = Callable[[DownloadProgress], Awaitable[object] | object]


class Progress:
    """Reports at most ten times a second, and whenever an attempt begins or ends."""

    def __init__(self, uid: str, path: Path, clock: Clock, on_progress: OnProgress | None) -> None:
        self._uid = uid
        self._path = path
        self._on_progress = on_progress
        self._paced = progress.Progress(path.name, 0, clock, None if on_progress is None else self._report)
        self.total: int | None = None

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self._paced.attempt

    def again(self) -> None:
        """Count one more attempt."""
        self._paced.attempt += 1

    async def at(self, position: int, *, now: bool = False) -> None:
        """Report that so many bytes are there."""
        await self._paced.at(position, now=now)

    def _report(self, event: UploadProgress) -> Awaitable[object] | object:
        if self._on_progress is None:
            return None
        return self._on_progress(
            DownloadProgress(
                uid=self._uid,
                path=str(self._path),
                bytes=event.bytes,
                total=self.total,
                rate=event.rate,
                attempt=event.attempt,
            )
        )
