"""Videos: list, look at, change, delete, and how much room they take."""

import math

from aiohttp import web

from cfstream.emulator import checks, times, wire
from cfstream.emulator.answers import bad_request, not_found, success
from cfstream.emulator.service import SERVICE
from cfstream.emulator.storage.records import READY, STATES
from cfstream.emulator.storage.store import VideoFilter


async def list_videos(request: web.Request) -> web.Response:
    """STREAM_LIST."""
    service = request.app[SERVICE]
    store, query = service.library.store, request.query
    most = service.limits.page_max
    limit = checks.digits("limit", query["limit"], 1, most) if "limit" in query else most
    counted = checks.flag(query, "include_counts")
    wanted = _filter(request)
    found = store.videos(wanted, ascending=checks.flag(query, "asc"), limit=limit)
    shown = [wire.video(video, service.site) for video in found]
    if not counted:
        return success(shown)
    total = store.count_videos(_filter(request, window=False))
    return success(shown, total=total, range=store.count_videos(wanted))


def _filter(request: web.Request, *, window: bool = True) -> VideoFilter:
    service = request.app[SERVICE]
    lag = service.control.list_lag
    query = {name: checks.string(name, value) for name, value in request.query.items()}
    status, kind = query.get("status"), query.get("type")
    if status is not None and status not in STATES:
        raise bad_request(f"status: must be one of {', '.join(sorted(STATES))}")
    if kind not in (None, "vod", "live"):
        raise bad_request("type: must be vod or live")
    return VideoFilter(
        status=status,
        creator=query.get("creator"),
        search=query.get("search"),
        video_name=query.get("video_name"),
        names=_listed(query.get("name")),
        ids=_listed(query.get("id")),
        live=None if kind is None else kind == "live",
        live_input=query.get("live_input_id"),
        since=_border(request, "start", "after") if window else None,
        until=_border(request, "end", "before") if window else None,
        seen=service.library.now() - round(lag * times.SECOND) if lag else None,
    )


def _listed(value: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (item.strip() for item in (value or "").split(","))))


def _border(request: web.Request, *names: str) -> int | None:
    given = [name for name in names if name in request.query]
    if len(given) > 1:
        raise bad_request(f"{' and '.join(given)}: mean the same; give one")
    return checks.instant(given[0], request.query[given[0]]) if given else None


async def get_video(request: web.Request) -> web.Response:
    """STREAM_GET."""
    service = request.app[SERVICE]
    return success(wire.video(service.video(request), service.site))


async def edit_video(request: web.Request) -> web.Response:
    """STREAM_EDIT: what the body names is replaced, ``meta`` as a whole; the rest stays."""
    service = request.app[SERVICE]
    video = service.video(request)
    body = await checks.json_object(request)
    changes = checks.video_settings(body, video.created, service.limits)
    changed = service.library.change(video.uid, **changes)
    if changed is None:
        raise not_found("video")
    return success(wire.video(changed, service.site))


async def delete_video(request: web.Request) -> web.Response:
    """STREAM_DELETE: with it goes everything that is being done to it."""
    service = request.app[SERVICE]
    await service.delete_video(service.video(request).uid)
    return web.Response(status=200)


async def storage_usage(request: web.Request) -> web.Response:
    """VIDEOS_STORAGE_USAGE: each ready video counts its length, rounded up to the second."""
    creator = checks.string("creator", request.query.get("creator", "")) or None
    service = request.app[SERVICE]
    videos = service.library.store.videos(VideoFilter(status=READY, creator=creator))
    seconds = sum(math.ceil(video.duration) for video in videos)
    return success(
        {
            "creator": creator or "",
            "videoCount": len(videos),
            "totalStorageMinutes": round(seconds / 60, 2),
            "totalStorageMinutesLimit": service.limits.storage_minutes,
        }
    )
