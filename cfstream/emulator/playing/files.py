"""Files as players get them: with their type, and kept by nobody where they can change."""

from pathlib import Path
from typing import Final

from aiohttp import web

from cfstream.emulator.answers import FRESH, not_found

_TYPES: Final = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".mp4": "video/mp4",
    ".vtt": "text/vtt",
}
_CHANGING: Final = (".m3u8", ".mpd", ".vtt")


def served(path: Path) -> web.FileResponse:
    """A file as the answer.

    Raises:
        Refused: 404, there is none, or none that players fetch.
    """
    if path.suffix not in _TYPES or not path.is_file():
        raise not_found("file")
    return web.FileResponse(path, headers=headers(path.suffix))


def headers(suffix: str) -> dict[str, str]:
    """The headers of such a file, by the end of its name."""
    typed = {"Content-Type": _TYPES[suffix]}
    return {**typed, **FRESH} if suffix in _CHANGING else typed
