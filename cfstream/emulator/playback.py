"""What players fetch: manifests, segments, stills, captions, one progressive MP4, and the player's own page."""

import re
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from cfstream.emulator import pages
from cfstream.emulator.answers import AUTHENTICATION, BAD_REQUEST, Refused, bad_request, not_found, unauthorized
from cfstream.emulator.checks import LANGUAGE, UID, digits
from cfstream.emulator.media.errors import MediaError
from cfstream.emulator.media.jobs import Fit, Mp4Job, ThumbnailJob
from cfstream.emulator.records import ERROR, READY, Video
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.tokens import TokenError

_TYPES: Final = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".mp4": "video/mp4",
    ".m4s": "video/iso.segment",
    ".vtt": "text/vtt",
}
_PATH: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,3}")
_TIME: Final = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7}(?:\.\d{1,6})?)s?)?")
_FITS: Final[dict[str, Fit]] = {"crop": "crop", "clip": "clip", "scale": "scale", "fill": "fill"}
_SMALLEST, _LARGEST = 10, 2000
_BOX = "640"


def watched(request: web.Request, service: Service, claim: str | None = None) -> Video:
    """The video that the first part of a path names, by uid or by a token for it.

    Args:
        request: what is asked for.
        service: the emulator.
        claim: what the token of a protected video must allow besides.

    Raises:
        Refused: there is none, or it needs a token, or another one.
    """
    key = request.match_info["key"]
    claims: dict[str, Any] = {"sub": key}
    if "." in key:
        try:
            claims = service.signer.check(key)
        except TokenError as error:
            raise unauthorized() from error
    uid = str(claims.get("sub"))
    video = service.library.get(uid) if UID.fullmatch(uid) else None
    if video is None:
        raise not_found("video")
    if video.require_signed_urls and uid == key:
        raise unauthorized()
    if video.require_signed_urls and claim is not None and claims.get(claim) is not True:
        raise Refused(403, (AUTHENTICATION, f"The token is not {claim}"))
    return video


def ready(request: web.Request, service: Service, claim: str | None = None) -> Video:
    """The same for what is made of a video, which must be encoded by now."""
    video = watched(request, service, claim)
    if video.state == ERROR:
        raise Refused(424, (BAD_REQUEST, f"The video has no media: {video.error_code}"))
    if video.ready_at is None:
        raise not_found("the video is not ready")
    return video


async def manifest(request: web.Request) -> web.StreamResponse:
    """Manifests and the segments they name."""
    service = request.app[SERVICE]
    video = ready(request, service)
    return _file(service.library.hls(video.uid), request.match_info["path"])


def _file(folder: Path, path: str) -> web.FileResponse:
    target = folder / path
    kind = _TYPES.get(target.suffix)
    if kind is None or not _PATH.fullmatch(path) or not target.is_file():
        raise not_found("file")
    headers = {"Content-Type": kind}
    if target.suffix in (".m3u8", ".mpd"):
        headers["Cache-Control"] = "no-store"
    return web.FileResponse(target, headers=headers)


async def thumbnail(request: web.Request) -> web.StreamResponse:
    """One still, made when it is first asked for."""
    service = request.app[SERVICE]
    video = ready(request, service)
    query = request.query
    time = _time(query["time"]) if "time" in query else video.thumbnail_pct * video.duration
    width = digits("width", query.get("width", _BOX), _SMALLEST, _LARGEST)
    height = digits("height", query.get("height", _BOX), _SMALLEST, _LARGEST)
    fit = _FITS.get(query.get("fit", "crop"))
    if fit is None:
        raise bad_request(f"fit: must be one of {', '.join(_FITS)}")
    if height % 2:
        raise bad_request("height: must be even")
    # Of a clip there is the whole file it was cut from.
    time = round(min(time, video.duration) + (video.clip_start or 0), 3)
    target = service.library.still(video.uid, f"{time}-{width}x{height}-{fit}.jpg")
    job = ThumbnailJob(
        source=service.library.source(video.uid), target=target, time=time, width=width, height=height, fit=fit
    )
    return web.FileResponse(await _made(service, job), headers={"Content-Type": "image/jpeg"})


async def _made(service: Service, job: ThumbnailJob | Mp4Job) -> Path:
    try:
        return await service.made.get(job)
    except MediaError as error:
        raise Refused(424, (BAD_REQUEST, str(error))) from error


def _time(value: str) -> float:
    match = _TIME.fullmatch(value)
    if not value or match is None:
        raise bad_request("time: must be a time such as 8m, 5m2s or 1s")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


async def progressive(request: web.Request) -> web.StreamResponse:
    """The same pictures as the best rendition in one MP4, for browsers that play no HLS."""
    service = request.app[SERVICE]
    video = ready(request, service)
    job = Mp4Job(hls_dir=service.library.hls(video.uid), target=service.library.progressive(video.uid))
    return web.FileResponse(await _made(service, job), headers={"Content-Type": "video/mp4"})


async def captions(request: web.Request) -> web.StreamResponse:
    """A caption file for the player's page."""
    service = request.app[SERVICE]
    video = ready(request, service)
    language = request.match_info["language"]
    if not LANGUAGE.fullmatch(language):
        raise not_found("caption")
    return _file(service.library.folder(video.uid) / "captions", f"{language}.vtt")


async def watch(request: web.Request) -> web.StreamResponse:
    """The player's page, alone or in a frame."""
    service = request.app[SERVICE]
    video = watched(request, service)
    listed = service.library.store.all("caption", parent=video.uid)
    return pages.player(video, [each for each in listed if each["status"] == READY], request.query)


async def home(request: web.Request) -> web.StreamResponse:
    """The list of videos."""
    service = request.app[SERVICE]
    return pages.videos(service.library.store.videos(pages.NEWEST, limit=pages.SHOWN))
