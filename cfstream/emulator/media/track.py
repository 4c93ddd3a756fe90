"""One rendition on disk: an HLS playlist, its init file and its fragmented MP4 segments in a folder."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

import av
import av.error
from av.container import OutputContainer

from cfstream.emulator.media.containers import AnyPacket
from cfstream.emulator.media.segments import INIT, PLAYLIST, SEGMENT, SEGMENT_SECONDS

_OPTIONS: Final = {
    "hls_time": str(SEGMENT_SECONDS),
    "hls_playlist_type": "vod",
    "hls_segment_type": "fmp4",
    "hls_fmp4_init_filename": INIT,
    "hls_segment_filename": SEGMENT,
    "hls_flags": "independent_segments",
}


class TrackWriter:
    """Cuts the packets of one encoder into segments."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

        def io_open(name: str, flags: int, options: dict[str, str]) -> BinaryIO:  # noqa: ARG001  # av calls it so
            return (folder / name).open("wb")

        # libav takes a percent sign in a folder's name for a number; with bare names it sees no folder.
        self.container: OutputContainer = av.open(PLAYLIST, "w", format="hls", options=_OPTIONS, io_open=io_open)

    def write(self, packets: Iterable[AnyPacket]) -> None:
        """Takes the next packets."""
        for packet in packets:
            self.container.mux_one(packet)

    def finish(self) -> None:
        """Writes the last segment and the playlist."""
        self.container.close()

    def abandon(self) -> None:
        """Lets go of the files of a rendition that will not be finished; after ``finish`` it does nothing."""
        with suppress(av.error.FFmpegError, OSError):
            self.container.close()
