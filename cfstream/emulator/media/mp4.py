"""Writing of one MP4 that plays while it downloads, whole or not at all."""

import heapq
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer

from cfstream.emulator.media.containers import AnyPacket
from cfstream.emulator.media.files import whole


@contextmanager
def new_mp4(target: Path) -> Generator[OutputContainer]:
    """Opens an MP4 with its index in front; it takes its name only when it is complete."""
    with whole(target) as part:
        address = f"file:{part.absolute()}"
        with av.open(address, "w", format="mp4", options={"movflags": "faststart"}) as container:
            yield container


def mux(container: OutputContainer, *tracks: Iterable[AnyPacket]) -> None:
    """Writes the packets of all tracks in the order of their times."""
    for packet in heapq.merge(*tracks, key=_decode_time):
        container.mux_one(packet)


def _decode_time(packet: AnyPacket) -> Fraction:
    return (packet.dts or 0) * packet.time_base
