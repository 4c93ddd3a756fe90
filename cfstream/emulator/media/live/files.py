"""The files of a running broadcast in its folder; this process and the child that writes them agree on the names.

::

    video.m3u8              master playlist; it names the next one as live/<name of the broadcast>/stream.m3u8
    stream.m3u8             media playlist, a window that moves on
    init.mp4                the header every segment needs
    seg_00000.mp4 ...       the segments of the window, and those that left it not long ago
    recording.flv           what came in, byte for byte, until the recording is made of it
"""

from typing import Final

MASTER: Final = "video.m3u8"
ADDRESS: Final = "live"
"""Where players find the media, below the manifests."""
RECORDING: Final = "recording.flv"
