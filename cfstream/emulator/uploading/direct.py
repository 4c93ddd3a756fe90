"""Direct creator uploads by form: an address that takes one file from somebody without credentials."""

from typing import Any

from aiohttp import web

from cfstream.emulator import checks, times
from cfstream.emulator.answers import Refused, bad_request, not_found, success
from cfstream.emulator.api import watermarks
from cfstream.emulator.service import SERVICE
from cfstream.emulator.storage import room
from cfstream.emulator.storage.records import PENDING, Video
from cfstream.emulator.uploading import incoming

ADDRESS = "/upload/{identifier}"

_MINUTE = 60 * times.SECOND
_VALID = 30 * _MINUTE
"""How long an address can be used, unless the call says otherwise."""
_ANY_SITE = {"Access-Control-Allow-Origin": "*"}
_PREFLIGHT = {
    **_ANY_SITE,
    "Access-Control-Allow-Methods": "OPTIONS, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Requested-With",
    "Access-Control-Max-Age": "86400",
}


async def create(request: web.Request) -> web.Response:
    """DIRECT_UPLOAD_CREATE."""
    service = request.app[SERVICE]
    library, limits = service.library, service.limits
    body = await checks.json_object(request)
    now = library.now()
    settings = checks.new_video_settings(body, now, limits, "maxDurationSeconds")
    if "max_duration" not in settings:
        raise bad_request(f"maxDurationSeconds: must be a whole number from 1 to {limits.duration_max}")
    await service.disk.check_aside()
    room.check(service, settings["max_duration"])
    video = library.make(
        now,
        upload_expiry=_expiry(body, now),
        form_upload=True,
        watermark=watermarks.chosen(service, body),
        **{**checks.upload_creator(request, limits), **settings},
    )
    # The address the client knows the server by, as with resumable uploads.
    shown: dict[str, Any] = {
        "uploadURL": f"{request.scheme}://{request.host}{ADDRESS.format(identifier=video.uid)}",
        "uid": video.uid,
        "watermark": video.watermark,
        "scheduledDeletion": times.maybe_text(video.scheduled_deletion),
    }
    return success(shown if video.creator is None else {**shown, "creator": video.creator})


def _expiry(body: dict[str, Any], now: int) -> int:
    if body.get("expiry") is None:
        return now + _VALID
    expiry = checks.instant("expiry", body["expiry"])
    if expiry <= now:
        raise bad_request("expiry: is in the past")
    return expiry


async def upload(request: web.Request) -> web.Response:
    """The form of an end user; other sites' pages may send it."""
    try:
        await _take(request)
    except Refused as error:
        answer = error.answer(plain=False)
        answer.headers.update(_ANY_SITE)
        return answer
    return web.Response(headers=_ANY_SITE)


async def _take(request: web.Request) -> None:
    service = request.app[SERVICE]
    _find(request)
    async with incoming.arrived(request) as file:
        video = _find(request)  # somebody else may have been faster
        incoming.take(service, video.uid, file, uploaded=service.library.now())


def _find(request: web.Request) -> Video:
    service = request.app[SERVICE]
    video = service.video(request)
    if not video.form_upload:
        raise not_found("upload")
    if video.state != PENDING:
        raise bad_request("The address was used already; it takes one file")
    if video.upload_expiry is not None and video.upload_expiry <= service.library.now():
        raise not_found("the upload has expired")
    return video


async def options(_: web.Request) -> web.Response:
    """A browser's question before it sends a form from another site."""
    return web.Response(status=204, headers=_PREFLIGHT)
