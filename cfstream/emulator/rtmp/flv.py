"""FLV: the headers of what RTMP carries, and the file format that a player of such data reads."""

from typing import Final

import attrs

from cfstream.emulator.rtmp.session import Media

UNSUPPORTED_VIDEO: Final = "ERR_UNSUPPORTED_VIDEO_CODEC"
UNSUPPORTED_AUDIO: Final = "ERR_UNSUPPORTED_AUDIO_CODEC"

_H264, _AAC = 7, 10
_KEY_FRAME: Final = 1
_NEW_FORM: Final = 0x80
_HAS_AUDIO, _HAS_VIDEO = 4, 1
_TAG_AUDIO, _TAG_VIDEO = 8, 9
_TAG_HEADER: Final = 11


class CodecError(Exception):
    """What is published is neither H.264 nor AAC.

    Attributes:
        code: The service's reason code.
        text: The sentence that goes with it.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.text = f"The {'picture is not H.264' if code == UNSUPPORTED_VIDEO else 'sound is not AAC'}."
        super().__init__(code, self.text)


@attrs.frozen
class Headers:
    """What decoders must know before the first frame; those of one broadcast never change."""

    video: bytes = attrs.field(default=b"", repr=False)
    audio: bytes = attrs.field(default=b"", repr=False)

    def with_one(self, media: Media) -> "Headers":
        """The same with another header for the picture or the sound."""
        return attrs.evolve(self, video=media.body) if media.is_video else attrs.evolve(self, audio=media.body)


def check_codec(media: Media) -> None:
    """Make sure that it is H.264 or AAC.

    Raises:
        CodecError: it is something else.
    """
    if not media.body:
        return
    first = media.body[0]
    if media.is_video and (first & _NEW_FORM or first & 0x0F != _H264):
        raise CodecError(UNSUPPORTED_VIDEO)
    if not media.is_video and first >> 4 != _AAC:
        raise CodecError(UNSUPPORTED_AUDIO)


def is_header(media: Media) -> bool:
    """Whether it is a header of a decoder rather than a frame."""
    return media.body[1:2] == b"\x00"


def is_key_frame(media: Media) -> bool:
    """Whether a picture can begin with it."""
    return media.is_video and media.body[1:2] == b"\x01" and media.body[0] >> 4 == _KEY_FRAME


def opening(headers: Headers) -> bytes:
    """What a file begins with."""
    flags = _HAS_VIDEO | (_HAS_AUDIO if headers.audio else 0)
    start = b"FLV\x01" + bytes([flags]) + (9).to_bytes(4, "big") + bytes(4)
    video = Media(is_video=True, timestamp=0, body=headers.video)
    audio = Media(is_video=False, timestamp=0, body=headers.audio)
    return start + tag(video) + (tag(audio) if headers.audio else b"")


def tag(media: Media) -> bytes:
    """One message as it stands in a file."""
    size = len(media.body).to_bytes(3, "big")
    kind = _TAG_VIDEO if media.is_video else _TAG_AUDIO
    time = (media.timestamp & 0xFFFFFF).to_bytes(3, "big") + bytes([media.timestamp >> 24 & 0xFF])
    return bytes([kind]) + size + time + bytes(3) + media.body + (_TAG_HEADER + len(media.body)).to_bytes(4, "big")
