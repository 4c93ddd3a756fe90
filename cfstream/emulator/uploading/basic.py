"""Uploads in one form, for small files: the same address as resumable uploads, told apart by what comes."""

from aiohttp import web

from cfstream.emulator import times, wire
from cfstream.emulator.answers import success
from cfstream.emulator.service import SERVICE
from cfstream.emulator.storage import room
from cfstream.emulator.uploading import incoming, tus


async def create(request: web.Request) -> web.Response:
    """STREAM_CREATE: a form carries the whole file, anything else begins a resumable upload."""
    if "Tus-Resumable" in request.headers or not request.content_type.startswith("multipart/"):
        return await tus.create(request)
    service = request.app[SERVICE]
    library = service.library
    await service.disk.check_aside()
    room.check(service)
    async with incoming.arrived(request) as file:
        await service.disk.check_aside()
        room.check(service, file.seconds)
        now = library.now()
        video = library.make(
            now,
            meta={} if file.form.filename is None else {"name": file.form.filename},
            uploaded=now,
            upload_expiry=now + service.limits.upload_expiry * times.SECOND,
        )
        incoming.take(service, video.uid, file)
    return success(wire.video(library.get(video.uid) or video, service.site))
