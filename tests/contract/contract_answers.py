"""Answers as the service really gives them, by what was recorded in public and what the docs print."""

_HOST = "https://customer-c.cloudflarestream.com/"

RECORDING: dict[str, object] = {
    "uid": "a0" * 16,
    "creator": None,
    "thumbnail": f"{_HOST}a0/thumbnails/thumbnail.jpg",
    "thumbnailTimestampPct": 0,
    "readyToStream": True,
    "readyToStreamAt": "2024-08-14T14:35:39.11435Z",
    "status": {"state": "ready", "pctComplete": "100.000000", "errorReasonCode": "", "errorReasonText": ""},
    "meta": {"name": "14 Aug 24 14:34 UTC"},
    "created": "2024-08-14T14:34:51.294025Z",
    "modified": "2024-08-14T14:35:39.112868Z",
    "scheduledDeletion": "2024-09-13T14:35:00Z",
    "size": 0,
    "preview": f"{_HOST}a0/watch",
    "allowedOrigins": [],
    "requireSignedURLs": False,
    "uploaded": "2024-08-14T14:34:51.294018Z",
    "uploadExpiry": None,
    "maxSizeBytes": None,
    "maxDurationSeconds": None,
    "duration": 25,
    "input": {"width": 1280, "height": 720},
    "playback": {"hls": f"{_HOST}a0/manifest/video.m3u8", "dash": f"{_HOST}a0/manifest/video.mpd"},
    "watermark": None,
    "liveInput": "ae" * 16,
    "clippedFrom": None,
    "publicDetails": {"title": "", "share_link": "", "channel_link": "", "logo": ""},
}
"""A recording of a broadcast: five fraction digits, whole-number duration, empty texts in publicDetails."""

COPYING: dict[str, object] = {
    "uid": "b1" * 16,
    "creator": None,
    "thumbnail": f"{_HOST}b1/thumbnails/thumbnail.jpg",
    "thumbnailTimestampPct": 0,
    "readyToStream": False,
    "readyToStreamAt": None,
    "status": {"state": "downloading", "errorReasonCode": "", "errorReasonText": ""},
    "meta": {"downloaded-from": "https://example.com/a.mp4", "name": "a"},
    "created": "2020-10-16T20:20:17.872170843Z",
    "modified": "2020-10-16T20:20:17.872170843Z",
    "scheduledDeletion": None,
    "size": 158008374,
    "preview": f"{_HOST}b1/watch",
    "allowedOrigins": [],
    "requireSignedURLs": False,
    "uploaded": "2020-10-16T20:20:17.872170843Z",
    "uploadExpiry": None,
    "maxSizeBytes": None,
    "maxDurationSeconds": None,
    "duration": -1,
    "input": {"width": -1, "height": -1},
    "playback": {"hls": f"{_HOST}b1/manifest/video.m3u8", "dash": f"{_HOST}b1/manifest/video.mpd"},
    "watermark": None,
    "clippedFrom": None,
    "publicDetails": None,
}
"""A video that is being fetched: no pctComplete, -1 for unknown, nine fraction digits, publicDetails null."""

FAILED: dict[str, object] = {
    **COPYING,
    "uid": "c2" * 16,
    "status": {
        "state": "error",
        "step": "encoding",
        "errReasonCode": "ERR_NON_VIDEO",
        "errReasonText": "not a valid video file",
        "pctComplete": "39",
    },
    "publicDetails": {"title": None, "share_link": None, "channel_link": None, "logo": None},
}
"""A failed encode as the docs print it: the short spelling of the reason, null values in publicDetails."""

LIST_ROW: dict[str, object] = {
    "uid": "d3" * 16,
    "created": "2024-01-02T03:04:05Z",
    "status": {"state": "archived-to-tape", "pctComplete": "39.000000", "cold": True},
    "input": {"width": 640, "height": 360, "rotation": 90},
    "maxDurationSeconds": -1,
    "meta": None,
    "allowedOrigins": None,
    "playback": None,
    "newFeature": {"enabled": True},
    "extra": "a field of that very name",
}
"""What may come tomorrow: a state and fields that are not known, and null where an object always stood."""

OLD_CLIP: dict[str, object] = {
    "clippedFromVideoUID": "b1" * 16,
    "startTimeSeconds": 5,
    "endTimeSeconds": 65,
    "created": "2014-01-02T02:20:00Z",
    "modified": "2014-01-02T02:20:00Z",
    "creator": "alice",
    "maxDurationSeconds": -1,
    "meta": {},
    "allowedOrigins": [],
    "playback": {"hls": f"{_HOST}b1/manifest/video.m3u8", "dash": f"{_HOST}b1/manifest/video.mpd"},
    "preview": f"{_HOST}b1/watch",
    "requireSignedURLs": False,
    "status": "queued",
    "thumbnailTimestampPct": 0,
    "watermark": {"uid": "5d" * 16},
}
"""A clip as the older reference has it: no uid, the status a word, the watermark a uid alone."""

NEW_CLIP: dict[str, object] = {
    **COPYING,
    "uid": "e4" * 16,
    "status": {"state": "queued", "errorReasonCode": "", "errorReasonText": ""},
    "meta": {},
    "size": 0,
    "uploaded": None,
    "clippedFrom": "b1" * 16,
    "playback": {
        "hls": "https://cloudflarestream.com/e4/manifest/video.m3u8",
        "dash": "https://cloudflarestream.com/e4/manifest/video.mpd",
    },
}
"""A clip as it really comes: a video that names its source."""

NEW_INPUT: dict[str, object] = {
    "uid": "c2" * 16,
    "rtmps": {"url": "rtmps://live.cloudflare.com:443/live/", "streamKey": "1ac2"},
    "rtmpsPlayback": {"url": "rtmps://live.cloudflare.com:443/live/", "streamKey": "4dc2"},
    "srt": {"url": "srt://live.cloudflare.com:778", "streamId": "c2", "passphrase": "2bc2"},
    "srtPlayback": {"url": "srt://live.cloudflare.com:778", "streamId": "playc2", "passphrase": "5ec2"},
    "webRTC": {"url": f"{_HOST}3cc2/webRTC/publish"},
    "webRTCPlayback": {"url": f"{_HOST}c2/webRTC/play"},
    "created": "2024-05-14T10:59:12.123456Z",
    "modified": "2024-05-14T10:59:12.123456Z",
    "meta": {"name": "studio"},
    "defaultCreator": None,
    "status": None,
    "recording": {
        "mode": "automatic",
        "requireSignedURLs": False,
        "allowedOrigins": None,
        "hideLiveViewerCount": False,
    },
    "deleteRecordingAfterDays": None,
}
"""A live input just made: nobody connected yet, null origins, no timeout, none of the newer fields."""

INPUT_ROW: dict[str, object] = {
    "uid": "c2" * 16,
    "created": "2024-05-14T10:59:12.123456Z",
    "modified": "2024-05-14T10:59:12.123456Z",
    "meta": {"name": "studio"},
    "deleteRecordingAfterDays": None,
}
"""A live input as lists have it: without keys, status and, in older answers, ``enabled``."""

NEW_OUTPUT: dict[str, object] = {
    "uid": "f7" * 16,
    "url": "rtmp://a.rtmp.example/live2",
    "streamKey": "abcd-efgh",
    "enabled": True,
    "status": None,
}
"""An output just made."""

WEBHOOK: dict[str, object] = {
    "notification_url": "https://example.com/hook",
    "notificationUrl": "https://example.com/hook",
    "modified": "2024-08-14T09:50:16.484603Z",
    "secret": "e853f3bd4563a66c86979cd584f08eb3c72ddd75",
}
"""A webhook as it really comes: the address under both spellings."""

DIRECT_UPLOAD: dict[str, object] = {
    "uploadURL": "https://upload.videodelivery.net/d4",
    "uid": "d4" * 16,
    "watermark": None,
    "scheduledDeletion": None,
}
"""A direct upload without watermark and deletion."""
