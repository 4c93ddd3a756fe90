"""Small videos of every awkward kind, made on the spot."""

import heapq
import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import attrs
import av
from av.filter.graph import Graph
from av.video.frame import VideoFrame

HALVES = ("color=c=blue", "drawbox=x=0:y=0:w=iw/2:h=ih:color=red:t=fill")
MOVING = ("testsrc2",)
GREY = ("color=c=gray",)
NUMBERS = ("numbers",)
"""Each picture shows its number, which can be read again after any encoding."""

_BITS, _BLOCK = 10, 32


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
    tone: int = 440,
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
            count = round(seconds * fps)
            frames = numbers(count, fps) if pattern is NUMBERS else _video_frames(pattern, size, seconds, fps, pixels)
            tracks.append(_encode(video, frames if times is None else _retimed(frames, times)))
        if audio is not None:
            sound: Any = output.add_stream(audio, rate=48000)
            sound.layout = layout
            tracks.append(_encode(sound, sound_frames(seconds, sound.format.name, layout, audio_delay, tone)))
        for packet in heapq.merge(*tracks, key=lambda each: each.dts * each.time_base):
            output.mux_one(packet)
    return path


def _video_frames(
    pattern: tuple[str, ...], size: tuple[int, int], seconds: float, fps: int, pixels: str
) -> Iterator[VideoFrame]:
    joint = ":" if "=" in pattern[0] else "="
    source = f"{pattern[0]}{joint}size={size[0]}x{size[1]}:rate={fps}:duration={seconds}"
    return _generated(source, *pattern[1:], f"format={pixels}", "buffersink")


def sound_frames(
    seconds: float, form: str = "fltp", layout: str = "stereo", delay: float = 0.0, tone: int = 440
) -> Iterator[Any]:
    source = f"sine=frequency={tone}:sample_rate=48000:duration={seconds}"
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


@attrs.frozen
class Odd:
    """An awkward video: how it is made, and how large, how long and how loud it is afterwards."""

    kinds: Mapping[str, Any]
    size: tuple[int, int] = (160, 90)
    seconds: float = 1.0
    audio: bool = False


ODD: Mapping[str, Odd] = {
    "webm of vp8 and opus": Odd({"container": "webm", "codec": "libvpx", "audio": "libopus"}, audio=True),
    "webm of a browser, without a length": Odd({"container": "webm", "codec": "libvpx", "options": {"live": "1"}}),
    "avi of mpeg4 and mp3": Odd({"container": "avi", "codec": "mpeg4", "audio": "mp3"}, audio=True),
    "mov with raw sound": Odd({"container": "mov", "audio": "pcm_s16le"}, audio=True),
    "transport stream": Odd({"container": "mpegts", "audio": "aac"}, audio=True),
    "program stream": Odd({"container": "mpeg", "codec": "mpeg2video", "audio": "mp2"}, audio=True),
    "flash": Odd({"container": "flv", "audio": "aac"}, audio=True),
    "telephone of old": Odd({"container": "3gp", "codec": "mpeg4", "audio": "aac"}, audio=True),
    "mp4 in fragments": Odd({"options": {"movflags": "frag_keyframe+empty_moov"}, "audio": "aac"}, audio=True),
    "hevc": Odd({"codec": "libx265"}),
    "ten bits, full colour": Odd({"pixels": "yuv444p10le", "container": "matroska"}),
    "odd size": Odd({"size": (163, 91), "pixels": "yuv444p"}, size=(162, 90)),
    "one pixel too many": Odd({"size": (429, 241), "pixels": "yuv444p"}, size=(428, 240)),
    "very small": Odd({"size": (16, 16)}, size=(16, 16)),
    "upright": Odd({"size": (90, 160)}, size=(90, 160)),
    "turned left": Odd({"rotation": 90}, size=(90, 160)),
    "turned right": Odd({"rotation": -90}, size=(90, 160)),
    "upside down": Odd({"rotation": 180}),
    "wide pixels": Odd({"size": (144, 90), "aspect": Fraction(4, 3)}, size=(192, 90)),
    "narrow pixels, turned": Odd({"size": (160, 90), "aspect": Fraction(1, 2), "rotation": 90}, size=(90, 80)),
    "uneven times": Odd({"times": [0.0, 0.04, 0.1, 0.5, 0.51, 0.97], "container": "matroska"}, seconds=1.0),
    "one frame a second": Odd({"fps": 1, "seconds": 3}, seconds=3.0),
    "240 frames a second": Odd({"fps": 240}),
    "surround": Odd({"container": "matroska", "audio": "ac3", "layout": "5.1"}, audio=True),
    "one loudspeaker": Odd({"audio": "aac", "layout": "mono"}, audio=True),
    "sound that begins late": Odd({"audio": "aac", "audio_delay": 0.5}, audio=True),
}
"""By what is odd about them."""


def numbers(count: int, fps: int = 30) -> Iterator[VideoFrame]:
    """Pictures of 320 by 32 pixels that show their number in black and white blocks, the highest bit first."""
    for number in range(count):
        frame = VideoFrame(_BITS * _BLOCK, _BLOCK, "yuv420p")
        bits = [235 if number >> (_BITS - 1 - place) & 1 else 16 for place in range(_BITS)]
        row = b"".join(bytes([light]) * _BLOCK for light in bits)
        luma, *chroma = frame.planes
        luma.update(row.ljust(luma.line_size, b"\0") * _BLOCK)
        for plane in chroma:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts, frame.time_base = number, Fraction(1, fps)
        yield frame


def number_of(frame: VideoFrame) -> int:
    """The number that a picture shows, at any size and with anything above or below it."""
    grey = frame.reformat(format="gray")
    plane = grey.planes[0]
    middle = grey.height // 2 * plane.line_size
    row = bytes(plane)[middle : middle + grey.width]
    bits = [row[int((place + 0.5) * grey.width / _BITS)] > 128 for place in range(_BITS)]
    return sum(1 << (_BITS - 1 - place) for place, bit in enumerate(bits) if bit)


def image(path: Path, size: tuple[int, int] = (40, 20), rgba: tuple[int, int, int, int] = (255, 0, 0, 255)) -> Path:
    """A PNG of one colour."""
    frame = VideoFrame(*size, "rgba")
    frame.planes[0].update((bytes(rgba) * size[0]).ljust(frame.planes[0].line_size, b"\0") * size[1])
    encoder: Any = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = *size, "rgba", Fraction(1)
    path.write_bytes(b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)]))
    return path


def pixel(frame: VideoFrame, x: int, y: int) -> tuple[int, int, int]:
    """Red, green and blue of one pixel."""
    picture = frame.reformat(format="rgb24")
    plane = picture.planes[0]
    at = y * plane.line_size + x * 3
    red, green, blue = bytes(plane)[at : at + 3]
    return red, green, blue


def red_box(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of what is red."""
    picture = frame.reformat(format="rgb24")
    plane = picture.planes[0]
    data, wide = bytes(plane), plane.line_size
    found = [
        (x, y)
        for y in range(picture.height)
        for x in range(picture.width)
        if data[y * wide + x * 3] - data[y * wide + x * 3 + 1] > 60
    ]
    if not found:
        return None
    across, down = [x for x, _ in found], [y for _, y in found]
    return min(across), min(down), max(across) + 1, max(down) + 1


def tone_file(frequency: int, seconds: float = 3.0) -> bytes:
    """A WAV file with a tone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.wav"
        return make(path, codec=None, container="wav", audio="pcm_s16le", seconds=seconds, tone=frequency).read_bytes()


def samples_of(path: Path | str | BinaryIO, track: int = 0) -> list[float]:
    """The first channel of a sound track, of a file, a media playlist or an address."""
    with av.open(str(path) if isinstance(path, Path) else path, "r") as container:
        samples: list[float] = []
        for frame in container.decode(audio=track):
            floats = bytes(frame.planes[0])[: frame.samples * 4]
            samples += struct.unpack(f"<{frame.samples}f", floats)
        return samples


def pitch(samples: list[float], rate: int = 48000) -> float:
    """The frequency of a tone, from how often it crosses zero."""
    crossings = sum(before < 0 <= after for before, after in pairwise(samples))
    return crossings * rate / len(samples)


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
