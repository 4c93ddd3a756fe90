"""Proof that a video plays: a player's way through the manifest, the segments and the decoder."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs
import av
from av.container import InputContainer
from av.stream import Discard
from av.video.frame import VideoFrame

_PATIENCE: Final = 30.0
_FORMATS: Final = "hls,mov,webvtt"
_REMOTE: Final = {"protocol_whitelist": "http,tcp,crypto", "format_whitelist": _FORMATS}
_LOCAL: Final = {"protocol_whitelist": "file,crypto", "format_whitelist": _FORMATS}


@attrs.frozen(kw_only=True)
class PlaybackProof:
    """What came out of the decoders; ``seconds`` is the length of the picture."""

    frames: int
    seconds: float
    width: int
    height: int
    audio_frames: int


def decode_hls(url_or_path: str | Path, *, headers: Mapping[str, str] | None = None) -> PlaybackProof:
    """Plays the best rendition of an HLS manifest as fast as it decodes.

    Args:
        url_or_path: An ``http://`` address of a master or media playlist, or a file.
        headers: HTTP headers for every request.

    Raises:
        av.error.FFmpegError: If manifest, segments or frames cannot be had.
    """
    remote = isinstance(url_or_path, str) and url_or_path.startswith("http:")
    options = dict(_REMOTE if remote else _LOCAL)
    if headers and remote:
        options["headers"] = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    address = str(url_or_path) if remote else f"file:{Path(url_or_path).absolute()}"
    with av.open(address, "r", format="hls", options=options, timeout=_PATIENCE) as container:
        return _play(container)


def _play(container: InputContainer) -> PlaybackProof:
    video = max(container.streams.video, key=lambda each: each.width * each.height)
    played = [video, *container.streams.audio[:1]]
    for stream in container.streams:
        # Of what is discarded not even the segments are fetched.
        stream.discard = Discard.default if stream in played else Discard.all
    pictures = sounds = 0
    start, end = math.inf, 0.0
    for frame in container.decode(*played):
        if isinstance(frame, VideoFrame):
            pictures += 1
            start, end = min(start, frame.time), max(end, frame.time + _length(frame))
        else:
            sounds += 1
    return PlaybackProof(
        frames=pictures,
        seconds=max(0.0, end - start),
        width=video.codec_context.width,
        height=video.codec_context.height,
        audio_frames=sounds,
    )


def _length(frame: VideoFrame) -> float:
    return float(frame.duration * (frame.time_base or 0))
