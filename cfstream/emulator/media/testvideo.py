"""A moving test picture with a tone, made from nothing: for the demo and for tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from av.container import OutputContainer
from av.filter.graph import Graph
from av.video.frame import PictureType, VideoFrame

from cfstream.emulator.media.containers import AnyPacket
from cfstream.emulator.media.mp4 import mux, new_mp4
from cfstream.emulator.media.picture import chain

_RATE = 48_000


def make_test_video(
    path: Path, *, seconds: float = 4, size: tuple[int, int] = (1280, 720), fps: int = 30, audio: bool = True
) -> None:
    """Writes an MP4 of the given length and size (even numbers): a moving picture and a tone of 440 Hz."""
    with new_mp4(path) as container:
        tracks = [picture(container, seconds, size, fps)]
        if audio:
            tracks.append(tone(container, seconds))
        mux(container, *tracks)


def picture(
    container: OutputContainer, seconds: float, size: tuple[int, int], fps: int, key_every: int | None = None
) -> Iterator[AnyPacket]:
    """The moving picture, encoded.

    All frames are key frames, or each of that number where there is one; nothing is held back for later.
    """
    options = {"preset": "ultrafast", "crf": "26"}
    if key_every is not None:
        options |= {"tune": "zerolatency", "g": str(key_every)}
    stream = container.add_stream("libx264", rate=fps, options=options)
    stream.width, stream.height = size
    source = f"testsrc2=size={size[0]}x{size[1]}:rate={fps}:duration={seconds}"

    def encode(frame: VideoFrame | None) -> list[AnyPacket]:
        if frame is not None and key_every is not None:
            # The source calls each of its frames one, which would be forced on the encoder.
            frame.pict_type = PictureType.NONE
        return stream.encode(frame)

    return _encode(encode, source, "format=yuv420p", "buffersink")


def tone(container: OutputContainer, seconds: float) -> Iterator[AnyPacket]:
    """The tone, encoded."""
    stream = container.add_stream("aac", rate=_RATE)
    stream.layout = "mono"
    return _encode(stream.encode, f"sine=sample_rate={_RATE}:duration={seconds}", "aformat=fltp", "abuffersink")


def _encode(encode: Callable[[Any], list[AnyPacket]], source: str, *filters: str) -> Iterator[AnyPacket]:
    graph = Graph()
    name, _, arguments = source.partition("=")
    sink = chain(graph, graph.add(name, arguments), *filters)
    graph.configure()
    while True:
        try:
            frame = sink.pull()
        except EOFError:
            break
        yield from encode(frame)
    yield from encode(None)
