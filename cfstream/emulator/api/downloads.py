"""Downloads of a video as one file: the picture with its sound, or the sound alone."""

import asyncio
import re
from typing import Any, Final

from aiohttp import web

from cfstream.emulator.access.viewing import ready
from cfstream.emulator.answers import bad_request, not_found, success
from cfstream.emulator.encoding import presenting
from cfstream.emulator.media.jobs import Mp4Job
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.storage.records import Video

_FILES: Final = {"default": "default.mp4", "audio": "audio.m4a"}
_TYPES: Final = {"default": "video/mp4", "audio": "audio/mp4"}
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,120}")


def _job(service: Service, uid: str, kind: str) -> Mp4Job:
    # The browsers' file and the download are the same.
    return presenting.mp4_job(service.library, uid, sound_only=kind == "audio")


def _kind(request: web.Request) -> str:
    kind = request.match_info.get("download_type", "default")
    if kind not in _FILES:
        raise bad_request(f"download_type: must be one of {', '.join(_FILES)}")
    return kind


async def list_downloads(request: web.Request) -> web.Response:
    """DOWNLOADS_GET: by type, those that were asked for."""
    service = request.app[SERVICE]
    return success(_shown(service, service.video(request)))


def _shown(service: Service, video: Video) -> dict[str, Any]:
    asked = {each["type"]: each for each in service.library.store.all("download", parent=video.uid)}
    return {kind: _state(service, video, asked[kind]) for kind in _FILES if kind in asked}


def _state(service: Service, video: Video, download: dict[str, Any]) -> dict[str, Any]:
    kind = download["type"]
    job = _job(service, video.uid, kind)
    status, percent = "inprogress", 0
    if job.target.exists():
        status, percent = "ready", 100
    elif download.get("failed"):
        status = "error"
    elif not service.made.makes(job.target):
        # It is new, or the emulator ended before it was there.
        _begin(service, video.uid, kind, job)
    url = f"{service.site}/{video.uid}/downloads/{_FILES[kind]}"
    return {"status": status, "url": url, "percentComplete": percent}


def _begin(service: Service, uid: str, kind: str, job: Mp4Job) -> None:
    task = service.made.begin(job)
    if task is not None:
        task.add_done_callback(lambda task: _ended(service, uid, kind, task))


def _ended(service: Service, uid: str, kind: str, task: asyncio.Task[None]) -> None:
    failed = not task.cancelled() and task.exception() is not None
    if failed and service.library.store.get("download", kind, parent=uid) is not None:
        service.library.store.put("download", kind, {"type": kind, "failed": True}, parent=uid)


async def create(request: web.Request) -> web.Response:
    """DOWNLOADS_CREATE and DOWNLOADS_CREATE_TYPE: the file is made from what is encoded already."""
    service = request.app[SERVICE]
    video, kind = service.video(request), _kind(request)
    if video.ready_at is None:
        raise bad_request("identifier: the video is not ready")
    before = service.library.store.get("download", kind, parent=video.uid)
    if before is None or before.get("failed"):
        service.library.store.put("download", kind, {"type": kind}, parent=video.uid)
    return success(_shown(service, video))


async def delete(request: web.Request) -> web.Response:
    """DOWNLOADS_DELETE and DOWNLOADS_DELETE_TYPE: its address leads nowhere any more."""
    service = request.app[SERVICE]
    uid, kind = service.video(request).uid, _kind(request)
    if not service.library.store.delete("download", kind, parent=uid):
        raise not_found("download")
    return success("ok")


async def serve(request: web.Request) -> web.StreamResponse:
    """The file itself, under the name that is wished for."""
    service = request.app[SERVICE]
    video = ready(request, service, "downloadable")
    kind = next((kind for kind, file in _FILES.items() if file == request.match_info["file"]), "")
    asked = service.library.store.get("download", kind, parent=video.uid)
    if asked is None or _state(service, video, asked)["status"] != "ready":
        raise not_found("download")
    stem, _, ending = _FILES[kind].partition(".")
    name = request.query.get("filename", stem)
    if not _NAME.fullmatch(name):
        raise bad_request("filename: must have 1 to 120 letters, digits, - or _")
    headers = {"Content-Type": _TYPES[kind], "Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    return web.FileResponse(_job(service, video.uid, kind).target, headers=headers)
