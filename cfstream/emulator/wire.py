"""Objects as the API shows them: the service's key order, its nulls, its -1 and its numbers in text."""

from collections.abc import Mapping
from typing import Any

from cfstream.emulator import times
from cfstream.emulator.ingest.status import shown as shown_status
from cfstream.emulator.storage.records import ENCODING, ERROR, READY, LiveInput, Video

# Nothing of a local account is to reach the real service: the addresses have its form, not its host.
_RTMPS = "rtmps://127.0.0.1:443/live/"
_SRT = "srt://127.0.0.1:778"
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
        "playback": _playback(home),
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


def live_input(record: LiveInput, site: str, ingest: str, now: int) -> dict[str, Any]:
    """A live input with its credentials; those hold 32 hexadecimal digits of their own, then ``k`` and its uid.

    Args:
        record: the live input.
        site: where the emulator is.
        ingest: where it takes in broadcasts; by RTMP without TLS, whatever the name of the field says.
        now: the present instant.
    """
    keys, home = record.keys, f"{site}/{record.uid}"
    shown: dict[str, Any] = {
        "uid": record.uid,
        "rtmps": {"url": ingest, "streamKey": keys["rtmps"]},
        "rtmpsPlayback": {"url": _RTMPS, "streamKey": keys["rtmps_playback"]},
        "srt": {"url": _SRT, "streamId": record.uid, "passphrase": keys["srt"]},
        "srtPlayback": {"url": _SRT, "streamId": f"play{record.uid}", "passphrase": keys["srt_playback"]},
        "webRTC": {"url": f"{site}/{keys['web_rtc']}/webRTC/publish"},
        "webRTCPlayback": {"url": f"{home}/webRTC/play"},
        "created": times.text(record.created),
        "modified": times.text(record.modified),
        "meta": dict(record.meta),
        "defaultCreator": record.default_creator,
        "status": shown_status(record.status, now),
        "recording": dict(record.recording),
        "deleteRecordingAfterDays": _days(record),
        "enabled": record.enabled,
        "preferLowLatency": record.prefer_low_latency,
        "playback": _playback(home),
    }
    if record.keys_rotated_at is not None:
        shown["keysRotatedAt"] = times.text(record.keys_rotated_at)
    return shown


def live_input_row(record: LiveInput) -> dict[str, Any]:
    """A live input as lists show it, without credentials."""
    return {
        "uid": record.uid,
        "created": times.text(record.created),
        "modified": times.text(record.modified),
        "meta": dict(record.meta),
        "deleteRecordingAfterDays": _days(record),
        "enabled": record.enabled,
    }


def _days(record: LiveInput) -> float | None:
    days = record.delete_recording_after_days
    return None if days is None else _number(days)


def _playback(home: str) -> dict[str, str]:
    return {"hls": f"{home}/manifest/video.m3u8", "dash": f"{home}/manifest/video.mpd"}


def _number(value: float) -> float:
    # The service writes 25 where Python would write 25.0.
    return int(value) if value == int(value) else value
