"""Stills of an encoded video, as JPEG, and short animations of it, as GIF, in a wanted size."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av
import av.error
from av.codec import CodecContext
from av.container import InputContainer
from av.filter.context import FilterContext
from av.filter.graph import Graph
from av.video.frame import VideoFrame

from cfstream.emulator.media import picture
from cfstream.emulator.media.clock import TIME_BASE
from cfstream.emulator.media.containers import decode, frame_time, packets
from cfstream.emulator.media.errors import MALFORMED, MediaError
from cfstream.emulator.media.files import whole
from cfstream.emulator.media.jobs import Fit
from cfstream.emulator.media.remux import best_rung, open_rendition

_MICROSECONDS: Final = 1_000_000
_GLIMPSE: Final = 20_000
_QUALITY: Final = {"qmin": "2", "qmax": "4"}
# The encoder looks for what changed by numbers in the palette, which mean another colour in another picture.
_WHOLE: Final = {"gifflags": "0"}
_HUNDREDTHS: Final = 100
"""Ticks of a GIF's clock in a second."""


def thumbnail(hls_dir: Path, *, time: float = 0.0, width: int = 640, height: int = 640, fit: Fit = "crop") -> bytes:
    """The picture that is shown at a time, as JPEG.

    Args:
        hls_dir: The folder of a finished encoding.
        time: Seconds from the start; past the end the last picture is taken.
        width: Width of the box, in pixels.
        height: Height of the box, in pixels.
        fit: How the picture goes into the box: ``crop`` fills it and cuts off the rest, ``clip`` keeps picture
            and shape so that one side may be shorter, ``scale`` distorts, ``fill`` keeps the picture on black.

    Raises:
        OSError: If the folder holds no finished video.
        MediaError: If it cannot be decoded.
    """
    with open_rendition(best_rung(hls_dir)) as container:
        frame = next(_shown(container, [Fraction(time)]))
    return _jpeg(next(_Still((width, height), fit).fit([frame])))


def animation(
    hls_dir: Path,
    target: Path,
    *,
    time: float = 0.0,
    duration: float = 5.0,
    fps: int = 8,
    width: int = 640,
    height: int = 640,
    fit: Fit = "crop",
) -> None:
    """Writes a part of a video as GIF, which begins again at its end.

    Args:
        hls_dir: The folder of a finished encoding.
        target: The file, which is written whole or not at all.
        time: Seconds from the start; past the end the last picture is taken.
        duration: Seconds, less where the video ends sooner.
        fps: Pictures in each second.
        width: As with ``thumbnail``.
        height: As with ``thumbnail``.
        fit: As with ``thumbnail``.

    Raises:
        OSError: If the folder holds no finished video.
        MediaError: If it cannot be decoded.
    """
    times = (Fraction(time) + Fraction(number, fps) for number in range(max(1, round(duration * fps))))
    with open_rendition(best_rung(hls_dir)) as container, whole(target) as part:
        _write_gif(part, _Animation((width, height), fit).fit(_shown(container, times)), fps)


def _shown(container: InputContainer, times: Iterable[Fraction]) -> Iterator[VideoFrame]:
    """What is on screen at the times, which rise: at least one picture, and none for times past the end."""
    wanted = iter(times)
    time: Fraction | None = next(wanted)
    _seek(container, time or Fraction(0))
    frame, given = None, False
    for frame, until in _spans(container):
        while time is not None and time < until:
            yield frame
            given, time = True, next(wanted, None)
        if time is None:
            return
    if frame is None:
        raise MediaError(MALFORMED)
    if not given:
        yield frame


def _seek(container: InputContainer, time: Fraction) -> None:
    # At the very end there would be no segment to begin with.
    latest = (container.duration or 0) - _GLIMPSE
    # Where there is no seeking, reading from the start gets there as well.
    with suppress(av.error.FFmpegError):
        container.seek(max(0, min(round(time * _MICROSECONDS), latest)), backward=True)


def _spans(container: InputContainer) -> Iterator[tuple[VideoFrame, Fraction]]:
    """The pictures, each with the time at which it leaves the screen."""
    shown: VideoFrame | None = None
    for packet in packets(container, container.streams.video[0]):
        for frame in decode(packet) or []:
            if isinstance(frame, VideoFrame):
                if shown is not None:
                    yield shown, frame_time(frame) or Fraction(0)
                shown = frame
    if shown is not None:
        yield shown, (frame_time(shown) or 0) + shown.duration * (shown.time_base or Fraction(0))


class _Still:
    """Puts pictures of one size into a box, ready for JPEG."""

    def __init__(self, box: tuple[int, int], fit: Fit) -> None:
        self._box = box
        self._fit: Fit = fit

    def fit(self, frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
        """One picture for each that is given."""
        graph, sink = Graph(), None
        for number, frame in enumerate(frames):
            sink = sink or self._build(graph, frame)
            frame.pts, frame.time_base = number, TIME_BASE
            graph.vpush(frame)
            yield from _ready(sink)
        graph.vpush(None)
        if sink is not None:
            yield from _ready(sink)

    def _build(self, graph: Graph, frame: VideoFrame) -> FilterContext:
        node = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=TIME_BASE)
        node = picture.chain(graph, node, *_filters((frame.width, frame.height), self._box, self._fit))
        sink = picture.chain(graph, self._finished(graph, node), "buffersink")
        graph.configure()
        return sink

    def _finished(self, graph: Graph, node: FilterContext) -> FilterContext:
        return picture.chain(graph, node, "scale=out_range=pc", "format=yuvj420p")


class _Animation(_Still):
    """The same for GIF, each picture with its own palette: one for all would mean to hold all of them in memory."""

    def _finished(self, graph: Graph, node: FilterContext) -> FilterContext:
        both = picture.chain(graph, node, "split=2")
        palette = graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
        both.link_to(palette, 0, 0)
        painted = graph.add("paletteuse", "new=1:dither=bayer")
        both.link_to(painted, 1, 0)
        palette.link_to(painted, 0, 1)
        return painted


def _ready(sink: FilterContext) -> Iterator[VideoFrame]:
    while True:
        try:
            yield cast(VideoFrame, sink.pull())
        except (BlockingIOError, EOFError):
            return


def _filters(shown: tuple[int, int], box: tuple[int, int], fit: Fit) -> list[str]:
    width, height = box
    if fit == "scale":
        return [f"scale={width}:{height}"]
    across, down = Fraction(width, shown[0]), Fraction(height, shown[1])
    factor = max(across, down) if fit == "crop" else min(across, down)
    inner = max(1, round(shown[0] * factor)), max(1, round(shown[1] * factor))
    scale = f"scale={inner[0]}:{inner[1]}"
    if fit == "clip":
        return [scale]
    if fit == "crop":
        return [scale, f"crop={width}:{height}:exact=1"]
    return [scale, "format=yuv444p", f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:black"]


def _jpeg(frame: VideoFrame) -> bytes:
    encoder = CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = _QUALITY
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def _write_gif(target: Path, frames: Iterable[VideoFrame], fps: int) -> None:
    with av.open(f"file:{target.absolute()}", "w", format="gif") as output:
        stream = None
        for number, frame in enumerate(frames):
            if stream is None:
                stream = output.add_stream("gif", rate=fps, options=_WHOLE)
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "pal8"
                stream.codec_context.time_base = Fraction(1, _HUNDREDTHS)
            frame.pts, frame.time_base = round(Fraction(number * _HUNDREDTHS, fps)), Fraction(1, _HUNDREDTHS)
            output.mux(stream.encode(frame))
        if stream is not None:
            output.mux(stream.encode(None))
