"""A video as the service answers it, with every field that `cfstream.models.Video` knows."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

ACCOUNT = "0123456789abcdef0123456789abcdef"
_BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def video(number: int) -> dict[str, Any]:
    """Compose one video; the same number gives the same one."""
    chance = random.Random(number)
    uid, other, live, mark = (f"{chance.getrandbits(128):032x}" for _ in range(4))
    host = "https://customer-f33zs165nr7gyfy4.cloudflarestream.com"
    created = _BEGAN - timedelta(seconds=37 * number, microseconds=chance.randrange(1_000_000))
    return {
        "uid": uid,
        "creator": f"creator-{chance.randrange(10_000)}",
        "thumbnail": f"{host}/{uid}/thumbnails/thumbnail.jpg",
        "thumbnailTimestampPct": chance.random(),
        "readyToStream": True,
        "readyToStreamAt": _time(created, 95),
        "status": {
            "state": "ready",
            "step": "encoding",
            "pctComplete": "100.000000",
            "errorReasonCode": "ERR_NONE",
            "errorReasonText": f"Nothing went wrong with {uid}",
        },
        "meta": {
            "filename": f"talk-{number}.mp4",
            "filetype": "video/mp4",
            "name": f"Talk number {number} of the spring conference",
            "relativePath": "null",
            "type": "video/mp4",
        },
        "created": _time(created),
        "modified": _time(created, 120),
        "uploaded": _time(created, 30),
        "uploadExpiry": _time(created, 86_400),
        "scheduledDeletion": _time(created, 7_776_000),
        "size": chance.randrange(10**6, 10**9),
        "preview": f"{host}/{uid}/watch",
        "allowedOrigins": ["example.com", f"*.{number}.example.com"],
        "requireSignedURLs": True,
        "maxSizeBytes": chance.randrange(10**9, 10**10),
        "maxDurationSeconds": chance.randrange(300, 36_000),
        "duration": round(chance.uniform(10, 3600), 3),
        "input": {"width": 1920, "height": 1080},
        "playback": {
            "hls": f"{host}/{uid}/manifest/video.m3u8",
            "dash": f"{host}/{uid}/manifest/video.mpd",
        },
        "liveInput": live,
        "clippedFrom": other,
        "publicDetails": {
            "title": f"Talk {number}",
            "share_link": f"https://example.com/talks/{number}",
            "channel_link": f"https://example.com/channels/{number % 7}",
            "logo": f"https://example.com/logos/{number % 7}.png",
            "media_id": 10_000_000 + number,
        },
        "watermark": {
            "uid": mark,
            "size": 29_472 + number,
            "height": 600,
            "width": 400,
            "created": _time(_BEGAN, -90_000 - number),
            "downloadedFrom": f"https://example.com/marks/{mark}.png",
            "name": f"Mark {number}",
            "opacity": 0.75,
            "padding": 0.1,
            "scale": 0.15,
            "position": "center",
        },
    }


def _time(moment: datetime, seconds: int = 0) -> str:
    return (moment + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def one_answer() -> bytes:
    """Give the body that answers `stream.get`."""
    return _body(video(0))


def page_answer(size: int) -> bytes:
    """Give the body that answers `stream.list`."""
    return _body([video(number) for number in range(size)])


def _body(result: Any) -> bytes:
    envelope = {"result": result, "success": True, "errors": [], "messages": []}
    return json.dumps(envelope, separators=(",", ":")).encode()


def check_complete(decoded: Any) -> None:
    """Make sure that the composed video fills every field of the model, and knows no other."""
    for field in attrs.fields(type(decoded)):
        value = getattr(decoded, field.name)
        if field.name == "extra":
            assert not value, f"{type(decoded).__name__} does not know {list(value)}"
            continue
        assert value is not None, f"bench_video composes no {type(decoded).__name__}.{field.name}"
        assert value not in ("", ()), f"bench_video composes no {type(decoded).__name__}.{field.name}"
        if attrs.has(type(value)):
            check_complete(value)
