"""Clips: videos that are cut from another one."""

import os
import shutil
from pathlib import Path

from aiohttp import web

from cfstream.emulator import checks, room, watermarks, wire
from cfstream.emulator.answers import bad_request, not_found, success
from cfstream.emulator.records import QUEUED, Video
from cfstream.emulator.service import SERVICE, Service


async def create(request: web.Request) -> web.Response:
    """CLIP_CREATE: it has settings of its own; nothing is taken over from the other video."""
    service = request.app[SERVICE]
    library = service.library
    body = await checks.json_object(request)
    source = _source(service, checks.string("clippedFromVideoUID", body.get("clippedFromVideoUID")))
    most = service.limits.duration_max
    start = checks.whole("startTimeSeconds", body.get("startTimeSeconds"), 0, most)
    end = checks.whole("endTimeSeconds", body.get("endTimeSeconds"), 0, most)
    if end <= start:
        raise bad_request("endTimeSeconds: must be more than startTimeSeconds")
    if end > source.duration:
        raise bad_request(f"endTimeSeconds: the video has {source.duration:g} seconds")
    now = library.now()
    settings = checks.new_video_settings(body, now, service.limits)
    settings["meta"] = checks.named_meta(settings, body)
    settings["watermark"] = watermarks.chosen(service, body)
    room.check(service, end - start)
    before = source.clip_start or 0
    part = {"clip_start": before + start, "clip_end": before + end}
    video = library.make(now, state=QUEUED, clipped_from=source.uid, **part, **settings)
    _share(library.source(source.uid), library.source(video.uid))
    service.jobs.add(video.uid)
    return success(wire.video(video, service.site))


def _source(service: Service, uid: str) -> Video:
    source = service.library.get(uid) if checks.UID.fullmatch(uid) else None
    if source is None:
        raise not_found("video")
    if source.ready_at is None:
        raise bad_request("clippedFromVideoUID: the video is not ready")
    return source


def _share(source: Path, target: Path) -> None:
    """Give the clip the file too: the video it comes from may be deleted before the clip is made, or after."""
    try:
        os.link(source, target)
    except OSError:  # some file systems have no links
        shutil.copyfile(source, target)
