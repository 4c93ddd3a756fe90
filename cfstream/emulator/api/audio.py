"""Additional audio tracks of a video: taken or fetched, encoded, named, and one of them the default."""

import asyncio
import logging
import secrets
import shutil
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from cfstream.emulator import checks
from cfstream.emulator.answers import bad_request, not_found, success
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.jobs import TrackJob
from cfstream.emulator.media.renditions import Renditions
from cfstream.emulator.media.runner import run_job
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.serving import fetch, forms
from cfstream.emulator.storage.records import ERROR, QUEUED, READY, Video

_log = logging.getLogger("cfstream.emulator")


def _shown(track: Mapping[str, Any]) -> dict[str, Any]:
    return {name: track[name] for name in ("uid", "label", "default", "status")}


def _find(request: web.Request) -> tuple[str, dict[str, Any]]:
    """The video that a path names, and the track of it."""
    service, track = request.app[SERVICE], request.match_info["audio_identifier"]
    uid = service.video(request).uid
    found = service.library.store.get("audio", track, parent=uid) if checks.UID.fullmatch(track) else None
    if found is None:
        raise not_found("audio track")
    return uid, found


async def list_tracks(request: web.Request) -> web.Response:
    """AUDIO_TRACKS_GET: those that were added, not the video's own sound."""
    service = request.app[SERVICE]
    tracks = service.library.store.all("audio", parent=service.video(request).uid)
    return success({"audio": [_shown(track) for track in tracks]})


async def copy(request: web.Request) -> web.Response:
    """AUDIO_TRACKS_COPY: the address is written down and fetched afterwards."""
    service = request.app[SERVICE]
    uid = service.video(request).uid
    body = await checks.json_object(request)
    label = _label(service, uid, body.get("label"))
    url = fetch.address("url", body.get("url"))
    return success(_shown(_add(service, service.video(request).uid, label, url)))


async def upload(request: web.Request) -> web.Response:
    """AUDIO_TRACKS_UPLOAD."""
    service = request.app[SERVICE]
    uid, name = service.video(request).uid, secrets.token_hex(16)
    folder, target = service.library.audio_track(uid, name), service.library.audio_source(uid, name)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        form = await forms.save(request, service.limits.basic_upload_max, target, service.disk.take)
        label = _label(service, service.video(request).uid, form.fields.get("label"))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return success(_shown(_add(service, uid, label, None, name)))


def _label(service: Service, uid: str, value: Any, own: str | None = None) -> str:
    label = checks.string("label", value)
    if not label.strip():
        raise bad_request("label: must not be empty")
    taken = (each["label"] for each in service.library.store.all("audio", parent=uid) if each["uid"] != own)
    if label in taken:
        raise bad_request("label: another track of the video has it")
    return label


def _add(service: Service, uid: str, label: str, url: str | None, name: str | None = None) -> dict[str, Any]:
    track: dict[str, Any] = {
        "uid": name or secrets.token_hex(16),
        "label": label,
        "default": False,
        "status": QUEUED,
        "url": url,
    }
    service.library.store.put("audio", track["uid"], track, parent=uid)
    _begin(service, uid, track)
    return track


def _begin(service: Service, uid: str, track: Mapping[str, Any]) -> None:
    if not service.jobs.works(uid, track["uid"]):
        service.jobs.start(uid, _prepare(service, uid, track), name=track["uid"])


async def _prepare(service: Service, uid: str, track: Mapping[str, Any]) -> None:
    """Get the file if need be, and encode it if the video is ready; if not, that is done when it is."""
    try:
        if track["url"] is not None:
            await _fetch(service, uid, track)
        await _encode(service, uid, track["uid"])
    except (fetch.FetchError, MediaError) as error:
        _log.info("audio track %s: %s", track["uid"], error)
        _change(service, uid, track["uid"], status=ERROR)
    except Exception:  # noqa: BLE001  # a track must end in some state, whatever went wrong
        _log.exception("audio track %s", track["uid"])
        _change(service, uid, track["uid"], status=ERROR)


async def _fetch(service: Service, uid: str, track: Mapping[str, Any]) -> None:
    target = service.library.audio_source(uid, track["uid"])
    target.parent.mkdir(parents=True, exist_ok=True)
    most = service.limits.basic_upload_max
    await fetch.fetch(track["url"], target, most, private=service.allow_private_fetch, admit=service.disk.take)
    # From now on the file is there.
    _change(service, uid, track["uid"], url=None)


async def _encode(service: Service, uid: str, name: str) -> None:
    library = service.library
    video, made = library.get(uid), Renditions.load(library.hls(uid))
    if video is None or video.state not in (READY, ERROR):
        return
    if video.state == ERROR or made is None:
        raise MediaError(UNKNOWN, "The video has no media.")
    target = library.audio_segments(uid, name)
    async with service.jobs.aside:
        await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
        job = TrackJob(source=library.audio_source(uid, name), out_dir=target, seconds=made.seconds)
        try:
            done = await run_job(job, most=service.disk.left())
        except MediaError:
            await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
            raise
    rendition = {field: value for field, value in done.items() if field != "event"}
    _change(service, uid, name, status=READY, rendition=rendition)


def _change(service: Service, uid: str, name: str, **changes: Any) -> bool:
    """Change a track as it is now; says whether it is there at all."""
    store = service.library.store
    track = store.get("audio", name, parent=uid)
    if track is not None:
        store.put("audio", name, {**track, **changes}, parent=uid)
    return track is not None


async def edit(request: web.Request) -> web.Response:
    """AUDIO_TRACKS_EDIT: a video has one default at most."""
    service = request.app[SERVICE]
    body = await checks.json_object(request)
    uid, track = _find(request)
    readers: checks.Readers = {
        "label": ("label", False, lambda _, value: _label(service, uid, value, track["uid"])),
        "default": ("default", False, checks.boolean),
    }
    changes = checks.changed(body, readers)
    if changes.get("default"):
        for other in service.library.store.all("audio", parent=uid):
            _change(service, uid, other["uid"], default=False)
    _change(service, uid, track["uid"], **changes)
    return success(_shown({**track, **changes}))


async def delete(request: web.Request) -> web.Response:
    """AUDIO_TRACKS_DELETE: any but the default."""
    service = request.app[SERVICE]
    library = service.library
    uid, track = _find(request)
    if track["default"]:
        raise bad_request("audio_identifier: the default track cannot be deleted; make another one the default first")
    library.store.delete("audio", track["uid"], parent=uid)
    folder = library.audio_track(uid, track["uid"])
    await service.jobs.cancel(uid, track["uid"])
    await service.made.cancel(folder)
    for each in (folder, library.audio_segments(uid, track["uid"])):
        await asyncio.to_thread(shutil.rmtree, each, ignore_errors=True)
    return success("ok")


def resume(service: Service) -> None:
    """Begin anew what was going on when the emulator ended, and from now on what waits for a video."""
    for uid, track in service.library.store.everywhere("audio"):
        if track["status"] == QUEUED:
            _begin(service, uid, track)
    service.library.ended.append(lambda video: _video_ended(service, video))


def _video_ended(service: Service, video: Video) -> None:
    for track in service.library.store.all("audio", parent=video.uid):
        if track["status"] != QUEUED:
            continue
        if video.state == READY:
            _begin(service, video.uid, track)
        else:
            _change(service, video.uid, track["uid"], status=ERROR)
