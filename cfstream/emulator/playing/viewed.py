"""How long videos were watched: counted from the segments of the picture that players fetched."""

import re
from typing import Final

import attrs
from aiohttp import web

from cfstream.emulator import times
from cfstream.emulator.media.segments import Timing
from cfstream.emulator.service import SERVICE
from cfstream.emulator.storage.records import READY, Video
from cfstream.emulator.storage.store import Store

NOWHERE: Final = "XX"
"""The country of a viewer of whom none is known."""

_KIND: Final = "viewed"
_SEGMENT: Final = re.compile(r"(?P<rendition>[^/]+)/seg_(?P<number>\d{5,9})\.mp4")


@attrs.frozen(kw_only=True)
class Viewed:
    """What was watched of one video in one country within one second."""

    instant: int
    """When that second began, in microseconds by the emulator's clock."""
    uid: str
    country: str
    """Two letters."""
    creator: str
    """Whose video it was; empty where that is not known."""
    media_type: str
    """``live`` during a broadcast, later and otherwise ``vod``; the service does not document its words."""
    seconds: float
    segments: int


def count(request: web.Request, video: Video, seconds: float) -> None:
    """Count a segment that somebody asked for; a second part of one is none of its own."""
    if request.method != "GET" or not request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
        return
    service = request.app[SERVICE]
    instant = service.library.now() // times.SECOND * times.SECOND
    country = service.control.viewer.country or NOWHERE
    creator = video.creator or ""
    media_type = "vod" if video.state == READY else "live"
    name = f"{instant} {video.uid} {country} {media_type} {creator}"
    before = service.library.store.get(_KIND, name) or {"seconds": 0.0, "segments": 0}
    row = Viewed(
        instant=instant,
        uid=video.uid,
        country=country,
        creator=creator,
        media_type=media_type,
        seconds=before["seconds"] + seconds,
        segments=before["segments"] + 1,
    )
    service.library.store.put(_KIND, name, attrs.asdict(row))


def rows(store: Store) -> list[Viewed]:
    """All that was watched; what was watched of a deleted video stays."""
    return [Viewed(**document) for document in store.all(_KIND)]


def seconds_of(path: str, timings: dict[str, Timing]) -> float | None:
    """The length of the segment that a path below the manifests names.

    Args:
        path: such as ``360/seg_00002.mp4``.
        timings: of the renditions of the picture, by name.

    Returns:
        None where it names something else, such as sound.
    """
    match = _SEGMENT.fullmatch(path)
    timing = None if match is None else timings.get(match["rendition"])
    if match is None or timing is None:
        return None
    number = int(match["number"])
    for length, repeats in timing.runs:
        if number < repeats:
            return length / timing.timescale
        number -= repeats
    return None
