"""Times of the encoded picture: from zero, always rising, with a key frame at each segment's border."""

from fractions import Fraction
from typing import Final

from av.video.frame import PictureType, VideoFrame

from cfstream.emulator.media.segments import SEGMENT_SECONDS, TICKS

TIME_BASE: Final = Fraction(1, TICKS)

_STEP_BACK: Final = 1
_OVERTIME: Final = 10
LONGEST_GAP: Final = 600
"""Seconds; a longer one counts as a leap."""
_LONGEST_FRAME: Final = LONGEST_GAP * TICKS

_MOST_FPS: Final = 70
_THINNED_FPS: Final = 60


def encoded_fps(fps: float) -> float:
    """The frame rate that a source of this rate is encoded at."""
    return fps if fps <= _MOST_FPS else _THINNED_FPS


class Timeline:
    """Times of one stream from zero on, without the leaps of broken or joined files.

    A leap is a time before what was there already, past the end of the file, or after a gap of many minutes: taken
    as it is, one wrong number would make hours of silence. What follows a leap is put where the stream had come to.

    Args:
        zero: The time in the file that becomes zero.
        duration: How long the file says it is, in seconds.
        begin: Where reading begins, in seconds from zero, or somewhat before.
    """

    def __init__(self, zero: Fraction, duration: float, begin: float = 0) -> None:
        self._shift = -zero
        self._duration = Fraction(duration)
        self._reached = Fraction(0)
        self._expected = Fraction(begin)

    def place(self, time: Fraction | None, length: Fraction) -> Fraction:
        """The place of what has this time and this length in the file; without a time it follows what was before."""
        placed = self._expected if time is None else time + self._shift
        if not self._reached - _STEP_BACK <= placed <= self._latest():
            self._shift += self._expected - placed
            placed = self._expected
        self._reached, self._expected = placed, placed + length
        return placed

    def _latest(self) -> Fraction:
        return min(max(self._duration, self._expected) + _OVERTIME, self._expected + LONGEST_GAP)


class Clock:
    """Gives each decoded frame its place in time, one frame late: the next one tells its length."""

    def __init__(self, timeline: Timeline, fps: float) -> None:
        self._timeline = timeline
        self._usual = min(round(TICKS / fps), _LONGEST_FRAME) if fps else TICKS // 25
        self._slot_ticks = TICKS // _THINNED_FPS if fps > _MOST_FPS else 1
        self._last_slot = -1
        self._next_key = 0
        self._waiting: VideoFrame | None = None

    def place(self, frame: VideoFrame, time: Fraction | None) -> VideoFrame | None:
        """Takes the next frame and returns the one before it, complete, if there is one."""
        waiting = self._waiting
        placed = self._timeline.place(time, self._usual * TIME_BASE)
        # A picture that begins after the sound is held from the start: players do not like a hole there.
        ticks = round(placed * TICKS) if waiting is not None else 0
        slot = ticks // self._slot_ticks
        if slot <= self._last_slot:
            return None
        self._last_slot = slot
        self._stamp(frame, ticks)
        self._waiting = frame
        if waiting is not None and waiting.pts is not None:
            waiting.duration = ticks - waiting.pts
        return waiting

    def last(self, until: float | None) -> VideoFrame | None:
        """The final frame, which lasts as long as its file says, but not beyond that second, if one is given."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and waiting.pts is not None and until is not None:
            waiting.duration = max(1, min(waiting.duration, round(until * TICKS) - waiting.pts))
        return waiting

    def _stamp(self, frame: VideoFrame, ticks: int) -> None:
        frame.duration = self._natural_length(frame)
        frame.pts, frame.dts = ticks, None
        frame.time_base = TIME_BASE
        # The source's own frame types would be forced on the encoder.
        frame.pict_type = PictureType.NONE
        if ticks >= self._next_key:
            frame.pict_type = PictureType.I
            self._next_key = (ticks // (SEGMENT_SECONDS * TICKS) + 1) * SEGMENT_SECONDS * TICKS

    def _natural_length(self, frame: VideoFrame) -> int:
        own = round(frame.duration * (frame.time_base or 0) * TICKS)
        return max(min(own, _LONGEST_FRAME) or self._usual, self._slot_ticks)
