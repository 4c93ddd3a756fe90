"""Clips: videos that are cut from another one."""

from aiohttp import web

from cfstream.emulator import checks, wire
from cfstream.emulator.answers import bad_request, success
from cfstream.emulator.api import watermarks
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.storage import room
from cfstream.emulator.storage.records import QUEUED, Video


async def create(request: web.Request) -> web.Response:
    """CLIP_CREATE: it has settings of its own; of the other video it shows the picture, with the watermark in it."""
    service = request.app[SERVICE]
    library = service.library
    body = await checks.json_object(request)
    await service.disk.check_aside()
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
    marks = [*source.inherited_marks, *([] if source.watermark is None else [source.watermark])]
    video = library.make(now, state=QUEUED, clipped_from=source.uid, inherited_marks=marks, **part, **settings)
    library.keep(library.source(source.uid), library.source(video.uid))
    for uid in {mark["uid"] for mark in marks}:
        library.keep(library.mark(source.uid, uid), library.mark(video.uid, uid))
    service.jobs.add(video.uid)
    return success(wire.video(video, service.site))


def _source(service: Service, uid: str) -> Video:
    source = service.find_video(uid)
    if source.ready_at is None:
        raise bad_request("clippedFromVideoUID: the video is not ready")
    return source
