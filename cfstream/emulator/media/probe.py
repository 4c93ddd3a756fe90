"""What an uploaded file holds, or the reason why it is no usable video."""

from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Final

import attrs
from av.container import InputContainer
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cfstream.emulator.media import picture
from cfstream.emulator.media.containers import AnyPacket, audio_streams, decode, open_source, packets, video_stream
from cfstream.emulator.media.errors import MALFORMED, TOO_SHORT, MediaError

_MICROSECONDS: Final = 1_000_000
SHORTEST: Final = 0.1
"""Seconds that a video must have."""
_TRIES: Final = 1000
"""Packets of the picture that may fail before the file counts as broken."""


@attrs.frozen(kw_only=True)
class Probe:
    """What a video file holds; the size is the one on screen, after rotation and with square pixels."""

    duration: float
    width: int
    height: int
    rotation: int
    sample_aspect_ratio: Fraction
    fps: float
    video_codec: str
    audio_tracks: int

    @property
    def has_audio(self) -> bool:
        """Whether there is sound."""
        return self.audio_tracks > 0


def probe(path: Path) -> Probe:
    """Reads the facts of a video file and decodes its first frame.

    Raises:
        OSError: If there is no such file or it cannot be read.
        MediaError: If the file is not a video, is broken, or is shorter than 0.1 s.
    """
    with open_source(path) as container:
        video = video_stream(container)
        if container.format.name.startswith("mov") and _truncated(video, path.stat().st_size):
            raise MediaError(MALFORMED)
        tracks = len(audio_streams(container))
        duration = _duration(container, path)
        if duration < SHORTEST:
            raise MediaError(TOO_SHORT)
        frame = _first_frame(container, video)
        turn = picture.rotation(frame)
        aspect = picture.pixel_aspect(video)
        width, height = picture.displayed(frame.width, frame.height, aspect, turn)
        return Probe(
            duration=duration,
            width=width,
            height=height,
            rotation=turn,
            sample_aspect_ratio=aspect,
            fps=float(video.average_rate or video.guessed_rate or 0),
            video_codec=video.codec_context.name,
            audio_tracks=tracks,
        )


def _truncated(video: VideoStream, size: int) -> bool:
    """Whether the container's index points past the end of the file."""
    entries = video.index_entries
    if not len(entries):
        return False
    last = entries[len(entries) - 1]
    return last.pos + last.size > size


def _duration(container: InputContainer, path: Path) -> float:
    if container.duration is not None and container.duration > 0:
        return container.duration / _MICROSECONDS
    # Browsers record WebM without a duration: only the packets tell.
    with open_source(path) as again:
        spans = [span for packet in packets(again, *_timed(again)) if (span := _span(packet))]
    if not spans:
        raise MediaError(MALFORMED)
    return float(max(end for _, end in spans) - min(start for start, _ in spans))


def _timed(container: InputContainer) -> list[Stream]:
    return [video_stream(container), *audio_streams(container)]


def _span(packet: AnyPacket) -> tuple[Fraction, Fraction] | None:
    if packet.pts is None:
        return None
    return packet.pts * packet.time_base, (packet.pts + (packet.duration or 0)) * packet.time_base


def _first_frame(container: InputContainer, video: VideoStream) -> VideoFrame:
    for packet in islice(packets(container, video), _TRIES):
        for frame in decode(packet) or []:
            if isinstance(frame, VideoFrame):
                return frame
    raise MediaError(MALFORMED)
