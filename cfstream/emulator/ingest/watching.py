"""What viewers of a broadcast ask for: its manifest and pieces, whether it is live, and how many watch it."""

import re
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from cfstream.emulator.access import viewing
from cfstream.emulator.access.viewing import Ticket
from cfstream.emulator.answers import AUTHENTICATION, FRESH, Refused, not_found
from cfstream.emulator.media.live.files import ADDRESS, MASTER
from cfstream.emulator.media.segments import PLAYLIST
from cfstream.emulator.playing import playback, viewed
from cfstream.emulator.playing.files import served
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.storage.records import ENCODING, ERROR, LIVE, QUEUED, LiveInput, Video

_PIECE: Final = re.compile(
    rf"{ADDRESS}/(?P<video>[0-9a-f]{{32}})/(?P<name>{re.escape(PLAYLIST)}|init\.mp4|seg_[0-9]{{5,9}}\.mp4)"
)
_STATES: Final = (LIVE, QUEUED, ENCODING)


async def serve(request: web.Request) -> web.StreamResponse:
    """Manifests and what they name, of what is live or was not long ago; the rest is that of a normal video."""
    service = request.app[SERVICE]
    shown, subject = viewing.named(request, service)
    if isinstance(subject, LiveInput):
        return _of_input(request, service, shown, subject)
    answer = None if subject.live_input is None else _of_video(request, service, shown, subject)
    return answer or await playback.serve(request)


def _of_input(request: web.Request, service: Service, shown: Ticket, record: LiveInput) -> web.StreamResponse:
    """What is live at a live input now; what it was of a broadcast that has ended, for players that are behind."""
    viewing.admit(request, shown, record)
    path = request.match_info["path"]
    piece = _PIECE.fullmatch(path)
    if piece is not None:
        video = service.library.get(piece["video"])
        if video is None or video.live_input != record.uid:
            raise not_found("file")
        viewing.check_media(video)
        return _piece(request, service, video, piece["name"])
    uid = service.broadcasts.video_of(record.uid)
    master = None if uid is None else service.library.live(uid) / MASTER
    if master is None or not master.is_file():
        return web.Response(status=204, reason="Stream has not yet started")
    if path != MASTER:
        raise not_found("file")
    return served(master)


def _of_video(request: web.Request, service: Service, shown: Ticket, video: Video) -> web.StreamResponse | None:
    """What is live of a broadcast's own video; None where a normal video is asked for."""
    path, master = request.match_info["path"], service.library.live(video.uid) / MASTER
    piece = _PIECE.fullmatch(path)
    if video.state == ERROR or (piece is None and (path != MASTER or video.state not in _STATES)):
        return None
    viewing.admit(request, shown, video)
    if piece is not None:
        if piece["video"] != video.uid:
            raise not_found("file")
        return _piece(request, service, video, piece["name"])
    if master.is_file():
        return served(master)
    return web.Response(status=204, reason="Stream has not yet started") if video.state == LIVE else None


def _piece(request: web.Request, service: Service, video: Video, name: str) -> web.FileResponse:
    folder = service.library.live(video.uid)
    answer = served(folder / name)
    seconds = _seconds(folder, name)
    if seconds is not None:
        service.broadcasts.viewers.saw(video.uid, f"{request.remote} {request.headers.get('User-Agent', '')}")
        viewed.count(request, video, seconds)
    return answer


def _seconds(folder: Path, name: str) -> float | None:
    """The length of a segment that is in the playlist."""
    text = (folder / PLAYLIST).read_text(encoding="utf-8") if (folder / PLAYLIST).is_file() else ""
    match = re.search(rf"^#EXTINF:([0-9.]+),\n{re.escape(name)}$", text, re.MULTILINE)
    return None if match is None else float(match[1])


async def lifecycle(request: web.Request) -> web.Response:
    """Whether a live input or a video is live; everybody may ask."""
    service = request.app[SERVICE]
    _, subject = viewing.named(request, service)
    if isinstance(subject, LiveInput):
        uid = service.broadcasts.video_of(subject.uid)
        return _json({"isInput": True, "videoUID": uid, "live": uid is not None})
    live = service.broadcasts.video_of(subject.live_input or "") == subject.uid
    return _json({"isInput": False, "videoUID": subject.uid, "live": live})


async def views(request: web.Request) -> web.Response:
    """How many watch what is live; everybody may ask, unless the live input hides it."""
    service = request.app[SERVICE]
    _, subject = viewing.named(request, service)
    record, uid = service.broadcasts.find(subject.uid), service.broadcasts.video_of(subject.uid)
    if isinstance(subject, Video):
        record, uid = service.broadcasts.find(subject.live_input or ""), subject.uid
    if record is not None and record.recording["hideLiveViewerCount"]:
        raise Refused(403, (AUTHENTICATION, "The live input hides how many watch it"))
    return _json({"liveViewers": 0 if uid is None else service.broadcasts.viewers.count(uid)})


def _json(shown: dict[str, Any]) -> web.Response:
    return web.json_response(shown, headers=FRESH)
