"""A part of a file: what a clip shows of the video it was cut from."""

from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from typing import Final

import attrs
import av.error
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cfstream.emulator.media.clock import LONGEST_GAP, Timeline
from cfstream.emulator.media.containers import frame_time
from cfstream.emulator.media.errors import TOO_SHORT, MediaError
from cfstream.emulator.media.probe import SHORTEST, Probe

_GLIMPSE: Final = Fraction(1, 60)
"""Seconds; a picture that is shown for less is not missed."""

_RUN_IN: Final = 1
"""Seconds decoded before the part: sound is whole only from its second frame on."""

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


def go_near(container: InputContainer, video: VideoStream, zero: Fraction, part: Part) -> None:
    """Has reading begin shortly before a part, where that gives the same frames as reading from the start.

    That is so in files of the MP4 family, whose index tells the time of every frame; elsewhere times can leap.
    """
    base = video.time_base
    if base is None or part.start <= _RUN_IN or not container.format.name.startswith("mov"):
        return
    wanted = (zero + Fraction(part.start) - _RUN_IN) // base
    times = [entry.timestamp for entry in video.index_entries]
    # A file in fragments may not have them all here.
    if not times or times[-1] < wanted or any((after - time) * base > LONGEST_GAP for time, after in pairwise(times)):
        return
    with suppress(av.error.FFmpegError):
        container.seek(wanted, stream=video, backward=True)


class Cut:
    """Lets through the frames that belong to a part, or all of them where there is no part."""

    def __init__(self, part: Part | None, zero: Fraction, facts: Probe) -> None:
        self.zero = zero if part is None else zero + Fraction(part.start)
        """What the times of the frames that come through are counted from."""
        self._part = part
        begin = 0 if part is None else part.start
        self._pictures = Timeline(zero, facts.duration, begin)
        self._sounds = Timeline(zero, facts.duration, begin)
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
