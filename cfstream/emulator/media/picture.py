"""The shape of a picture: size as displayed, even numbers, and the turn that sets a frame upright."""

from fractions import Fraction
from typing import Final

from av.filter.context import FilterContext
from av.filter.graph import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

_QUARTER: Final = 90
# libav counts the rotation of a frame counter-clockwise.
_TURNS: Final = {90: ("transpose=cclock",), 180: ("hflip", "vflip"), 270: ("transpose=clock",)}


def pixel_aspect(stream: VideoStream) -> Fraction:
    """The width of one pixel over its height; 1 where the file does not say."""
    return Fraction(1) * (stream.sample_aspect_ratio or 1)


def rotation(frame: VideoFrame) -> int:
    """The counter-clockwise turn after which the frame is upright: 0, 90, 180 or 270."""
    return round(frame.rotation / _QUARTER) * _QUARTER % 360


def displayed(width: int, height: int, aspect: Fraction, turn: int) -> tuple[int, int]:
    """The size on screen of a coded picture."""
    wide = max(1, round(width * aspect))
    return (height, wide) if turn % 180 else (wide, height)


def even(value: float) -> int:
    """The nearest even number, at least 2: what subsampled colour needs."""
    return max(2, 2 * round(value / 2))


def even_floor(value: int) -> int:
    """The even number not above the value, at least 2."""
    return max(2, value - value % 2)


def chain(graph: Graph, node: FilterContext, *filters: str) -> FilterContext:
    """Adds filters, written as ``name=arguments``, behind a node."""
    for text in filters:
        name, _, arguments = text.partition("=")
        following = graph.add(name, arguments or None)
        node.link_to(following)
        node = following
    return node


def upright(graph: Graph, frame: VideoFrame, time_base: Fraction, turn: int) -> tuple[FilterContext, FilterContext]:
    """Begins a graph for frames like this one: where they go in, and where they come out upright."""
    entrance = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=time_base)
    return entrance, chain(graph, entrance, *_TURNS.get(turn, ()))
