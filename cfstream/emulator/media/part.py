"""A part of a file: what a clip shows of the video it was cut from."""

from fractions import Fraction
from typing import Final

import attrs
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from cfstream.emulator.media.clock import Timeline
from cfstream.emulator.media.containers import frame_time
from cfstream.emulator.media.errors import TOO_SHORT, MediaError
from cfstream.emulator.media.probe import SHORTEST, Probe

_GLIMPSE: Final = Fraction(1, 60)
"""Seconds; a picture that is shown for less is not missed."""

TimedPicture = tuple[VideoFrame, Fraction | None]


@attrs.frozen(kw_only=True)
class Part:
    """From one time of a file to another, in seconds."""

    start: float
    end: float

    def of(self, facts: Probe) -> Probe:
        """The facts of the part alone.

        Raises:
            MediaError: If hardly anything of the file lies in it.
        """
        duration = min(self.end, facts.duration) - self.start
        if duration < SHORTEST:
            raise MediaError(TOO_SHORT)
        return attrs.evolve(facts, duration=duration)


class Cut:
    """Lets through the frames that belong to a part, or all of them where there is no part."""

    def __init__(self, part: Part | None, zero: Fraction, facts: Probe) -> None:
        self.zero = zero if part is None else zero + Fraction(part.start)
        """What the times of the frames that come through are counted from."""
        self._part = part
        self._pictures = Timeline(zero, facts.duration)
        self._sounds = Timeline(zero, facts.duration)
        self._usual = 1 / (Fraction(facts.fps).limit_denominator(1001) or Fraction(25))
        self._held: VideoFrame | None = None
        self._open = {"picture", "sound"} if facts.has_audio else {"picture"}

    @property
    def over(self) -> bool:
        """Whether nothing more of the file belongs to the part."""
        return not self._open

    def pictures(self, frame: VideoFrame) -> list[TimedPicture]:
        """What to show now that the next frame has come."""
        time = frame_time(frame)
        if self._part is None:
            return [(frame, time)]
        place = self._pictures.place(time, self._usual)
        if place < self._part.start:
            self._held = frame
            return []
        if place >= self._part.end:
            self._open.discard("picture")
            return self.held()
        # A frame that is shown for long may have begun before the part did.
        late = place - Fraction(self._part.start) >= _GLIMPSE
        held = self.held() if late else []
        self._held = None
        return [*held, (frame, time)]

    def held(self) -> list[TimedPicture]:
        """The frame that is on screen when the part begins, unless one of the part has come."""
        held, self._held = self._held, None
        return [] if held is None else [(held, self.zero)]

    def sounds(self, frame: AudioFrame) -> list[AudioFrame]:
        """The same for sound."""
        if self._part is None:
            return [frame]
        length = Fraction(frame.samples, frame.sample_rate)
        place = self._sounds.place(frame_time(frame), length)
        if place >= self._part.end:
            self._open.discard("sound")
        return [frame] if place + length > self._part.start and place < self._part.end else []
