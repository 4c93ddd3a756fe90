"""Whether a file holds sound that can be played."""

from itertools import islice
from pathlib import Path
from typing import Final

from cfstream.emulator.media.containers import audio_streams, decode, open_source, packets
from cfstream.emulator.media.errors import MALFORMED, MediaError

_FORMATS: Final = "mp3,wav,w64,aac,flac,ogg,aiff,ac3,eac3"
_NO_SOUND: Final = "The file was not recognized as a valid audio file."
_TRIES: Final = 1000
"""Packets that may fail before the file counts as broken."""


def check_sound(path: Path) -> None:
    """Decodes the first sound of a file; those of videos are good, too.

    Raises:
        OSError: If there is no such file or it cannot be read.
        MediaError: If there is none.
    """
    with open_source(path, formats=_FORMATS) as container:
        streams = audio_streams(container)[:1]
        if not any(decode(packet) for packet in islice(packets(container, *streams), _TRIES if streams else 0)):
            raise MediaError(MALFORMED, _NO_SOUND)
