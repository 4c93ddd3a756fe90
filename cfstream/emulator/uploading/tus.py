"""Resumable uploads: make room, say how far it got, take the next bytes (tus 1.0.0, creation and expiration)."""

from email.utils import formatdate
from typing import Any

from aiohttp import web

from cfstream.emulator import checks, times
from cfstream.emulator.answers import API, BAD_REQUEST, Refused, bad_request, not_found
from cfstream.emulator.api import watermarks
from cfstream.emulator.control import connections
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.storage import room
from cfstream.emulator.storage.records import PENDING, QUEUED, Video
from cfstream.emulator.storage.store import VideoFilter
from cfstream.emulator.uploading import metadata, uploads

VERSION = "1.0.0"
OPEN = "/tus/{identifier}"
"""Where uploads go that need no credentials."""
GUARDED = f"{API}/accounts/{{account_id}}/media/{{identifier}}"

_BODY_TYPE = "application/offset+octet-stream"

EXPOSED = (
    "Location, Upload-Offset, Upload-Length, Upload-Metadata, Upload-Expires, "
    "Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, stream-media-id, cf-ray"
)
_ALLOWED = (
    "Authorization, Content-Type, Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, Upload-Creator, "
    "X-Request-ID, X-Requested-With"
)


async def create(request: web.Request) -> web.Response:
    """STREAM_CREATE: make room for a file."""
    service = request.app[SERVICE]
    if "Tus-Resumable" not in request.headers:
        raise bad_request("Tus-Resumable: is missing; this address takes resumable uploads")
    _check_version(request)
    library, limits = service.library, service.limits
    length = _length(request, service)
    direct = checks.flag(request.query, "direct_user")
    created = library.now()
    header = request.headers.get("Upload-Metadata")
    settings = metadata.read(header or "", created, limits)
    changes: dict[str, Any] = settings.changes
    if direct:
        changes.setdefault("max_duration", limits.direct_duration)
    changes |= checks.upload_creator(request, limits)
    await service.disk.check_aside(length)
    if settings.watermark is not None:
        changes["watermark"] = watermarks.profile(service, settings.watermark)
    room.check(service, changes.get("max_duration", 0))
    video = library.make(
        created,
        size=length,
        upload_length=length,
        upload_metadata=header,
        upload_expiry=settings.expiry or created + limits.upload_expiry * times.SECOND,
        # Seen on the service: an upload of the account counts as uploaded from the start, one of a user does not.
        uploaded=None if direct else created,
        direct_user=direct,
        **changes,
    )
    library.source(video.uid).touch(mode=0o600)
    if length == 0:
        # There is nothing to send, so no PATCH will ever come.
        finish(service, video.uid)
    headers = {"Location": _location(request, service, video), "stream-media-id": video.uid, **_headers(video)}
    return web.Response(status=201, headers=headers)


def _length(request: web.Request, service: Service) -> int:
    given = request.headers.get("Upload-Length", "")
    if not given.isascii() or not given.isdigit():
        raise bad_request("Upload-Length: must be the number of bytes of the file")
    if len(given) > len(str(service.limits.file_max)) or int(given) > service.limits.file_max:
        raise Refused(413, (BAD_REQUEST, f"Upload-Length: the most is {service.limits.file_max}"))
    return int(given)


def _location(request: web.Request, service: Service, video: Video) -> str:
    # the address the client knows the server by, so that whatever it came through is gone through again
    path = OPEN if video.direct_user else GUARDED
    filled = path.format(account_id=service.account_id, identifier=video.uid)
    return f"{request.scheme}://{request.host}{filled}?tusv2=true"


def _headers(video: Video) -> dict[str, str]:
    headers = {"Tus-Resumable": VERSION}
    if video.state == PENDING and video.upload_expiry is not None:
        headers["Upload-Expires"] = formatdate(video.upload_expiry / times.SECOND, usegmt=True)
    return headers


def _check_version(request: web.Request) -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise Refused(412, (BAD_REQUEST, f"Tus-Resumable: must be {VERSION}"), headers={"Tus-Version": VERSION})


def find(request: web.Request) -> Video:
    """The upload that a request names, at the address that was given out for it."""
    service = request.app[SERVICE]
    video = service.video(request)
    guarded = "account_id" in request.match_info
    if video.upload_length is None or video.direct_user is guarded:
        raise not_found("upload")
    expired = video.upload_expiry is not None and video.upload_expiry <= service.library.now()
    if video.state == PENDING and expired:
        raise not_found("upload")
    return video


def _offset(service: Service, video: Video) -> int:
    if video.state != PENDING:
        return video.upload_length or 0
    return service.library.source(video.uid).stat().st_size


async def head(request: web.Request) -> web.Response:
    """How many bytes have come."""
    _check_version(request)
    service = request.app[SERVICE]
    # Bytes of a request that the client has given up may still be on their way: the offset must not move any more.
    await service.writers.stop(find(request).uid)
    video = find(request)
    headers = {
        **_headers(video),
        "Upload-Offset": str(_offset(service, video)),
        "Upload-Length": str(video.upload_length),
        "Cache-Control": "no-store",
        "stream-media-id": video.uid,
    }
    if video.upload_metadata is not None:
        headers["Upload-Metadata"] = video.upload_metadata
    return web.Response(headers=headers)


async def patch(request: web.Request) -> web.Response:
    """Take the next bytes."""
    _check_version(request)
    service = request.app[SERVICE]
    uid = find(request).uid
    if request.content_type != _BODY_TYPE:
        raise Refused(415, (BAD_REQUEST, f"Content-Type: must be {_BODY_TYPE}"), close=True)
    given = checks.digits("Upload-Offset", request.headers.get("Upload-Offset", ""), 0, service.limits.file_max)
    async with service.writers.alone(uid) as writer:
        video = find(request)
        offset = _offset(service, video)
        if given != offset:
            raise Refused(409, (BAD_REQUEST, f"Upload-Offset: {offset} bytes have come"), close=True)
        room = (video.upload_length or 0) - offset
        offset += await _take(request, service, uid, writer, room)
        if room and offset == video.upload_length:
            finish(service, uid)
    video = find(request)
    return web.Response(status=204, headers={**_headers(video), "Upload-Offset": str(offset)})


async def _take(request: web.Request, service: Service, uid: str, writer: uploads.Writer, room: int) -> int:
    limits = service.limits
    if request.content_length is not None:
        uploads.check_chunk(request.content_length, room, limits)
    if room == 0:
        return 0
    target = service.library.source(uid)
    before = target.stat().st_size
    received = await uploads.receive(
        connections.body(request), target, writer, service.disk, min(room, limits.chunk_max)
    )
    try:
        uploads.check_chunk(received, room, limits)
    except Refused:
        uploads.truncate(target, before)
        raise
    return received


def finish(service: Service, uid: str) -> None:
    """All bytes are there: on to the encoder."""
    video = service.library.get(uid)
    if video is not None and video.state == PENDING:
        uploaded = service.library.now() if video.uploaded is None else video.uploaded
        service.library.change(uid, state=QUEUED, uploaded=uploaded)
        service.jobs.add(uid)


def finish_complete(service: Service) -> None:
    """Go on with uploads whose last byte came just before the emulator ended."""
    for video in service.library.store.videos(VideoFilter(status=PENDING), ascending=True):
        source = service.library.source(video.uid)
        if video.upload_length is not None and source.exists() and source.stat().st_size >= video.upload_length:
            finish(service, video.uid)


async def options(request: web.Request) -> web.Response:
    """What this server can do; also the browser's question before it sends an upload of another site."""
    headers = {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": "creation,expiration",
        "Tus-Max-Size": str(request.app[SERVICE].limits.file_max),
    }
    if "account_id" not in request.match_info:
        headers |= {
            "Access-Control-Allow-Methods": "OPTIONS, HEAD, PATCH",
            "Access-Control-Allow-Headers": _ALLOWED,
            "Access-Control-Max-Age": "86400",
        }
    return web.Response(status=204, headers=headers)
