"""Watermarks: an image laid over the picture before it is encoded, so that everything made of the video shows it."""

import struct
from typing import Final

import av
import av.error
from av.filter.context import FilterContext
from av.filter.graph import Graph
from av.video.frame import VideoFrame

from cfstream.emulator.media import picture
from cfstream.emulator.media.clock import TIME_BASE
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.jobs import Mark

_UNREADABLE: Final = "The image of the watermark cannot be read."
_OPTIONS: Final = {"format_whitelist": "png_pipe", "protocol_whitelist": "file"}
# A small file may unpack to a picture of any size.
_HEADER: Final = 24
_SIZE: Final = struct.Struct(">II")
_MOST_PIXELS: Final = 50_000_000


class Stamp:
    """One image that is laid over every picture of a video."""

    def __init__(self, mark: Mark) -> None:
        self._mark = mark
        self._image = _read(mark)
        self._entrance: FilterContext | None = None

    def lay(self, graph: Graph, node: FilterContext, size: tuple[int, int], shrunk: float) -> FilterContext:
        """Adds the image to a graph.

        Args:
            graph: where to.
            node: what gives the picture, in yuv420p.
            size: of that picture.
            shrunk: the size of that picture over the size of the uploaded one.

        Returns:
            What gives the picture with the image.
        """
        image = self._image
        width, height = _scaled((image.width, image.height), size, self._mark.scale, shrunk)
        self._entrance = graph.add_buffer(
            width=image.width, height=image.height, format=image.format, time_base=TIME_BASE
        )
        drawn = picture.chain(
            graph,
            self._entrance,
            f"scale={width}:{height}:flags=bicubic",
            "format=rgba",
            f"colorchannelmixer=aa={self._mark.opacity:.6f}",
        )
        x, y = _place(self._mark, size, (width, height))
        overlay = graph.add("overlay", f"x={x}:y={y}:format=yuv420:eof_action=repeat")
        node.link_to(overlay, 0, 0)
        drawn.link_to(overlay, 0, 1)
        return picture.chain(graph, overlay, "format=yuv420p")

    def begin(self) -> None:
        """Gives the image to the graph, once that is complete; it stays for all pictures."""
        if self._entrance is not None:
            self._entrance.push(self._image)
            self._entrance.push(None)


def _read(mark: Mark) -> VideoFrame:
    try:
        with mark.image.open("rb") as file:
            width, height = _SIZE.unpack_from(file.read(_HEADER), _HEADER - _SIZE.size)
        if width * height > _MOST_PIXELS:
            raise MediaError(UNKNOWN, _UNREADABLE)
        with av.open(f"file:{mark.image.absolute()}", "r", format="png_pipe", options=_OPTIONS) as container:
            image = next(container.decode(video=0))
    except (av.error.FFmpegError, OSError, IndexError, StopIteration, struct.error) as error:
        raise MediaError(UNKNOWN, _UNREADABLE) from error
    image.pts, image.time_base = 0, TIME_BASE
    return image


def _scaled(image: tuple[int, int], size: tuple[int, int], scale: float, shrunk: float) -> tuple[int, int]:
    """The size of the image on a picture: it keeps its shape, and a scale of 1 touches two edges."""
    factor = min(scale * size[0] / image[0], scale * size[1] / image[1]) if scale else shrunk
    return max(1, round(image[0] * factor)), max(1, round(image[1] * factor))


def _place(mark: Mark, size: tuple[int, int], image: tuple[int, int]) -> tuple[int, int]:
    """The upper left corner of the image."""
    across = _offset(size[0] - image[0], mark.padding * size[0], far=mark.position.endswith("Right"))
    down = _offset(size[1] - image[1], mark.padding * size[1], far=mark.position.startswith("lower"))
    if mark.position == "center":
        return (size[0] - image[0]) // 2, (size[1] - image[1]) // 2
    return across, down


def _offset(room: int, padding: float, *, far: bool) -> int:
    # However much padding is wished for, the image stays in the picture.
    space = min(round(padding), max(0, room))
    return room - space if far else space
