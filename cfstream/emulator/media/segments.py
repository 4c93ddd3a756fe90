"""What a finished rendition is cut into, and the bit rates that follow from it; without any codec."""

import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Final

import attrs

TICKS: Final = 90_000
"""Ticks of the picture's clock in a second."""
SEGMENT_SECONDS: Final = 4

PLAYLIST: Final = "stream.m3u8"
INIT: Final = "init.mp4"
SEGMENT: Final = "seg_%05d.mp4"

_ENTRY: Final = re.compile(r"^#EXTINF:([0-9.]+),.*\n(.+)$", re.MULTILINE)


@attrs.frozen(kw_only=True)
class Segment:
    """One segment of a rendition."""

    seconds: float
    size: int


Runs = tuple[tuple[int, int], ...]
"""Lengths of segments, in ticks, each with how many of that length follow each other."""


def _runs(value: Iterable[Iterable[int]]) -> Runs:
    return tuple((length, count) for length, count in value)


@attrs.frozen(kw_only=True)
class Timing:
    """How a rendition lies in time, as manifests tell it; rates in bits per second."""

    timescale: int
    runs: Runs = attrs.field(converter=_runs)
    peak: int
    average: int

    @property
    def seconds(self) -> float:
        """The whole length."""
        return sum(length * count for length, count in self.runs) / self.timescale

    @classmethod
    def of(cls, segments: list[Segment], timescale: int) -> "Timing":
        """The timing of these segments, in ticks of that clock."""
        lengths = [round(each.seconds * timescale) for each in segments]
        return cls(
            timescale=timescale,
            runs=[(length, len(list(same))) for length, same in groupby(lengths)],
            peak=peak_rate(segments),
            average=average_rate(segments),
        )


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
