"""A finished broadcast as the file that a normal upload would have been."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import av.error

from cfstream.emulator.media.containers import AnyPacket
from cfstream.emulator.media.errors import MALFORMED, MediaError
from cfstream.emulator.media.live.segmenter import RAREST_KEY, rising
from cfstream.emulator.media.mp4 import new_mp4


def record(source: Path, target: Path) -> None:
    """Writes what came in, as far as it came without a leap in time, into an MP4; nothing is encoded again.

    Raises:
        OSError: If the source cannot be read or the target not written.
        MediaError: If no picture came.
    """
    try:
        with (
            av.open(f"file:{source.absolute()}", "r", format="flv", options={"format_whitelist": "flv"}) as broadcast,
            new_mp4(target) as output,
        ):
            copies = {stream.index: output.add_stream_from_template(stream) for stream in broadcast.streams}
            for packet in _until_leap(rising(broadcast)):
                packet.stream = copies[packet.stream.index]
                output.mux_one(packet)
    except av.error.FFmpegError as error:
        raise MediaError(MALFORMED) from error


def _until_leap(packets: Iterable[AnyPacket]) -> Iterator[AnyPacket]:
    """The packets before a gap that ends a broadcast; with it, one frame would be shown for as long as it lasts."""
    latest = None
    for packet in packets:
        time = (packet.pts or 0) * packet.time_base
        if latest is not None and time - latest > RAREST_KEY:
            return
        latest = time if latest is None else max(latest, time)
        yield packet
