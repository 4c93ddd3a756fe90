"""Opening of uploaded files: only video containers, only from disk, every failure as a reason code."""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, TypeAlias

import av
import av.error
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cfstream.emulator.media.errors import MALFORMED, NON_VIDEO, UNKNOWN, MediaError

# av's packets take a type parameter in its stubs only.
AnyPacket: TypeAlias = "Packet[Stream]"

THREADS: Final = min(4, os.cpu_count() or 1)
"""Enough for a development machine; each thread of a codec holds frames of its own in memory."""

# Only demuxers that never open a second file: a playlist (HLS, DASH, concat) under a video's name would
# otherwise make libav read whatever that playlist names.
_INPUT_OPTIONS: Final = {
    "format_whitelist": "mov,matroska,avi,flv,mpegts,mpeg,mxf,gxf,lxf",
    "protocol_whitelist": "file",
}
# Titles in old character sets are common; av 18 would refuse the file, av 19 reads on unasked.
_ANY_TITLE: Final[dict[str, Any]] = {"metadata_errors": "replace"} if av.__version__.startswith("18.") else {}
_STILLS: Final = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
_PICTURE_BRANDS: Final = {b"avif", b"heic", b"heix", b"mif1"}
_SIGNATURES: Final = (b"\x1aE\xdf\xa3", b"FLV\x01", b"\x00\x00\x01\xba", b"\x06\x0e+4")
_MOV_BOXES: Final = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
_TS_PACKET: Final = 188


@contextmanager
def open_source(path: Path, *, formats: str = "") -> Generator[InputContainer]:
    """Opens an uploaded file; what libav reports about it, then and in the block, becomes a MediaError.

    Args:
        path: The file.
        formats: Demuxers besides those of videos, with commas.

    Raises:
        OSError: If there is no such file or it cannot be read.
        MediaError: If the file is not a video or its data are broken.
    """
    head = _head(path)
    if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS:
        raise MediaError(NON_VIDEO)
    try:
        # The prefix keeps a name such as "concat:a|b" from being taken for a protocol.
        container = av.open(f"file:{path.absolute()}", "r", options=_options(formats), **_ANY_TITLE)
    except av.error.FFmpegError as error:
        raise MediaError(MALFORMED if _is_video_container(head) else NON_VIDEO) from error
    with container:
        try:
            yield container
        except av.error.FFmpegError as error:
            raise MediaError(MALFORMED if isinstance(error, av.error.InvalidDataError) else UNKNOWN) from error


def _options(formats: str) -> dict[str, str]:
    return {**_INPUT_OPTIONS, "format_whitelist": ",".join(filter(None, (_INPUT_OPTIONS["format_whitelist"], formats)))}


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(2 * _TS_PACKET)


def _is_video_container(head: bytes) -> bool:
    return (
        head.startswith(_SIGNATURES)
        or head[4:8] in _MOV_BOXES
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or (head[:1] == b"G" and head[_TS_PACKET : _TS_PACKET + 1] == b"G")
    )


def video_stream(container: InputContainer) -> VideoStream:
    """The picture of a file: its largest decodable video stream that is not a cover or a still.

    Raises:
        MediaError: If there is none.
    """
    found = [stream for stream in container.streams.video if _decodable(stream) and not stream.disposition & _STILLS]
    if not found:
        raise MediaError(NON_VIDEO)
    stream = max(found, key=lambda each: each.codec_context.width * each.codec_context.height)
    stream.codec_context.thread_type = "AUTO"
    stream.codec_context.thread_count = THREADS
    return stream


def audio_streams(container: InputContainer) -> list[av.AudioStream]:
    """The sound tracks of a file that can be decoded."""
    return [stream for stream in container.streams.audio if _decodable(stream)]


def _decodable(stream: Stream) -> bool:
    # The stub says a stream always has a context; one of an unknown codec has none.
    return getattr(stream, "codec_context", None) is not None


def packets(container: InputContainer, *streams: Stream) -> Iterator[AnyPacket]:
    """The packets of the streams, up to where the container breaks off."""
    try:
        yield from container.demux(*streams)
    except (av.error.FFmpegError, IndexError):
        # Broken lengths come out under any number; the other is av's, when a stream turned up late in a file.
        return


def decode(packet: AnyPacket) -> list[AudioFrame | VideoFrame] | None:
    """The frames that a packet completes, or None if it is broken."""
    try:
        frames = packet.decode()
    except av.error.FFmpegError:
        # Decoders report broken data under any number.
        return None
    return [frame for frame in frames if isinstance(frame, AudioFrame | VideoFrame)]


def frame_time(frame: AudioFrame | VideoFrame) -> Fraction | None:
    """When a decoded frame is due, on the source's own clock."""
    ticks = frame.dts if frame.pts is None else frame.pts
    return None if ticks is None or frame.time_base is None else ticks * frame.time_base


def start_time(*streams: Stream) -> Fraction:
    """The earliest time of the streams: the zero of everything made from them."""
    starts = [
        stream.start_time * stream.time_base
        for stream in streams
        if stream.start_time is not None and stream.time_base is not None
    ]
    return min(starts, default=Fraction(0))
