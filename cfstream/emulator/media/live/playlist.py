"""The playlists of a running broadcast: the newest segments, each beginning with a key frame."""

import math
from collections import deque
from pathlib import Path
from typing import Final

from cfstream.emulator.media.files import whole
from cfstream.emulator.media.live.files import ADDRESS, MASTER
from cfstream.emulator.media.segments import INIT, PLAYLIST, SEGMENT

WINDOW: Final = 12
"""Segments in the playlist."""

_LEAST_TARGET: Final = 4
"""Seconds; what segments are declared to last at most, unless key frames are rarer than that."""


class LivePlaylist:
    """Writes the segments of a broadcast and the playlists that name them."""

    def __init__(self, folder: Path, name: str, opening: bytes, info: str) -> None:
        self._folder = folder
        self._name = name
        self._info = info
        (self._folder / INIT).write_bytes(opening)
        self._shown: deque[tuple[str, float]] = deque()
        self._lingering: deque[Path] = deque()
        self._count = 0
        self._peak = 0
        # It must not change while somebody plays: it only ever grows, when key frames become rarer.
        self._target = _LEAST_TARGET

    def add(self, data: bytes, seconds: float) -> None:
        """Publishes the next segment."""
        name = SEGMENT % self._count
        (self._folder / name).write_bytes(data)
        self._count += 1
        self._shown.append((name, seconds))
        self._target = max(self._target, math.ceil(seconds))
        self._slide()
        self._write(over=False)
        rate = math.ceil(len(data) * 8 / seconds) if seconds > 0 else 0
        if rate > self._peak:
            self._peak = rate
            self._write_master()

    def end(self) -> None:
        """Tells players that nothing more comes."""
        if self._shown:
            self._write(over=True)

    def _slide(self) -> None:
        if len(self._shown) <= WINDOW:
            return
        self._lingering.append(self._folder / self._shown.popleft()[0])
        # A player that has read the playlist before may still ask for what was on it.
        if len(self._lingering) > WINDOW:
            self._lingering.popleft().unlink(missing_ok=True)

    def _write(self, *, over: bool) -> None:
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:6",
            f"#EXT-X-TARGETDURATION:{self._target}",
            f"#EXT-X-MEDIA-SEQUENCE:{self._count - len(self._shown)}",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            f'#EXT-X-MAP:URI="{INIT}"',
        ]
        for name, seconds in self._shown:
            lines += [f"#EXTINF:{seconds:.3f},", name]
        _replace(self._folder / PLAYLIST, [*lines, *(["#EXT-X-ENDLIST"] if over else [])])

    def _write_master(self) -> None:
        stream = f"#EXT-X-STREAM-INF:BANDWIDTH={self._peak},{self._info}"
        head = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"]
        _replace(self._folder / MASTER, [*head, stream, f"{ADDRESS}/{self._name}/{PLAYLIST}"])


def _replace(path: Path, lines: list[str]) -> None:
    with whole(path) as part:
        part.write_text("\n".join([*lines, ""]), encoding="utf-8")
