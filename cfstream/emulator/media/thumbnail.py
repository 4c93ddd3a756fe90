"""One still picture of a video, as JPEG of a wanted size."""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av.error
from av.codec import CodecContext
from av.container import InputContainer
from av.filter.graph import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cfstream.emulator.media import picture
from cfstream.emulator.media.clock import TIME_BASE
from cfstream.emulator.media.containers import decode, frame_time, open_source, packets, start_time, video_stream
from cfstream.emulator.media.errors import MALFORMED, MediaError
from cfstream.emulator.media.jobs import Fit

_MICROSECONDS: Final = 1_000_000
_QUALITY: Final = {"qmin": "2", "qmax": "4"}


def thumbnail(source: Path, *, time: float = 0.0, width: int = 640, height: int = 640, fit: Fit = "crop") -> bytes:
    """The frame shown at a time, upright, as JPEG.

    Args:
        source: The uploaded file.
        time: Seconds from the start; past the end the last frame is taken.
        width: Width of the box, in pixels.
        height: Height of the box, in pixels.
        fit: How the frame goes into the box: ``crop`` fills it and cuts off the rest, ``clip`` keeps frame
            and shape so that one side may be shorter, ``scale`` distorts, ``fill`` keeps the frame on black.

    Raises:
        OSError: If there is no such file or it cannot be read.
        MediaError: If the file is no usable video.
    """
    with open_source(source) as container:
        video = video_stream(container)
        frame = _frame_at(container, video, Fraction(max(0.0, time)))
        return _jpeg(_fitted(frame, picture.pixel_aspect(video), width, height, fit))


def _frame_at(container: InputContainer, video: VideoStream, time: Fraction) -> VideoFrame:
    wanted = start_time(video) + time
    if time and container.duration:
        end = Fraction((container.start_time or 0) + container.duration, _MICROSECONDS)
        _seek(container, min(wanted, end))
    shown = _last_before(container, video, wanted)
    if shown is None:
        # The place sought lies behind the last key frame the container knows of.
        _seek(container, start_time(video))
        shown = _last_before(container, video, wanted)
    if shown is None:
        raise MediaError(MALFORMED)
    return shown


def _seek(container: InputContainer, time: Fraction) -> None:
    # Where there is no seeking, decoding from the start gets there as well.
    with suppress(av.error.FFmpegError):
        container.seek(round(time * _MICROSECONDS), backward=True)


def _last_before(container: InputContainer, video: VideoStream, wanted: Fraction) -> VideoFrame | None:
    shown: VideoFrame | None = None
    for frame in _frames(container, video):
        if shown is not None and (frame_time(frame) or 0) > wanted:
            break
        shown = frame
    return shown


def _frames(container: InputContainer, video: VideoStream) -> Iterator[VideoFrame]:
    for packet in packets(container, video):
        yield from (frame for frame in decode(packet) or [] if isinstance(frame, VideoFrame))


def _fitted(frame: VideoFrame, aspect: Fraction, width: int, height: int, fit: Fit) -> VideoFrame:
    turn = picture.rotation(frame)
    shown = picture.displayed(frame.width, frame.height, aspect, turn)
    graph = Graph()
    node = picture.upright(graph, frame, TIME_BASE, turn)
    filters = _filters(shown, (width, height), fit)
    sink = picture.chain(graph, node, *filters, "scale=out_range=pc", "format=yuvj420p", "buffersink")
    graph.configure()
    graph.vpush(frame)
    graph.vpush(None)
    return cast(VideoFrame, sink.pull())


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
