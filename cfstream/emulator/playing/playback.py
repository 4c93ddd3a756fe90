"""What players fetch: manifests, segments, captions, and one progressive MP4."""

import math
import re
from pathlib import Path
from typing import Final

from aiohttp import web

from cfstream.emulator.access.viewing import ready
from cfstream.emulator.answers import BAD_REQUEST, Refused, not_found
from cfstream.emulator.checks import LANGUAGE
from cfstream.emulator.encoding.presenting import mp4_job, presentation
from cfstream.emulator.media import manifest
from cfstream.emulator.media.errors import MediaError
from cfstream.emulator.media.jobs import Mp4Job, ThumbnailJob
from cfstream.emulator.media.manifest import CAPTIONS, DESCRIPTION, MASTER, Presentation
from cfstream.emulator.playing import viewed
from cfstream.emulator.playing.files import headers, served
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.storage.records import Video

_PATH: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,3}")
_CAPTION: Final = re.compile(rf"{CAPTIONS}/(?P<language>{LANGUAGE.pattern})\.(?P<kind>vtt|m3u8)")
_MEGABIT: Final = 1_000_000


async def serve(request: web.Request) -> web.StreamResponse:
    """Manifests and what they name; a manifest is written anew each time, as what it names can change."""
    service, path = request.app[SERVICE], request.match_info["path"]
    video = ready(request, service)
    shown = presentation(service.library, video.uid)
    caption = _CAPTION.fullmatch(path)
    if shown is not None and caption is not None:
        return _caption(service, video, shown, caption["language"], caption["kind"])
    if shown is not None and path in (MASTER, DESCRIPTION):
        return _manifest(_hinted(shown, request.query.get("clientBandwidthHint", "")), path)
    if not _PATH.fullmatch(path):
        raise not_found("file")
    answer = served(service.library.hls(video.uid) / path)
    if shown is not None:
        seconds = viewed.seconds_of(path, {each.name: each.timing for each in shown.videos})
        if seconds is not None:
            viewed.count(request, video, seconds)
    return answer


def _manifest(shown: Presentation, path: str) -> web.Response:
    body = manifest.master(shown).encode() if path == MASTER else manifest.description(shown)
    return web.Response(body=body, headers=headers(Path(path).suffix))


def _hinted(shown: Presentation, hint: str) -> Presentation:
    """What is left for a viewer of so many megabits per second; all of it where that is no such number."""
    try:
        bandwidth = float(hint) * _MEGABIT
    except ValueError:
        return shown
    return shown.nearest(bandwidth) if bandwidth > 0 and math.isfinite(bandwidth) else shown


def _caption(service: Service, video: Video, shown: Presentation, language: str, kind: str) -> web.StreamResponse:
    if all(text.language != language for text in shown.texts):
        raise not_found("caption")
    if kind == "m3u8":
        return web.Response(body=manifest.text_playlist(language, shown.seconds).encode(), headers=headers(".m3u8"))
    return served(service.library.caption(video.uid, language))


async def made(service: Service, job: ThumbnailJob | Mp4Job) -> Path:
    """The file that a job makes.

    Raises:
        Refused: it cannot be made.
    """
    try:
        return await service.made.get(job)
    except MediaError as error:
        raise Refused(424, (BAD_REQUEST, str(error))) from error


async def progressive(request: web.Request) -> web.StreamResponse:
    """The same pictures as the best rendition in one MP4, for browsers that play no HLS."""
    service = request.app[SERVICE]
    video = ready(request, service)
    return web.FileResponse(
        await made(service, mp4_job(service.library, video.uid)), headers={"Content-Type": "video/mp4"}
    )


async def captions(request: web.Request) -> web.StreamResponse:
    """A caption file for the player's page."""
    service = request.app[SERVICE]
    video = ready(request, service)
    language = request.match_info["language"]
    if not LANGUAGE.fullmatch(language):
        raise not_found("caption")
    return served(service.library.caption(video.uid, language))
