"""One rendition on disk: an HLS playlist, its init file and its fragmented MP4 segments in a folder."""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

import attrs
import av
import av.error
from av.container import OutputContainer

from cfstream.emulator.media.clock import SEGMENT_SECONDS
from cfstream.emulator.media.containers import AnyPacket

PLAYLIST: Final = "stream.m3u8"
INIT: Final = "init.mp4"
SEGMENT: Final = "seg_%05d.mp4"

_OPTIONS: Final = {
    "hls_time": str(SEGMENT_SECONDS),
    "hls_playlist_type": "vod",
    "hls_segment_type": "fmp4",
    "hls_fmp4_init_filename": INIT,
    "hls_segment_filename": SEGMENT,
    "hls_flags": "independent_segments",
}
_ENTRY: Final = re.compile(r"^#EXTINF:([0-9.]+),.*\n(.+)$", re.MULTILINE)


class TrackWriter:
    """Cuts the packets of one encoder into segments."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

        def io_open(name: str, flags: int, options: dict[str, str]) -> BinaryIO:  # noqa: ARG001  # av calls it so
            return (folder / name).open("wb")

        # libav takes a percent sign in a folder's name for a number; with bare names it sees no folder.
        self.container: OutputContainer = av.open(PLAYLIST, "w", format="hls", options=_OPTIONS, io_open=io_open)

    def write(self, packets: Iterable[AnyPacket]) -> None:
        """Takes the next packets."""
        for packet in packets:
            self.container.mux_one(packet)

    def finish(self) -> None:
        """Writes the last segment and the playlist."""
        self.container.close()

    def abandon(self) -> None:
        """Lets go of the files of a rendition that will not be finished; after ``finish`` it does nothing."""
        with suppress(av.error.FFmpegError, OSError):
            self.container.close()


@attrs.frozen(kw_only=True)
class Segment:
    """One segment of a rendition."""

    seconds: float
    size: int


def read_segments(folder: Path) -> list[Segment]:
    """The segments of a finished rendition, in order."""
    text = (folder / PLAYLIST).read_text(encoding="utf-8")
    return [
        Segment(seconds=float(seconds), size=(folder / name).stat().st_size) for seconds, name in _ENTRY.findall(text)
    ]


def peak_rate(segments: list[Segment]) -> int:
    """Bits per second of the densest run of segments of half to one and a half times the target length.

    A single segment does not count on its own when it is shorter: the last one may be one frame long.
    """
    shortest, longest = SEGMENT_SECONDS * 0.5, SEGMENT_SECONDS * 1.5
    peak = average_rate(segments)
    for first in range(len(segments)):
        seconds, size = 0.0, 0
        for index, segment in enumerate(segments[first:]):
            seconds, size = seconds + segment.seconds, size + segment.size
            if seconds > longest and index:
                break
            if seconds >= shortest:
                peak = max(peak, _rate(size, seconds))
    return peak


def average_rate(segments: list[Segment]) -> int:
    """Bits per second over the whole length."""
    return _rate(sum(each.size for each in segments), sum(each.seconds for each in segments))


def _rate(size: int, seconds: float) -> int:
    return -int(-size * 8 // seconds) if seconds else 0
