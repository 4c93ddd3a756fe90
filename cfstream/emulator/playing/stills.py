"""Thumbnails: stills and short animations of a video, made when they are first asked for."""

import asyncio
import re
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from cfstream.emulator.access.viewing import ready
from cfstream.emulator.answers import BAD_REQUEST, Refused, bad_request
from cfstream.emulator.checks import digits
from cfstream.emulator.media.jobs import Fit, GifJob, ThumbnailJob
from cfstream.emulator.playing.playback import made
from cfstream.emulator.service import SERVICE, Service

_TIME: Final = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7}(?:\.\d{1,6})?)s?)?")
_FITS: Final[dict[str, Fit]] = {"crop": "crop", "clip": "clip", "scale": "scale", "fill": "fill"}
_BOX: Final = "640"
_SMALLEST: Final = 10
_LARGEST, _LARGEST_MOVING = 2000, 1000
_LENGTH, _SHORTEST, _LONGEST = "5s", 0.1, 30
_FPS, _MOST_FPS = "8", 15
_MOST_PIXELS: Final = 60_000_000
"""In all pictures of an animation: some ten seconds of work."""
_LOOK: Final = 0.05
"""Seconds between two looks at whether a client is still there."""


async def still(request: web.Request) -> web.StreamResponse:
    """One picture, as JPEG."""
    service, video = request.app[SERVICE], ready(request, request.app[SERVICE])
    wishes = _wishes(request, video.thumbnail_pct, video.duration, _LARGEST)
    job = ThumbnailJob(
        hls_dir=service.library.hls(video.uid),
        target=service.library.still(video.uid, f"{_name(wishes)}.jpg"),
        **wishes,
    )
    return web.FileResponse(await _made(request, service, job), headers={"Content-Type": "image/jpeg"})


async def animation(request: web.Request) -> web.StreamResponse:
    """A few seconds, as GIF."""
    service, video = request.app[SERVICE], ready(request, request.app[SERVICE])
    wishes = _wishes(request, video.thumbnail_pct, video.duration, _LARGEST_MOVING)
    seconds = _seconds("duration", request.query.get("duration", _LENGTH))
    if not _SHORTEST <= seconds <= _LONGEST:
        raise bad_request(f"duration: must be from {_SHORTEST} to {_LONGEST} seconds")
    wishes |= {"duration": seconds, "fps": digits("fps", request.query.get("fps", _FPS), 1, _MOST_FPS)}
    _check_pixels(wishes, video.duration)
    job = GifJob(
        hls_dir=service.library.hls(video.uid),
        target=service.library.still(video.uid, f"{_name(wishes)}.gif"),
        **wishes,
    )
    return web.FileResponse(await _made(request, service, job), headers={"Content-Type": "image/gif"})


async def _made(request: web.Request, service: Service, job: ThumbnailJob) -> Path:
    """The file of a job, for as long as the client waits for it."""
    work = asyncio.ensure_future(made(service, job))
    try:
        # aiohttp does not tell a handler that its client has left, so this looks.
        while not work.done() and request.transport is not None:
            await asyncio.wait([work], timeout=_LOOK)
        if not work.done():
            raise Refused(408, (BAD_REQUEST, "The client has left"))
        return work.result()
    finally:
        work.cancel()


def _check_pixels(wishes: dict[str, Any], duration: float) -> None:
    seconds = min(wishes["duration"], max(0.0, duration - wishes["time"]))
    pictures = max(1, round(seconds * wishes["fps"]))
    if wishes["width"] * wishes["height"] * pictures > _MOST_PIXELS:
        raise bad_request(
            f"width, height, duration, fps: {pictures} pictures of this size have more than {_MOST_PIXELS:,} pixels"
        )


def _wishes(request: web.Request, share: float, duration: float, largest: int) -> dict[str, Any]:
    query = request.query
    time = _seconds("time", query["time"]) if "time" in query else share * duration
    width = digits("width", query.get("width", _BOX), _SMALLEST, largest)
    height = digits("height", query.get("height", _BOX), _SMALLEST, largest)
    fit = _FITS.get(query.get("fit", "crop"))
    if fit is None:
        raise bad_request(f"fit: must be one of {', '.join(_FITS)}")
    if height % 2:
        raise bad_request("height: must be even")
    return {"time": round(min(time, duration), 3), "width": width, "height": height, "fit": fit}


def _seconds(name: str, value: str) -> float:
    match = _TIME.fullmatch(value)
    if not value or match is None:
        raise bad_request(f"{name}: must be a time such as 8m, 5m2s or 1s")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _name(wishes: dict[str, Any]) -> str:
    return "-".join(str(value) for value in wishes.values())
