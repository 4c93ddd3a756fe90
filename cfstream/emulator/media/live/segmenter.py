"""A broadcast cut into live HLS, nothing encoded again."""

import os
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from cfstream.emulator.media.containers import AnyPacket
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.live.boxes import BoxSplitter
from cfstream.emulator.media.live.files import RECORDING
from cfstream.emulator.media.live.playlist import LivePlaylist

GOP_OUT_OF_RANGE: Final = "ERR_GOP_OUT_OF_RANGE"
RAREST_KEY: Final = 20.0
"""Seconds from one key frame to the next; the service asks for 2 to 8, and what lies between is held in memory."""

_LARGEST_GOP: Final = 64 * 1024 * 1024
_SHORTEST: Final = 2.0
"""Seconds; segments end with the first key frame after so much."""
_INPUT: Final = {"format_whitelist": "flv", "fpsprobesize": "0"}
_OUTPUT: Final = {"movflags": "empty_moov+default_base_moof+frag_keyframe+skip_trailer", "flush_packets": "1"}


def broadcast(source: BinaryIO, folder: Path, name: str) -> None:
    """Makes HLS of a stream in FLV until it ends.

    Args:
        source: The stream.
        folder: Where the files go.
        name: By what players ask for them.

    Raises:
        MediaError: Key frames are too rare, or it is no FLV.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / RECORDING).open("wb", buffering=0) as kept:
        try:
            with av.open(_Tee(source, kept), "r", format="flv", options=_INPUT) as container:
                _segment(container, folder, name)
        except av.error.FFmpegError as error:
            raise MediaError(UNKNOWN, "The broadcast could not be read.") from error


class _Tee:
    """Reads what is there, as soon as it is there, and keeps a copy."""

    def __init__(self, source: BinaryIO, copy: Any) -> None:
        self._source = source.fileno()
        self._copy = copy

    def read(self, size: int) -> bytes:
        data = os.read(self._source, size)
        self._copy.write(data)
        return data


def _segment(source: InputContainer, folder: Path, name: str) -> None:
    boxes = BoxSplitter()
    with av.open(boxes, "w", format="mp4", options=_OUTPUT) as output:
        copies = {stream.index: output.add_stream_from_template(stream) for stream in source.streams}
        output.start_encoding()
        playlist = LivePlaylist(folder, name, bytes(boxes.opening), _info(source))
        cutter = _Cutter(boxes, playlist)
        try:
            for packet in rising(source):
                cutter.see(packet)
                packet.stream = copies[packet.stream.index]
                output.mux_one(packet)
                cutter.cut()
            output.close()
            cutter.finish()
        finally:
            playlist.end()


def rising(source: InputContainer) -> Iterator[AnyPacket]:
    """The packets of a broadcast, without those that would go back in time."""
    latest: dict[int, Fraction] = {}
    for packet in source.demux(*source.streams):
        if packet.dts is None:  # the end
            return
        time, index = packet.dts * packet.time_base, packet.stream.index
        if not packet.is_corrupt and time > latest.get(index, Fraction(-1)):
            latest[index] = time
            yield packet


class _Cutter:
    """Puts the fragments, each from one key frame to the next, together to segments."""

    def __init__(self, boxes: BoxSplitter, playlist: LivePlaylist) -> None:
        self._boxes = boxes
        self._playlist = playlist
        self._keys: deque[float] = deque()
        self._end = 0.0
        self._weight = 0
        self._waiting = bytearray()
        self._seconds = 0.0

    def see(self, packet: AnyPacket) -> None:
        """Takes note of the next packet.

        Raises:
            MediaError: The last key frame was too long ago.
        """
        time = float((packet.pts or 0) * packet.time_base)
        # Also a key frame can come too late: its time may be wrong, or frames were lost.
        is_late = bool(self._keys) and time - self._keys[-1] > RAREST_KEY
        if packet.stream.type == "video":
            self._end = max(self._end, time + float((packet.duration or 0) * packet.time_base))
            if packet.is_keyframe:
                self._keys.append(time)
                self._weight = 0
        self._weight += packet.size
        if is_late or self._weight > _LARGEST_GOP:
            raise MediaError(GOP_OUT_OF_RANGE, "Input GOP size or keyframe interval is out of range.")

    def cut(self) -> None:
        """Publishes what has become a whole segment."""
        for fragment in self._boxes.take():
            start = self._keys.popleft()
            self._waiting += fragment
            self._seconds += (self._keys[0] if self._keys else self._end) - start
            if self._seconds >= _SHORTEST:
                self._publish()

    def finish(self) -> None:
        """Publishes the rest, however short."""
        self.cut()
        if self._waiting:
            self._publish()

    def _publish(self) -> None:
        self._playlist.add(bytes(self._waiting), self._seconds)
        self._waiting.clear()
        self._seconds = 0.0


def _info(source: InputContainer) -> str:
    """What the master playlist says beside the bandwidth."""
    video = next(stream for stream in source.streams if isinstance(stream, VideoStream))
    context = video.codec_context
    codecs = ",".join(_codec(stream) for stream in source.streams)
    return f'RESOLUTION={context.width}x{context.height},CODECS="{codecs}"'


def _codec(stream: Stream) -> str:
    extra = stream.codec_context.extradata or b""
    if isinstance(stream, AudioStream):
        # The first five bits say which AAC it is.
        return f"mp4a.40.{(extra[0] >> 3) if extra else 2}"
    return f"avc1.{extra[1:4].hex().upper()}"
