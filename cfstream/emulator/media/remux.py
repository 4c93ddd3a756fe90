"""A finished HLS folder as one MP4, for downloads and browsers without HLS, with nothing encoded again."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer, OutputContainer

from cfstream.emulator.media.audio import FOLDER
from cfstream.emulator.media.containers import AnyPacket
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.mp4 import mux, new_mp4
from cfstream.emulator.media.track import PLAYLIST

_OPTIONS: Final = {"protocol_whitelist": "file,crypto", "format_whitelist": "hls,mov"}


def to_mp4(hls_dir: Path, target: Path, *, sound_only: bool = False) -> None:
    """Writes the best rung and the sound of an encoded video, or the sound alone, into one file, its index in front.

    Raises:
        OSError: If the folder holds no finished video.
        MediaError: If the sound alone is wanted and there is none.
    """
    folders = [] if sound_only else [_best_rung(hls_dir)]
    if (hls_dir / FOLDER / PLAYLIST).is_file():
        folders.append(hls_dir / FOLDER)
    if not folders:
        raise MediaError(UNKNOWN, "The video has no sound.")
    with ExitStack() as stack, new_mp4(target) as output:
        inputs = [stack.enter_context(_open(folder)) for folder in folders]
        mux(output, *[_copied(source, output) for source in inputs])


def _best_rung(hls_dir: Path) -> Path:
    rungs = [folder for folder in hls_dir.iterdir() if folder.name.isdecimal()]
    if not rungs:
        raise FileNotFoundError(f"no rendition in {hls_dir}")
    return max(rungs, key=lambda folder: int(folder.name))


def _open(folder: Path) -> InputContainer:
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
