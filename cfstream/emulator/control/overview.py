"""What the dashboard shows: all of it in one answer, and a small picture of every video."""

from typing import Any, Final

import attrs
from aiohttp import web

from cfstream._version import __version__
from cfstream.emulator.answers import API, not_found, success
from cfstream.emulator.api import live
from cfstream.emulator.control import told
from cfstream.emulator.control.rows import names
from cfstream.emulator.control.videos import in_account
from cfstream.emulator.delivery.log import shown
from cfstream.emulator.media.jobs import ThumbnailJob
from cfstream.emulator.playing.playback import made
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.storage.records import LiveInput

_VIDEOS, _REQUESTS, _DELIVERIES = 200, 200, 50
_WIDTH, _HEIGHT = 480, 270
_SHOWN: Final = ("time", "verb", "path", "row", "status", "fault")


async def get(request: web.Request) -> web.StreamResponse:
    """Everything that the dashboard shows; of videos and requests the newest."""
    service = request.app[SERVICE]
    return success(
        {
            **told.state(service),
            "about": {
                "version": __version__,
                "api": f"{service.site}{API}",
                "account_id": service.account_id,
                "calls": sorted(names()),
            },
            "videos": [attrs.asdict(video) for video in in_account(service.library.store, _VIDEOS).values()],
            "live_inputs": _live_inputs(service),
            "log": _log(service),
            "webhook": _webhook(service),
            "deliveries": _deliveries(service),
        }
    )


def _live_inputs(service: Service) -> list[dict[str, Any]]:
    documents = reversed(service.library.store.all("live_input"))
    return [live.shown(service, LiveInput.load(document)) for document in documents]


def _webhook(service: Service) -> dict[str, Any] | None:
    webhook = service.library.store.get("setting", "webhook")
    return None if webhook is None else {name: webhook[name] for name in ("url", "secret")}


def _deliveries(service: Service) -> list[dict[str, Any]]:
    return [shown(delivery) for delivery in reversed(service.control.deliveries.listed()[-_DELIVERIES:])]


def _log(service: Service) -> list[dict[str, Any]]:
    records = reversed(service.control.requests[-_REQUESTS:])
    return [{name: getattr(record, name) for name in _SHOWN} for record in records]


async def thumbnail(request: web.Request) -> web.StreamResponse:
    """One still of a video, private ones included."""
    service = request.app[SERVICE]
    video = service.video(request)
    if video.ready_at is None:
        raise not_found("the video is not ready")
    time = round(video.thumbnail_pct * video.duration, 3)
    job = ThumbnailJob(
        hls_dir=service.library.hls(video.uid),
        target=service.library.still(video.uid, f"dashboard-{time}.jpg"),
        time=time,
        width=_WIDTH,
        height=_HEIGHT,
        fit="clip",
    )
    return web.FileResponse(await made(service, job), headers={"Content-Type": "image/jpeg"})
