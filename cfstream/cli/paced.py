"""A file that is read no faster than a given rate, so that people can watch it go."""

import io
import time

_PIECE = 64 * 1024


class PacedFile(io.FileIO):
    """A binary file with a speed limit in bytes per second."""

    def __init__(self, path: str, rate: float) -> None:
        super().__init__(path)
        self._rate = rate
        self._due = 0.0

    def read(self, size: int | None = -1, /) -> bytes | None:  # type: ignore[override]  # as FileIO has it
        """Give the next piece, when it is due."""
        piece = super().read(_PIECE if size is None or size < 0 else min(size, _PIECE))
        now = time.monotonic()
        self._due = max(self._due, now) + len(piece or b"") / self._rate
        time.sleep(self._due - now)
        return piece
