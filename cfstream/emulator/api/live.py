"""Live inputs: made, changed, switched, given new credentials, and the videos that came in by them."""

import secrets
from collections.abc import Mapping
from typing import Any

import attrs
from aiohttp import web

from cfstream._limits import Limits
from cfstream.emulator import checks, times, wire
from cfstream.emulator.answers import BAD_REQUEST, Refused, bad_request, not_found, success
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.storage.records import LiveInput
from cfstream.emulator.storage.store import VideoFilter

_KEPT = 6 * 3600 * times.SECOND
"""How long an Idempotency-Key is remembered."""
_OPENED = ("rtmps", "rtmps_playback", "srt", "srt_playback", "web_rtc")
_LONGEST_WAIT = 7 * 24 * 3600
"""Seconds; as long as the longest recording."""
_RECORDING: Mapping[str, Any] = {
    "mode": "off",
    "requireSignedURLs": False,
    "allowedOrigins": None,
    "hideLiveViewerCount": False,
}
_RECORDING_READERS: checks.Readers = {
    "mode": ("mode", False, lambda name, value: checks.choice(name, value, ("off", "automatic"))),
    "requireSignedURLs": ("requireSignedURLs", False, checks.boolean),
    "allowedOrigins": ("allowedOrigins", True, checks.origins),
    "hideLiveViewerCount": ("hideLiveViewerCount", False, checks.boolean),
    "timeoutSeconds": ("timeoutSeconds", False, lambda name, value: checks.whole(name, value, 0, _LONGEST_WAIT)),
}


def find(request: web.Request) -> LiveInput:
    """The live input that a path names.

    Raises:
        Refused: there is none.
    """
    record = request.app[SERVICE].broadcasts.find(request.match_info["live_input_identifier"])
    if record is None:
        raise not_found("live input")
    return record


def shown(service: Service, record: LiveInput) -> dict[str, Any]:
    """A live input as the API shows it."""
    return wire.live_input(record, service.site, service.ingest, service.library.now())


def _save(service: Service, record: LiveInput) -> web.Response:
    service.library.store.put("live_input", record.uid, attrs.asdict(record))
    return success(shown(service, record))


def _change(request: web.Request, **changes: Any) -> web.Response:
    service = request.app[SERVICE]
    return _save(service, attrs.evolve(find(request), modified=service.library.now(), **changes))


def _settings(body: Mapping[str, Any], recording: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    least, most = limits.deletion_days_min, limits.deletion_days_max
    readers: checks.Readers = {
        "meta": ("meta", False, checks.mapping),
        "defaultCreator": ("default_creator", True, lambda name, value: checks.creator(name, value, limits)),
        "enabled": ("enabled", False, checks.boolean),
        "preferLowLatency": ("prefer_low_latency", False, checks.boolean),
        "deleteRecordingAfterDays": (
            "delete_recording_after_days",
            True,
            lambda name, value: checks.number(name, value, least, most),
        ),
        "recording": ("recording", False, lambda name, value: _recording(name, value, recording)),
    }
    return checks.changed(body, readers)


def _recording(name: str, value: Any, before: Mapping[str, Any]) -> dict[str, Any]:
    changes = checks.changed(checks.mapping(name, value), _RECORDING_READERS, f"{name}.")
    # Seen on the service: no waiting time is shown by no key.
    return {key: value for key, value in {**before, **changes}.items() if (key, value) != ("timeoutSeconds", 0)}


def _new_keys(uid: str) -> dict[str, str]:
    return {opened: f"{secrets.token_hex(16)}k{uid}" for opened in _OPENED}


async def list_inputs(request: web.Request) -> web.Response:
    """LIVE_INPUTS_LIST: the newest first, on one page."""
    store = request.app[SERVICE].library.store
    records = [LiveInput.load(document) for document in reversed(store.all("live_input"))]
    result: dict[str, Any] = {"liveInputs": [wire.live_input_row(record) for record in records]}
    if checks.flag(request.query, "include_counts"):
        result |= {"range": len(records), "total": len(records)}
    return success(result)


async def get_input(request: web.Request) -> web.Response:
    """LIVE_INPUTS_GET."""
    return success(shown(request.app[SERVICE], find(request)))


async def create(request: web.Request) -> web.Response:
    """LIVE_INPUTS_CREATE: a repetition with the same Idempotency-Key gives what the first call made."""
    service = request.app[SERVICE]
    store, now = service.library.store, service.library.now()
    body = await checks.json_object(request, empty=True)
    settings: dict[str, Any] = {"recording": dict(_RECORDING), **_settings(body, _RECORDING, service.limits)}
    key = _idempotency_key(request, service.limits)
    made = None if key is None else store.get("idempotency", key)
    if made is not None and now < made["created"] + _KEPT:
        return _again(service, made["uid"])
    uid = secrets.token_hex(16)
    if key is not None:
        store.put("idempotency", key, {"uid": uid, "created": now})
    return _save(service, LiveInput(uid=uid, created=now, modified=now, keys=_new_keys(uid), **settings))


def _idempotency_key(request: web.Request, limits: Limits) -> str | None:
    if "Idempotency-Key" not in request.headers:
        return None
    key = checks.string("Idempotency-Key", request.headers["Idempotency-Key"])
    if not 0 < len(key.encode()) <= limits.idempotency_key_length:
        raise bad_request(f"Idempotency-Key: must have 1 to {limits.idempotency_key_length} bytes")
    return key


def _again(service: Service, uid: str) -> web.Response:
    record = service.broadcasts.find(uid)
    if record is None:
        raise Refused(409, (BAD_REQUEST, "Idempotency-Key: the live input that it made has been deleted"))
    return success(shown(service, record))


async def update(request: web.Request) -> web.Response:
    """LIVE_INPUTS_UPDATE: what the body names is changed, inside ``recording`` too; the rest stays."""
    body = await checks.json_object(request)
    answer = _change(request, **_settings(body, find(request).recording, request.app[SERVICE].limits))
    return await _settled(request, answer)


async def _settled(request: web.Request, answer: web.Response) -> web.Response:
    """The answer, once nobody publishes any more to a live input that is disabled."""
    record = find(request)
    if not record.enabled:
        await request.app[SERVICE].broadcasts.end_input(record.uid)
    return answer


async def delete(request: web.Request) -> web.Response:
    """LIVE_INPUTS_DELETE: its outputs go with it, its recordings stay."""
    store, uid = request.app[SERVICE].library.store, find(request).uid
    store.delete("live_input", uid)
    store.delete_children(uid)
    await request.app[SERVICE].broadcasts.end_input(uid)
    return web.Response(status=200)


async def enable(request: web.Request) -> web.Response:
    """LIVE_INPUTS_ENABLE."""
    return _change(request, enabled=True)


async def disable(request: web.Request) -> web.Response:
    """LIVE_INPUTS_DISABLE: whoever publishes there has to leave."""
    return await _settled(request, _change(request, enabled=False))


async def rotate_keys(request: web.Request) -> web.Response:
    """LIVE_INPUTS_ROTATE_KEYS: the old credentials open nothing any more."""
    record = find(request)
    return _change(request, keys=_new_keys(record.uid), keys_rotated_at=request.app[SERVICE].library.now())


async def list_videos(request: web.Request) -> web.Response:
    """LIVE_INPUTS_VIDEOS: one for each broadcast, the newest first."""
    service = request.app[SERVICE]
    videos = service.library.store.videos(VideoFilter(live_input=find(request).uid))
    return success([wire.video(video, service.site) for video in videos])
