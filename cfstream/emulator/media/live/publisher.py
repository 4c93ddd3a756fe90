"""The child process that plays a broadcaster: a moving picture and a tone, sent by RTMP as time goes by.

It reads one line of JSON from standard input, the fields of ``Wanted``: the address in it holds a stream key, which
has no place on a command line. It says ``{"event": "publishing"}`` once it is let in, and ends when its input does.
"""

import heapq
import json
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Final

import attrs
import av
import av.error

from cfstream.emulator.media import worker
from cfstream.emulator.media.containers import AnyPacket
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.testvideo import picture, tone

_LONGEST: Final = 7 * 24 * 3600.0
"""Seconds; the service cuts broadcasts there."""


def _size(given: Sequence[int]) -> tuple[int, int]:
    width, height = given
    return width, height


@attrs.frozen(kw_only=True)
class Wanted:
    """What is sent where, and how fast."""

    url: str = attrs.field(repr=False)
    seconds: float | None = None
    """How long; without an end, if None."""
    speed: float | None = 1.0
    """Seconds of the picture in one of time; as fast as it goes, if None."""
    size: tuple[int, int] = attrs.field(default=(640, 360), converter=_size)
    fps: int = 30
    key_every: float = 1.0
    """Seconds from one key frame to the next."""
    audio: bool = True


def main() -> int:
    """Broadcasts what the first line of the input says and returns the exit status."""
    signal.signal(signal.SIGTERM, _stop)
    wanted = Wanted(**json.loads(sys.stdin.readline()))
    worker.end_with_parent()
    worker.be_modest()
    try:
        publish(wanted)
    except av.error.FFmpegError as error:
        return worker.fail(MediaError(UNKNOWN, f"The broadcast was not taken: {error.strerror}"))
    except _StoppedError:
        pass
    worker.emit("done")
    return 0


class _StoppedError(Exception):
    """It was told to stop."""


def _stop(*_: object) -> None:
    raise _StoppedError


def publish(wanted: Wanted) -> None:
    """Sends the broadcast.

    Raises:
        av.error.FFmpegError: The server refuses the key, ends the connection, or is not there.
    """
    seconds = _LONGEST if wanted.seconds is None else wanted.seconds
    keys = max(1, round(wanted.key_every * wanted.fps))
    with av.open(wanted.url, "w", format="flv", options={"flvflags": "no_duration_filesize"}) as output:
        tracks = [picture(output, seconds, wanted.size, wanted.fps, keys)]
        if wanted.audio:
            tracks.append(tone(output, seconds))
        output.start_encoding()
        worker.emit("publishing")
        start = time.monotonic()
        # Told to stop, it still says goodbye to the server.
        with suppress(_StoppedError):
            for packet in heapq.merge(*tracks, key=_due):
                if wanted.speed is not None:
                    time.sleep(max(0.0, start + float(_due(packet)) / wanted.speed - time.monotonic()))
                output.mux_one(packet)


def _due(packet: AnyPacket) -> Fraction:
    return (packet.dts or 0) * packet.time_base


if __name__ == "__main__":
    sys.exit(main())
