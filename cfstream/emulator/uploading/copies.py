"""Videos that are fetched from an address."""

import logging
from typing import Final

from aiohttp import web

from cfstream.emulator import checks, wire
from cfstream.emulator.answers import bad_request, success
from cfstream.emulator.api import watermarks
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.serving import fetch
from cfstream.emulator.storage import room
from cfstream.emulator.storage.records import DOWNLOADING, QUEUED
from cfstream.emulator.storage.store import VideoFilter

FAILED: Final = "ERR_FETCH_ORIGIN_ERROR"

_log = logging.getLogger("cfstream.emulator")


async def create(request: web.Request) -> web.Response:
    """COPY_CREATE: the address is written down and fetched afterwards."""
    service = request.app[SERVICE]
    library, limits = service.library, service.limits
    body = await checks.json_object(request)
    name = next((name for name in ("input", "url") if body.get(name) is not None), None)
    if name is None:
        raise bad_request("input: is missing")
    url = fetch.address(name, body[name])
    now = library.now()
    settings = checks.new_video_settings(body, now, limits)
    settings["meta"] = {**checks.named_meta(settings, body), "downloaded-from": url}
    await service.disk.check_aside()
    settings["watermark"] = watermarks.chosen(service, body)
    room.check(service)
    settings = {**checks.upload_creator(request, limits), **settings}
    video = library.make(now, uploaded=now, state=DOWNLOADING, source_url=url, **settings)
    service.jobs.start(video.uid, _download(service, video.uid, url))
    return success(wire.video(video, service.site))


async def _download(service: Service, uid: str, url: str) -> None:
    library = service.library

    def announced(size: int) -> None:
        library.change(uid, size=size)

    try:
        size = await fetch.fetch(
            url,
            library.source(uid),
            service.limits.file_max,
            private=service.allow_private_fetch,
            on_size=announced,
            admit=service.disk.take,
        )
    except fetch.FetchError as error:
        service.jobs.fail(uid, MediaError(FAILED, str(error)))
    except Exception:  # noqa: BLE001  # a video must end in some state, whatever went wrong
        _log.exception("fetching for %s", uid)
        service.jobs.fail(uid, MediaError(UNKNOWN))
    else:
        if library.change(uid, state=QUEUED, size=size) is not None:
            service.jobs.add(uid)


def resume(service: Service) -> None:
    """Begin anew what was being fetched when the emulator ended."""
    for video in service.library.store.videos(VideoFilter(status=DOWNLOADING), ascending=True):
        if video.source_url is not None:
            service.jobs.start(video.uid, _download(service, video.uid, video.source_url))
