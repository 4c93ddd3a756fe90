"""Facts of the Stream API for the calls there are, written down apart from the code that is tested with them.

Sources: Cloudflare's API reference and its published OpenAPI text (names, verbs, paths, types, limits), the pages of
the Stream docs, and answers of the real service that were recorded in public. No code of the library is used.

Types: text, flag, integer, number, time (RFC 3339), object, file, list of <type>.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Keyword:
    """One keyword of a call: its name in Python and on the wire, its type and whether it may be left out or null."""

    python: str
    wire: str
    type: str
    required: bool = False
    null: bool = False
    low: float | None = None
    high: float | None = None
    length: int | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """One call: ``row`` is its constant, ``where`` is where its keywords go, ``gives`` what comes back."""

    row: str
    call: str
    verb: str
    path: str
    gives: str
    retry: str
    positional: tuple[str, ...] = ()
    path_keywords: tuple[str, ...] = ()
    keywords: tuple[Keyword, ...] = ()
    where: str | None = None
    model: str | None = None
    accept: str | None = None
    file_max: int | None = None
    in_query: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """One field of an answer: ``always`` when the service never leaves it out, ``empty`` what stands when it does."""

    python: str
    wire: str
    type: str
    always: bool = False
    empty: object = None
    unknown: object = None
    also: str | None = None
    secret: bool = False


@dataclass(frozen=True)
class Model:
    """One object of the answers; ``sample`` holds a value for every field as the wire has it."""

    name: str
    fields: tuple[Field, ...]
    sample: dict[str, object] = field(default_factory=dict)


STATES = ("pendingupload", "downloading", "queued", "inprogress", "ready", "error", "live-inprogress")
POSITIONS = ("upperRight", "upperLeft", "lowerLeft", "lowerRight", "center")

# The retry class follows from what a repetition does: reads change nothing, an edit, a caption file and a token have
# the same effect again, a delete is done once the object is gone, an upload and a watermark come into being twice.
CALLS = (
    Call(
        "STREAM_LIST",
        "stream.list",
        "GET",
        "/accounts/{account_id}/stream",
        "list",
        "READ",
        model="Video",
        where="query",
        keywords=(
            Keyword("id", "id", "text"),
            Keyword("creator", "creator", "text", length=64),
            Keyword("status", "status", "text", choices=STATES),
            Keyword("type", "type", "text", choices=("vod", "live")),
            Keyword("search", "search", "text"),
            Keyword("name", "name", "text"),
            Keyword("video_name", "video_name", "text"),
            Keyword("live_input_id", "live_input_id", "text"),
            Keyword("start", "start", "time"),
            Keyword("after", "after", "time"),
            Keyword("end", "end", "time"),
            Keyword("before", "before", "time"),
            Keyword("asc", "asc", "flag"),
            Keyword("limit", "limit", "integer", low=1, high=1000),
            Keyword("include_counts", "include_counts", "flag"),
        ),
    ),
    Call(
        "STREAM_GET",
        "stream.get",
        "GET",
        "/accounts/{account_id}/stream/{identifier}",
        "one",
        "READ",
        positional=("identifier",),
        model="Video",
    ),
    Call(
        "STREAM_CREATE",
        "stream.create",
        "POST",
        "/accounts/{account_id}/stream",
        "headers",
        "CREATE",
        where="headers",
        in_query=("direct_user",),
        keywords=(
            Keyword("upload_length", "Upload-Length", "integer", required=True, low=0),
            Keyword("direct_user", "direct_user", "flag"),
            Keyword("upload_creator", "Upload-Creator", "text", length=64),
            Keyword("upload_metadata", "Upload-Metadata", "text"),
            Keyword("tus_resumable", "Tus-Resumable", "text", choices=("1.0.0",)),
        ),
    ),
    Call(
        "STREAM_EDIT",
        "stream.edit",
        "POST",
        "/accounts/{account_id}/stream/{identifier}",
        "one",
        "SET",
        positional=("identifier",),
        model="Video",
        where="json",
        keywords=(
            Keyword("allowed_origins", "allowedOrigins", "list of text"),
            Keyword("creator", "creator", "text", length=64),
            Keyword("max_duration_seconds", "maxDurationSeconds", "integer", low=1, high=36000),
            Keyword("meta", "meta", "object"),
            Keyword("public_details", "publicDetails", "object"),
            Keyword("require_signed_urls", "requireSignedURLs", "flag"),
            Keyword("scheduled_deletion", "scheduledDeletion", "time", null=True),
            Keyword("thumbnail_timestamp_pct", "thumbnailTimestampPct", "number", low=0, high=1),
            Keyword("upload_expiry", "uploadExpiry", "time"),
            Keyword("uid", "uid", "text"),
        ),
    ),
    Call(
        "STREAM_DELETE",
        "stream.delete",
        "DELETE",
        "/accounts/{account_id}/stream/{identifier}",
        "nothing",
        "DELETE",
        positional=("identifier",),
    ),
    Call(
        "VIDEOS_STORAGE_USAGE",
        "stream.videos.storage_usage",
        "GET",
        "/accounts/{account_id}/stream/storage-usage",
        "one",
        "READ",
        model="StorageUsage",
        where="query",
        keywords=(Keyword("creator", "creator", "text", length=64),),
    ),
    Call(
        "TOKEN_CREATE",
        "stream.token.create",
        "POST",
        "/accounts/{account_id}/stream/{identifier}/token",
        "one",
        "SET",
        positional=("identifier",),
        model="Token",
        where="json",
        keywords=(
            Keyword("id", "id", "text"),
            Keyword("pem", "pem", "text"),
            Keyword("exp", "exp", "integer"),
            Keyword("nbf", "nbf", "integer"),
            Keyword("downloadable", "downloadable", "flag"),
            Keyword("access_rules", "accessRules", "list of object", length=5),
            Keyword("flags", "flags", "object"),
        ),
    ),
    Call(
        "CAPTIONS_LANGUAGE_UPDATE",
        "stream.captions.language.update",
        "PUT",
        "/accounts/{account_id}/stream/{identifier}/captions/{language}",
        "one",
        "SET",
        positional=("language",),
        path_keywords=("identifier",),
        model="Caption",
        where="form",
        file_max=10_000_000,
        keywords=(Keyword("file", "file", "file", required=True),),
    ),
    Call(
        "CAPTIONS_LANGUAGE_VTT_GET",
        "stream.captions.language.vtt.get",
        "GET",
        "/accounts/{account_id}/stream/{identifier}/captions/{language}/vtt",
        "text",
        "READ",
        positional=("language",),
        path_keywords=("identifier",),
        accept="text/vtt",
    ),
    Call(
        "WATERMARKS_CREATE",
        "stream.watermarks.create",
        "POST",
        "/accounts/{account_id}/stream/watermarks",
        "one",
        "CREATE",
        model="Watermark",
        where="form",
        file_max=2 * 1024 * 1024,
        keywords=(
            Keyword("file", "file", "file", required=True),
            Keyword("name", "name", "text"),
            Keyword("opacity", "opacity", "number", low=0, high=1),
            Keyword("padding", "padding", "number", low=0, high=1),
            Keyword("position", "position", "text", choices=POSITIONS),
            Keyword("scale", "scale", "number", low=0, high=1),
        ),
    ),
)

# Objects inside keywords.
NESTED_KEYWORDS = {
    "public_details": (
        Keyword("title", "title", "text", null=True),
        Keyword("share_link", "share_link", "text", null=True),
        Keyword("channel_link", "channel_link", "text", null=True),
        Keyword("logo", "logo", "text", null=True),
    ),
    "flags": (Keyword("original", "original", "flag"),),
}
ACCESS_RULE = ("type", "action", "country", "ip")

_WATERMARK_SAMPLE: dict[str, object] = {
    "uid": "5d" * 16,
    "size": 29472,
    "height": 600,
    "width": 400,
    "created": "2014-01-02T02:20:00Z",
    "downloadedFrom": "https://company.com/logo.png",
    "name": "Marketing Videos",
    "opacity": 0.75,
    "padding": 0.1,
    "scale": 0.1,
    "position": "center",
}

MODELS = (
    Model(
        "VideoInput",
        (
            Field("width", "width", "integer", unknown=-1),
            Field("height", "height", "integer", unknown=-1),
        ),
        {"width": 1280, "height": 720},
    ),
    Model(
        "Playback",
        (Field("hls", "hls", "text", empty=""), Field("dash", "dash", "text", empty="")),
        {"hls": "https://customer-c.cloudflarestream.com/u/manifest/video.m3u8", "dash": "https://example.com/v.mpd"},
    ),
    Model(
        "PublicDetails",
        (
            Field("title", "title", "text"),
            Field("share_link", "share_link", "text"),
            Field("channel_link", "channel_link", "text"),
            Field("logo", "logo", "text"),
            Field("media_id", "media_id", "integer"),
        ),
        {
            "title": "t",
            "share_link": "https://s.example",
            "channel_link": "https://c.example",
            "logo": "",
            "media_id": 7,
        },
    ),
    Model(
        "VideoStatus",
        (
            Field("state", "state", "text", empty=""),
            Field("pct_complete", "pctComplete", "number as text"),
            Field("error_reason_code", "errorReasonCode", "text", empty="", also="errReasonCode"),
            Field("error_reason_text", "errorReasonText", "text", empty="", also="errReasonText"),
            Field("step", "step", "text"),
        ),
        {
            "state": "inprogress",
            "pctComplete": "39.000000",
            "errorReasonCode": "",
            "errorReasonText": "",
            "step": "encoding",
        },
    ),
    Model(
        "Watermark",
        (
            Field("uid", "uid", "text", always=True),
            Field("created", "created", "time"),
            Field("downloaded_from", "downloadedFrom", "text"),
            Field("height", "height", "integer"),
            Field("width", "width", "integer"),
            Field("name", "name", "text"),
            Field("opacity", "opacity", "number"),
            Field("padding", "padding", "number"),
            Field("position", "position", "text"),
            Field("scale", "scale", "number"),
            Field("size", "size", "integer"),
        ),
        _WATERMARK_SAMPLE,
    ),
    Model(
        "Video",
        (
            Field("uid", "uid", "text", always=True),
            Field("created", "created", "time", always=True),
            Field("allowed_origins", "allowedOrigins", "list of text", empty=()),
            Field("clipped_from", "clippedFrom", "text"),
            Field("creator", "creator", "text"),
            Field("duration", "duration", "number", unknown=-1),
            Field("input", "input", "VideoInput", empty="VideoInput"),
            Field("live_input", "liveInput", "text"),
            Field("max_duration_seconds", "maxDurationSeconds", "integer", unknown=-1),
            Field("max_size_bytes", "maxSizeBytes", "integer"),
            Field("meta", "meta", "object", empty={}),
            Field("modified", "modified", "time"),
            Field("playback", "playback", "Playback", empty="Playback"),
            Field("preview", "preview", "text"),
            Field("public_details", "publicDetails", "PublicDetails"),
            Field("ready_to_stream", "readyToStream", "flag", empty=False),
            Field("ready_to_stream_at", "readyToStreamAt", "time"),
            Field("require_signed_urls", "requireSignedURLs", "flag", empty=False),
            Field("scheduled_deletion", "scheduledDeletion", "time"),
            Field("size", "size", "integer"),
            Field("status", "status", "VideoStatus", empty="VideoStatus"),
            Field("thumbnail", "thumbnail", "text"),
            Field("thumbnail_timestamp_pct", "thumbnailTimestampPct", "number"),
            Field("uploaded", "uploaded", "time"),
            Field("upload_expiry", "uploadExpiry", "time"),
            Field("watermark", "watermark", "Watermark"),
        ),
        {
            "uid": "a0" * 16,
            "created": "2024-08-14T14:34:51.294025Z",
            "allowedOrigins": ["example.com", "*.example.org"],
            "clippedFrom": "b1" * 16,
            "creator": "alice",
            "duration": 24.4,
            "input": {"width": 1280, "height": 720},
            "liveInput": "c2" * 16,
            "maxDurationSeconds": 3600,
            "maxSizeBytes": 1048576,
            "meta": {"name": "talk.mp4", "some_key": {"deepKey": [1, None]}},
            "modified": "2024-08-14T14:35:39.112868Z",
            "playback": {"hls": "https://example.com/v.m3u8", "dash": "https://example.com/v.mpd"},
            "preview": "https://example.com/watch",
            "publicDetails": {"title": "t", "share_link": None, "channel_link": "", "logo": "l", "media_id": 3},
            "readyToStream": True,
            "readyToStreamAt": "2024-08-14T14:35:39.114350Z",
            "requireSignedURLs": True,
            "scheduledDeletion": "2024-09-13T14:35:00Z",
            "size": 158008374,
            "status": {"state": "ready", "pctComplete": "100.000000", "errorReasonCode": "", "errorReasonText": ""},
            "thumbnail": "https://example.com/t.jpg",
            "thumbnailTimestampPct": 0.5,
            "uploaded": "2024-08-14T14:34:51.294018Z",
            "uploadExpiry": "2024-08-15T14:34:51.294018Z",
            "watermark": _WATERMARK_SAMPLE,
        },
    ),
    Model(
        "Caption",
        (
            Field("language", "language", "text", always=True),
            Field("label", "label", "text"),
            Field("generated", "generated", "flag", empty=False),
            Field("status", "status", "text"),
        ),
        {"language": "en", "label": "English (auto-generated)", "generated": True, "status": "inprogress"},
    ),
    Model(
        "Token",
        (Field("token", "token", "text", always=True, secret=True),),
        {"token": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"},
    ),
    Model(
        "StorageUsage",
        (
            Field("creator", "creator", "text"),
            Field("total_storage_minutes", "totalStorageMinutes", "number"),
            Field("total_storage_minutes_limit", "totalStorageMinutesLimit", "integer"),
            Field("video_count", "videoCount", "integer"),
        ),
        {"creator": "", "totalStorageMinutes": 144.05, "totalStorageMinutesLimit": 1000, "videoCount": 13},
    ),
)

# The service's limits.
LIMITS = {
    "chunk_min": 5_242_880,
    "chunk_default": 52_428_800,
    "chunk_max": 209_715_200,
    "chunk_multiple": 262_144,
    "file_max": 30_000_000_000,
    "basic_upload_max": 200_000_000,
    "caption_max": 10_000_000,
    "watermark_max": 2_097_152,
    "creator_length": 64,
    "page_max": 1000,
    "duration_max": 36_000,
    "access_rules": 5,
    "encoding_max": 120,
    "requests": 1200,
    "requests_window": 300,
    "upload_expiry": 86_400,
}

# Reason codes of failed encodes, and codes of API answers that the docs or recorded answers name.
REASON_CODES = (
    "ERR_NON_VIDEO",
    "ERR_DURATION_EXCEED_CONSTRAINT",
    "ERR_FETCH_ORIGIN_ERROR",
    "ERR_MALFORMED_VIDEO",
    "ERR_DURATION_TOO_SHORT",
    "ERR_UNKNOWN",
)
API_CODES = (7000, 7003, 10000, 10003, 10004, 10005, 10010, 10011, 10059)

# --- answers as they really come ---------------------------------------------------------------------------------

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
