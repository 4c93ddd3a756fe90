"""The picture side of an encoding: each decoded frame is scaled once per rung and encoded at every size."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

from av.codec.context import Flags
from av.filter.context import FilterContext
from av.filter.graph import Graph
from av.video.frame import VideoFrame

from cfstream.emulator.media import picture
from cfstream.emulator.media.clock import TIME_BASE, Clock, Timeline, encoded_fps
from cfstream.emulator.media.containers import THREADS
from cfstream.emulator.media.errors import MALFORMED, MediaError
from cfstream.emulator.media.jobs import Mark
from cfstream.emulator.media.ladder import Preset, Rung, rungs
from cfstream.emulator.media.marks import Stamp
from cfstream.emulator.media.probe import Probe
from cfstream.emulator.media.renditions import VideoRendition
from cfstream.emulator.media.segments import TICKS, Timing, read_segments
from cfstream.emulator.media.track import TrackWriter

_SPS_START: Final = b"\x00\x00\x01\x67"
# 0 stands for RGB and 2 for "not said": neither fits the frames that come out of the scaler.
_NO_COLOUR: Final = (0, 2)


class Scaler:
    """Turns frames upright, scales them to the size of every rung and lays the watermarks over them."""

    def __init__(self, rungs: tuple[Rung, ...], facts: Probe, flags: str, stamps: list[Stamp]) -> None:
        self._rungs = rungs
        self._facts = facts
        self._flags = flags
        self._stamps = stamps
        self._kind: tuple[int, int, str] | None = None
        self._graph = Graph()
        self._entrance: FilterContext | None = None
        self._sinks: list[FilterContext] = []

    def scale(self, frame: VideoFrame) -> list[VideoFrame]:
        """One frame for each rung, in their order; they keep the time and the type of the frame given."""
        kind = (frame.width, frame.height, frame.format.name)
        if kind != self._kind:
            self._kind = kind
            self._build(frame)
        if self._entrance is not None:
            self._entrance.push(frame)
        return [cast(VideoFrame, sink.pull()) for sink in self._sinks]

    def _build(self, frame: VideoFrame) -> None:
        self._graph = Graph()
        self._graph.threads = THREADS
        self._sinks = []
        self._entrance, node = picture.upright(self._graph, frame, TIME_BASE, self._facts.rotation)
        output = 0
        # Each rung is made from the next larger one: that costs less than to begin from the source each time.
        for rung in reversed(self._rungs):
            scale = self._graph.add("scale", f"{rung.width}:{rung.height}:flags={self._flags}:out_range=tv")
            node.link_to(scale, output)
            node = picture.chain(self._graph, scale, "format=yuv420p")
            if rung is self._rungs[-1]:
                # Once on the largest: the others are made from it.
                node = self._marked(node, rung)
            outputs = 1 if rung is self._rungs[0] else 2
            node, output = picture.chain(self._graph, node, f"split={outputs}"), outputs - 1
            self._sinks.insert(0, picture.chain(self._graph, node, "buffersink"))
        self._graph.configure()
        for stamp in self._stamps:
            stamp.begin()

    def _marked(self, node: FilterContext, rung: Rung) -> FilterContext:
        for stamp in self._stamps:
            node = stamp.lay(self._graph, node, (rung.width, rung.height), rung.width / self._facts.width)
        return node


class RungEncoder:
    """Encodes the frames of one rung."""

    def __init__(self, rung: Rung, preset: Preset, fps: float, folder: Path) -> None:
        self.rung = rung
        self.track = TrackWriter(folder / rung.name)
        options = {
            "preset": preset.x264,
            "crf": "23",
            "maxrate": str(rung.ceiling),
            "bufsize": str(rung.ceiling),
            # With B-frames the picture would begin some frames after the sound, and players see a hole.
            "bf": "0",
            # Key frames only where the clock puts them, so that segments of all rungs have the same borders.
            "forced-idr": "1",
            "sc_threshold": "0",
            "g": "100000",
        }
        rate = Fraction(fps).limit_denominator(1001) or Fraction(25)
        self._stream = self.track.container.add_stream("libx264", rate=rate, options=options)
        self._stream.width, self._stream.height = rung.width, rung.height
        self._stream.codec_context.time_base = TIME_BASE
        # Without it packets have no length, and a segment that ends in a long frame would end too early.
        self._stream.codec_context.flags |= Flags.frame_duration
        self._stream.codec_context.thread_count = THREADS

    def encode(self, frame: VideoFrame) -> None:
        """Takes the next frame, already of this rung's size."""
        if not self._stream.codec_context.is_open:
            self._copy_colour(frame)
        self.track.write(self._stream.encode(frame))

    def finish(self) -> None:
        """Writes what the encoder still holds, and the playlist."""
        self.track.write(self._stream.encode(None))
        self.track.finish()

    def codecs(self) -> str:
        """The RFC 6381 name of the stream, from the profile and level bytes of its parameter set."""
        extradata = self._stream.codec_context.extradata or b""
        at = extradata.index(_SPS_START) + len(_SPS_START)
        return f"avc1.{extradata[at : at + 3].hex().upper()}"

    def _copy_colour(self, frame: VideoFrame) -> None:
        for name in ("colorspace", "color_primaries", "color_trc"):
            value = getattr(frame, name)
            if value not in _NO_COLOUR:
                setattr(self._stream.codec_context, name, value)


class Ladder:
    """All rungs of one video: frames in, finished renditions out."""

    def __init__(
        self, facts: Probe, zero: Fraction, preset: Preset, folder: Path, marks: tuple[Mark, ...] = ()
    ) -> None:
        steps = rungs(facts.width, facts.height, preset)
        self.frames = 0
        self.seconds = 0.0
        self._clock = Clock(Timeline(zero, facts.duration), facts.fps)
        self._scaler = Scaler(steps, facts, preset.scaler, [Stamp(mark) for mark in marks])
        self._encoders = [RungEncoder(step, preset, encoded_fps(facts.fps), folder) for step in steps]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for encoder in self._encoders:
            encoder.track.abandon()

    def encode(self, frame: VideoFrame, time: Fraction | None) -> None:
        """Takes the next decoded frame and the time it has in the source."""
        self._encode(self._clock.place(frame, time))

    def finish(self, until: float | None = None) -> None:
        """Completes all renditions, which last until that second at most.

        Raises:
            MediaError: If no frame has come.
        """
        self._encode(self._clock.last(until))
        if not self.frames:
            raise MediaError(MALFORMED)
        for encoder in self._encoders:
            encoder.finish()

    def renditions(self) -> tuple[VideoRendition, ...]:
        """What was made, smallest first."""
        return tuple(
            VideoRendition(
                name=encoder.rung.name,
                width=encoder.rung.width,
                height=encoder.rung.height,
                fps=self.frames / self.seconds,
                codecs=encoder.codecs(),
                timing=Timing.of(read_segments(encoder.track.folder), TICKS),
            )
            for encoder in self._encoders
        )

    def _encode(self, frame: VideoFrame | None) -> None:
        if frame is None:
            return
        self.frames += 1
        self.seconds = ((frame.pts or 0) + frame.duration) / TICKS
        for encoder, scaled in zip(self._encoders, self._scaler.scale(frame), strict=True):
            encoder.encode(scaled)
