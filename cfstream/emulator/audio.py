"""Additional audio tracks of a video: taken or fetched, looked at, named, and one of them the default."""

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from cfstream.emulator import checks, fetch, forms
from cfstream.emulator.answers import bad_request, not_found, success
from cfstream.emulator.media.errors import MediaError
from cfstream.emulator.media.jobs import SoundJob
from cfstream.emulator.media.runner import run_job
from cfstream.emulator.service import SERVICE, Service

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
    target = service.library.audio_track(uid, name)
    target.parent.mkdir(exist_ok=True)
    try:
        form = await forms.save(request, service.limits.basic_upload_max, target)
        label = _label(service, service.video(request).uid, form.fields.get("label"))
    except BaseException:
        target.unlink(missing_ok=True)
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
        "status": "queued",
        "url": url,
    }
    service.library.store.put("audio", track["uid"], track, parent=uid)
    service.jobs.start(uid, _prepare(service, uid, track))
    return track


async def _prepare(service: Service, uid: str, track: Mapping[str, Any]) -> None:
    """Get the file if need be, and look whether there is sound in it."""
    target, status = service.library.audio_track(uid, track["uid"]), "ready"
    try:
        if track["url"] is not None:
            target.parent.mkdir(exist_ok=True)
            most = service.limits.basic_upload_max
            await fetch.fetch(track["url"], target, most, private=service.allow_private_fetch)
        await run_job(SoundJob(source=target))
    except (fetch.FetchError, MediaError) as error:
        _log.info("audio track %s: %s", track["uid"], error)
        status = "error"
    except Exception:  # noqa: BLE001  # a track must end in some state, whatever went wrong
        _log.exception("audio track %s", track["uid"])
        status = "error"
    if not _change(service, uid, track["uid"], status=status):
        target.unlink(missing_ok=True)


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
    library = request.app[SERVICE].library
    uid, track = _find(request)
    if track["default"]:
        raise bad_request("audio_identifier: the default track cannot be deleted; make another one the default first")
    library.store.delete("audio", track["uid"], parent=uid)
    library.audio_track(uid, track["uid"]).unlink(missing_ok=True)
    return success("ok")


def resume(service: Service) -> None:
    """Begin anew what was going on when the emulator ended."""
    for uid, track in service.library.store.everywhere("audio"):
        if track["status"] == "queued":
            service.jobs.start(uid, _prepare(service, uid, track))
