"""The sound side of an encoding: one AAC rendition without holes, at most stereo, from zero on."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.filter.context import FilterContext
from av.filter.graph import Graph

from cfstream.emulator.media import picture
from cfstream.emulator.media.clock import Timeline
from cfstream.emulator.media.containers import AnyPacket, frame_time
from cfstream.emulator.media.renditions import AudioRendition
from cfstream.emulator.media.segments import Timing, read_segments
from cfstream.emulator.media.track import TrackWriter

_RATE: Final = 48_000
FOLDER: Final = "audio"
_CODECS: Final = "mp4a.40.2"

_BIT_RATE: Final = {"mono": 64_000, "stereo": 128_000}


class AudioEncoder:
    """Encodes the frames of one sound track; it makes no rendition when there are none.

    Args:
        timeline: Where the frames belong.
        folder: The folder of the rendition; it takes its name from it.
        seconds: How long the rendition is to be: more is cut off, what is missing is silence. As long as it comes,
            unless given.
    """

    def __init__(self, timeline: Timeline, folder: Path, seconds: float | None = None) -> None:
        self._samples = 0
        self._wanted = None if seconds is None else round(seconds * _RATE)
        self._track: TrackWriter | None = None
        self._timeline = timeline
        self._folder = folder
        self._stream: AudioStream | None = None
        self._kind: tuple[str, str, int] | None = None
        self._graph = Graph()
        self._sink: FilterContext | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._track is not None:
            self._track.abandon()

    @property
    def seconds(self) -> float:
        """How much sound there is so far."""
        return self._samples / _RATE

    @property
    def full(self) -> bool:
        """Whether no more sound is wanted."""
        return self._wanted is not None and self._samples >= self._wanted

    def encode(self, frame: AudioFrame) -> None:
        """Takes the next decoded frame."""
        stream = self._stream or self._open(frame)
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:
            self._drain()
            self._kind = kind
            self._sink = self._build(frame, stream)
        self._restamp(frame)
        self._graph.push(frame)
        self._pull()

    def finish(self) -> None:
        """Writes what filter and encoder still hold, and the playlist."""
        self._drain()
        if self._samples and self._wanted is not None:
            self._be_silent(self._wanted - self._samples)
        if self._samples and self._stream is not None and self._track is not None:
            self._write(self._stream.encode(None))
            self._track.finish()

    def rendition(self) -> AudioRendition | None:
        """What was made, if there was sound."""
        if self._stream is None or not self._samples:
            return None
        return AudioRendition(
            name=self._folder.name,
            rate=_RATE,
            channels=self._stream.channels,
            codecs=_CODECS,
            timing=Timing.of(read_segments(self._folder), _RATE),
        )

    def _open(self, frame: AudioFrame) -> AudioStream:
        layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
        self._track = TrackWriter(self._folder)
        self._stream = self._track.container.add_stream("aac", rate=_RATE, bit_rate=_BIT_RATE[layout])
        self._stream.layout = layout
        return self._stream

    def _build(self, frame: AudioFrame, stream: AudioStream) -> FilterContext:
        self._graph = Graph()
        node = self._graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format,
            layout=frame.layout.name,
            time_base=Fraction(1, frame.sample_rate),
        )
        sink = picture.chain(
            self._graph,
            node,
            # Late sound is preceded by silence, holes are filled and overlaps cut: the rendition has no gaps.
            f"aresample={_RATE}:async=1:first_pts={self._samples}",
            f"aformat=fltp:{_RATE}:{stream.layout.name}",
            "abuffersink",
        )
        self._graph.configure()
        return sink

    def _restamp(self, frame: AudioFrame) -> None:
        length = Fraction(frame.samples, frame.sample_rate)
        frame.pts = round(self._timeline.place(frame_time(frame), length) * frame.sample_rate)
        frame.time_base = Fraction(1, frame.sample_rate)

    def _drain(self) -> None:
        if self._sink is not None:
            self._graph.push(None)
            self._pull()

    def _pull(self) -> None:
        while self._sink is not None and self._stream is not None:
            try:
                frame = cast(AudioFrame, self._sink.pull())
            except (BlockingIOError, EOFError):
                return
            if self._wanted is not None:
                frame = _first(frame, self._wanted - self._samples)
            if frame.samples:
                self._take(frame)

    def _be_silent(self, samples: int) -> None:
        while samples > 0 and self._stream is not None:
            frame = AudioFrame("fltp", self._stream.layout.name, min(samples, _RATE))
            frame.sample_rate = _RATE
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            samples -= frame.samples
            self._take(frame)

    def _take(self, frame: AudioFrame) -> None:
        if self._stream is not None:
            frame.pts, frame.time_base = self._samples, Fraction(1, _RATE)
            self._samples += frame.samples
            self._write(self._stream.encode(frame))

    def _write(self, packets: list[AnyPacket]) -> None:
        if self._track is not None:
            # The encoder's run-in comes before zero; kept, it would push all sound back by 21 ms.
            self._track.write(packet for packet in packets if packet.pts is None or packet.pts >= 0)


def _first(frame: AudioFrame, samples: int) -> AudioFrame:
    """The beginning of a frame of floats, one plane for each channel."""
    if samples >= frame.samples:
        return frame
    short = AudioFrame("fltp", frame.layout.name, max(0, samples))
    short.sample_rate = frame.sample_rate
    for plane, given in zip(short.planes, frame.planes, strict=True):
        plane.update(bytes(given)[: plane.buffer_size])
    return short
