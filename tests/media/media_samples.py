"""Small videos of every awkward kind, made on the spot."""

import heapq
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.filter.graph import Graph
from av.video.frame import VideoFrame

HALVES = ("color=c=blue", "drawbox=x=0:y=0:w=iw/2:h=ih:color=red:t=fill")
MOVING = ("testsrc2",)


def make(
    path: Path,
    *,
    size: tuple[int, int] = (160, 90),
    seconds: float = 2.0,
    fps: int = 30,
    codec: str | None = "libx264",
    container: str = "mp4",
    options: dict[str, str] | None = None,
    pattern: tuple[str, ...] = MOVING,
    rotation: int = 0,
    aspect: Fraction = Fraction(1),
    times: Iterable[float] | None = None,
    pixels: str = "yuv420p",
    audio: str | None = None,
    layout: str = "stereo",
    audio_delay: float = 0.0,
) -> Path:
    with av.open(str(path), "w", format=container, options=options or {}) as output:
        tracks = []
        if codec is not None:
            video: Any = output.add_stream(codec, rate=fps)
            video.width, video.height, video.pix_fmt = *size, pixels
            video.codec_context.sample_aspect_ratio = aspect
            video.codec_context.max_b_frames = 0
            if codec == "libx264":
                video.codec_context.options = {"preset": "ultrafast"}
            if times is not None:
                video.codec_context.time_base = Fraction(1, 1000)
            if rotation:
                video.set_display_rotation(rotation)
            frames = _video_frames(pattern, size, seconds, fps, pixels)
            tracks.append(_encode(video, frames if times is None else _retimed(frames, times)))
        if audio is not None:
            sound: Any = output.add_stream(audio, rate=48000)
            sound.layout = layout
            tracks.append(_encode(sound, sound_frames(seconds, sound.format.name, layout, audio_delay)))
        for packet in heapq.merge(*tracks, key=lambda each: each.dts * each.time_base):
            output.mux_one(packet)
    return path


def _video_frames(
    pattern: tuple[str, ...], size: tuple[int, int], seconds: float, fps: int, pixels: str
) -> Iterator[VideoFrame]:
    joint = ":" if "=" in pattern[0] else "="
    source = f"{pattern[0]}{joint}size={size[0]}x{size[1]}:rate={fps}:duration={seconds}"
    return _generated(source, *pattern[1:], f"format={pixels}", "buffersink")


def sound_frames(seconds: float, form: str = "fltp", layout: str = "stereo", delay: float = 0.0) -> Iterator[Any]:
    source = f"sine=sample_rate=48000:duration={seconds}"
    for frame in _generated(source, f"aformat={form}:48000:{layout}", "abuffersink"):
        frame.pts += round(delay * 48000)
        yield frame


def _generated(*filters: str) -> Iterator[Any]:
    graph = Graph()
    nodes = []
    for text in filters:
        name, _, arguments = text.partition("=")
        nodes.append(graph.add(name, arguments or None))
    graph.link_nodes(*nodes).configure()
    while True:
        try:
            yield nodes[-1].pull()
        except EOFError:
            return


def _retimed(frames: Iterable[Any], times: Iterable[float]) -> Iterator[Any]:
    for frame, time in zip(frames, times, strict=False):
        frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
        yield frame


def _encode(stream: Any, frames: Iterable[Any]) -> Iterator[Any]:
    for frame in frames:
        yield from stream.encode(frame)
    yield from stream.encode(None)


def decoded(path: Path) -> list[VideoFrame]:
    """All frames of a video file or media playlist."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def colour(frame: VideoFrame, x: float, y: float) -> str:
    """The main colour of a frame at a place given in shares of its size."""
    picture = frame.reformat(format="rgb24")
    plane = picture.planes[0]
    at = int(y * picture.height) * plane.line_size + int(x * picture.width) * 3
    red, green, blue = bytes(plane)[at : at + 3]
    if max(red, green, blue) < 60:
        return "black"
    return {red: "red", green: "green", blue: "blue"}[max(red, green, blue)]


def corrupt(path: Path) -> Path:
    """Overwrites all picture and sound data of an MP4 and keeps its index."""
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    moov = data.index(b"moov") - 4
    end = moov if moov > start else len(data)
    data[start:end] = bytes((7 * n * n + 13) % 251 for n in range(end - start))
    path.write_bytes(data)
    return path
