"""A finished HLS folder as one MP4, for downloads and browsers without HLS, with nothing encoded again."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer, OutputContainer

from cfstream.emulator.media.containers import AnyPacket
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.mp4 import mux, new_mp4
from cfstream.emulator.media.segments import PLAYLIST

_OPTIONS: Final = {"protocol_whitelist": "file,crypto", "format_whitelist": "hls,mov"}


def to_mp4(hls_dir: Path, target: Path, *, sound: str | None = None, sound_only: bool = False) -> None:
    """Writes the best rung and a sound of an encoded video, or the sound alone, into one file, its index in front.

    Args:
        hls_dir: The folder of a finished encoding.
        target: The file, which is written whole or not at all.
        sound: The folder of the sound, in that of the encoding.
        sound_only: Whether the picture is left out.

    Raises:
        OSError: If the folder holds no finished video.
        MediaError: If the sound alone is wanted and there is none.
    """
    folders = [] if sound_only else [best_rung(hls_dir)]
    if sound is not None:
        folders.append(hls_dir / sound)
    if not folders:
        raise MediaError(UNKNOWN, "The video has no sound.")
    with ExitStack() as stack, new_mp4(target) as output:
        inputs = [stack.enter_context(open_rendition(folder)) for folder in folders]
        mux(output, *[_copied(source, output) for source in inputs])


def best_rung(hls_dir: Path) -> Path:
    """The folder of the largest size.

    Raises:
        OSError: If there is none.
    """
    rungs = [folder for folder in hls_dir.iterdir() if folder.name.isdecimal()]
    if not rungs:
        raise FileNotFoundError(f"no rendition in {hls_dir}")
    return max(rungs, key=lambda folder: int(folder.name))


def open_rendition(folder: Path) -> InputContainer:
    """Opens one rendition for reading."""
    return av.open(f"file:{(folder / PLAYLIST).absolute()}", "r", format="hls", options=_OPTIONS)


def _copied(source: InputContainer, output: OutputContainer) -> Iterator[AnyPacket]:
    stream = source.streams[0]
    copy = output.add_stream_from_template(stream)

    def moved() -> Iterator[AnyPacket]:
        for packet in source.demux(stream):
            # The demuxer ends with an empty packet.
            if packet.dts is not None:
                packet.stream = copy
                yield packet

    return moved()
