"""Objects as the API shows them: the service's key order, its nulls, its -1 and its numbers in text."""

from collections.abc import Mapping
from typing import Any

from cfstream.emulator import times
from cfstream.emulator.records import ENCODING, ERROR, READY, Video

_PUBLIC_DETAILS = {"title": "", "share_link": "", "channel_link": "", "logo": ""}


def video(record: Video, site: str) -> dict[str, Any]:
    """A video."""
    home = f"{site}/{record.uid}"
    shown: dict[str, Any] = {
        "uid": record.uid,
        "creator": record.creator,
        "thumbnail": f"{home}/thumbnails/thumbnail.jpg",
        "thumbnailTimestampPct": _number(record.thumbnail_pct),
        "readyToStream": record.ready_at is not None,
        "readyToStreamAt": times.maybe_text(record.ready_at),
        "status": status(record),
        "meta": dict(record.meta),
        "created": times.text(record.created),
        "modified": times.text(record.modified),
        "scheduledDeletion": times.maybe_text(record.scheduled_deletion),
        "size": record.size,
        "preview": f"{home}/watch",
        "allowedOrigins": record.allowed_origins,
        "requireSignedURLs": record.require_signed_urls,
        "uploaded": times.maybe_text(record.uploaded),
        "uploadExpiry": times.maybe_text(record.upload_expiry),
        "maxSizeBytes": None,
        "maxDurationSeconds": record.max_duration,
        "duration": _number(round(record.duration, 1)),
        "input": {"width": record.width, "height": record.height},
        "playback": {"hls": f"{home}/manifest/video.m3u8", "dash": f"{home}/manifest/video.mpd"},
        "watermark": record.watermark,
        "clippedFrom": record.clipped_from,
        "publicDetails": public_details(record.public_details),
    }
    if record.live_input is not None:
        shown["liveInput"] = record.live_input
    return shown


def status(record: Video) -> dict[str, Any]:
    """Where a video stands; each state has its own keys."""
    shown: dict[str, Any] = {"state": record.state}
    if record.state in (ENCODING, ERROR):
        shown["step"] = "encoding"
    if record.state in (ENCODING, READY) and record.percent is not None:
        shown["pctComplete"] = f"{record.percent:.6f}"
    shown["errorReasonCode"] = record.error_code
    shown["errorReasonText"] = record.error_text
    return shown


def public_details(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the player shows: null until it is first set, then every key."""
    return None if given is None else {**_PUBLIC_DETAILS, **given}


def _number(value: float) -> float:
    # The service writes 25 where Python would write 25.0.
    return int(value) if value == int(value) else value
