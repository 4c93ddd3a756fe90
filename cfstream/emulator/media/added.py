"""Additional sound tracks: made as long as the video they belong to, beside its own renditions."""

from pathlib import Path
from typing import Final

from av.audio.frame import AudioFrame

from cfstream.emulator.media.audio import AudioEncoder
from cfstream.emulator.media.clock import Timeline
from cfstream.emulator.media.containers import audio_streams, decode, open_source, packets, start_time
from cfstream.emulator.media.errors import MALFORMED, MediaError
from cfstream.emulator.media.renditions import AudioRendition

_FORMATS: Final = "mp3,wav,w64,aac,flac,ogg,aiff,ac3,eac3"
_NO_SOUND: Final = "The file was not recognized as a valid audio file."


def encode_track(source: Path, out_dir: Path, seconds: float) -> AudioRendition:
    """Encodes the first sound of a file, also of a video; more of it is cut off, what is missing is silence.

    Args:
        source: The uploaded file.
        out_dir: The folder of the rendition, which is named like it.
        seconds: How long the rendition is to be.

    Raises:
        OSError: If the source cannot be read or the folder not written.
        MediaError: If there is no sound in the file.
    """
    with open_source(source, formats=_FORMATS) as container:
        streams = audio_streams(container)[:1]
        if not streams:
            raise MediaError(MALFORMED, _NO_SOUND)
        with AudioEncoder(Timeline(start_time(*streams), seconds), out_dir, seconds) as audio:
            for packet in packets(container, *streams):
                for frame in decode(packet) or []:
                    if isinstance(frame, AudioFrame):
                        audio.encode(frame)
                if audio.full:
                    break
            audio.finish()
            made = audio.rendition()
    if made is None:
        raise MediaError(MALFORMED, _NO_SOUND)
    return made
