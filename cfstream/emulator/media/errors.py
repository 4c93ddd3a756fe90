"""The one exception of the media jobs, with the reason codes the service gives for an unusable video."""

from typing import Final

NON_VIDEO: Final = "ERR_NON_VIDEO"
MALFORMED: Final = "ERR_MALFORMED_VIDEO"
TOO_SHORT: Final = "ERR_DURATION_TOO_SHORT"
UNKNOWN: Final = "ERR_UNKNOWN"

_TEXTS: Final = {
    NON_VIDEO: "The file was not recognized as a valid video file.",
    MALFORMED: "The video was deemed to be corrupted or malformed.",
    TOO_SHORT: "The video is shorter than 0.1 seconds.",
    UNKNOWN: "The video could not be processed for an unknown reason.",
}


class MediaError(Exception):
    """A video that cannot be processed.

    Attributes:
        code: The service's reason code, such as ``ERR_NON_VIDEO``.
        text: The sentence that goes with it.
    """

    def __init__(self, code: str, text: str | None = None) -> None:
        self.code = code
        self.text = _TEXTS.get(code, _TEXTS[UNKNOWN]) if text is None else text
        super().__init__(self.code, self.text)

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"
