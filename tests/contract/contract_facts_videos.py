"""Facts of the calls on videos: list, upload, copy, clip, edit, storage and embed code."""

from dataclasses import replace

from contract_facts_media import WATERMARK_SAMPLE
from contract_shapes import Call, Field, Keyword, Model

STATES = ("pendingupload", "downloading", "queued", "inprogress", "ready", "error", "live-inprogress")

_STREAM = "/accounts/{account_id}/stream"
_VIDEO = f"{_STREAM}/{{identifier}}"
_DAYS = (30, 1096)

_CREATOR = Keyword("creator", "creator", "text", length=64)
_UPLOAD_CREATOR = Keyword("upload_creator", "Upload-Creator", "text", length=64, place="header")
_META = Keyword("meta", "meta", "object")
_ORIGINS = Keyword("allowed_origins", "allowedOrigins", "list of text")
_SIGNED = Keyword("require_signed_urls", "requireSignedURLs", "flag")
_PCT = Keyword("thumbnail_timestamp_pct", "thumbnailTimestampPct", "number", low=0, high=1)
_DURATION = Keyword("max_duration_seconds", "maxDurationSeconds", "integer", low=1, high=36000)
_DELETION = Keyword("scheduled_deletion", "scheduledDeletion", "time", days=_DAYS)
_NAME = Keyword("name", "name", "text")
_INPUT = Keyword("input", "input", "address")
_URL = Keyword("url", "url", "address")
_WATERMARK = Keyword("watermark", "watermark", "WatermarkAtUpload")
_NEW_VIDEO = (_ORIGINS, _CREATOR, _META, _SIGNED, _DELETION, _PCT, _WATERMARK)

CALLS = (
    Call(
        "STREAM_LIST",
        "stream.list",
        "GET",
        _STREAM,
        "list",
        "READ",
        model="Video",
        place="query",
        keywords=(
            Keyword("id", "id", "text"),
            _CREATOR,
            Keyword("status", "status", "text", choices=STATES),
            Keyword("type", "type", "text", choices=("vod", "live")),
            Keyword("search", "search", "text"),
            _NAME,
            Keyword("video_name", "video_name", "text"),
            Keyword("live_input_id", "live_input_id", "uid"),
            Keyword("start", "start", "time"),
            Keyword("after", "after", "time"),
            Keyword("end", "end", "time"),
            Keyword("before", "before", "time"),
            Keyword("asc", "asc", "flag"),
            Keyword("limit", "limit", "integer", low=1, high=1000),
            Keyword("include_counts", "include_counts", "flag"),
        ),
    ),
    Call("STREAM_GET", "stream.get", "GET", _VIDEO, "one", "READ", positional=("identifier",), model="Video"),
    Call(
        "STREAM_CREATE",
        "stream.create",
        "POST",
        _STREAM,
        "headers",
        "CREATE",
        status=201,
        model="TusUpload",
        place="header",
        own_headers=("Tus-Resumable",),
        keywords=(
            Keyword("upload_length", "Upload-Length", "integer", required=True, low=0),
            Keyword("direct_user", "direct_user", "flag", place="query"),
            _UPLOAD_CREATOR,
            Keyword("upload_metadata", "Upload-Metadata", "text", sample="name dGFsaw==,requiresignedurls"),
            Keyword("tus_resumable", "Tus-Resumable", "text", choices=("1.0.0",)),
        ),
    ),
    Call(
        "STREAM_EDIT",
        "stream.edit",
        "POST",
        _VIDEO,
        "one",
        "SET",
        positional=("identifier",),
        model="Video",
        place="json",
        keywords=(
            _ORIGINS,
            _CREATOR,
            _DURATION,
            _META,
            Keyword("public_details", "publicDetails", "PublicDetails"),
            _SIGNED,
            # the 30 to 1,096 days count from the creation of the video, which a client does not know
            Keyword("scheduled_deletion", "scheduledDeletion", "time", null=True),
            _PCT,
            Keyword("upload_expiry", "uploadExpiry", "time"),
            Keyword("uid", "uid", "uid"),
        ),
    ),
    Call("STREAM_DELETE", "stream.delete", "DELETE", _VIDEO, "nothing", "DELETE", positional=("identifier",)),
    Call(
        "VIDEOS_STORAGE_USAGE",
        "stream.videos.storage_usage",
        "GET",
        f"{_STREAM}/storage-usage",
        "one",
        "READ",
        model="StorageUsage",
        place="query",
        keywords=(_CREATOR,),
    ),
    Call(
        "CLIP_CREATE",
        "stream.clip.create",
        "POST",
        f"{_STREAM}/clip",
        "one",
        "CREATE",
        model="Clip",
        place="json",
        rising=("start_time_seconds", "end_time_seconds"),
        keywords=(
            Keyword("clipped_from_video_uid", "clippedFromVideoUID", "uid", required=True, length=32),
            Keyword("start_time_seconds", "startTimeSeconds", "integer", required=True, sample=5),
            Keyword("end_time_seconds", "endTimeSeconds", "integer", required=True, sample=65),
            *_NEW_VIDEO,
            _NAME,
            _INPUT,
            _URL,
        ),
    ),
    Call(
        "COPY_CREATE",
        "stream.copy.create",
        "POST",
        f"{_STREAM}/copy",
        "one",
        "CREATE",
        model="Video",
        place="json",
        any_of=("input", "url"),
        keywords=(*_NEW_VIDEO, _INPUT, _URL, _NAME, _UPLOAD_CREATOR),
    ),
    Call(
        "DIRECT_UPLOAD_CREATE",
        "stream.direct_upload.create",
        "POST",
        f"{_STREAM}/direct_upload",
        "one",
        "CREATE",
        model="DirectUpload",
        place="json",
        keywords=(
            replace(_DURATION, required=True),
            *_NEW_VIDEO,
            Keyword("expiry", "expiry", "time"),
            _UPLOAD_CREATOR,
        ),
    ),
    Call(
        "EMBED_GET",
        "stream.embed.get",
        "GET",
        f"{_VIDEO}/embed",
        "text",
        "READ",
        positional=("identifier",),
        accept="text/html",
    ),
)

NESTED = {
    "PublicDetails": (
        Keyword("title", "title", "text", null=True),
        Keyword("share_link", "share_link", "text", null=True),
        Keyword("channel_link", "channel_link", "text", null=True),
        Keyword("logo", "logo", "text", null=True),
    ),
    "WatermarkAtUpload": (Keyword("uid", "uid", "uid", length=32),),
}

_VIDEO_FIELDS = (
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
)

_HOST = "https://customer-c0de.cloudflarestream.com"
_PLAYBACK_SAMPLE: dict[str, object] = {
    "hls": f"{_HOST}/a0/manifest/video.m3u8",
    "dash": f"{_HOST}/a0/manifest/video.mpd",
}

_VIDEO_SAMPLE: dict[str, object] = {
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
    "playback": _PLAYBACK_SAMPLE,
    "preview": f"{_HOST}/a0/watch",
    "publicDetails": {"title": "t", "share_link": None, "channel_link": "", "logo": "l", "media_id": 3},
    "readyToStream": True,
    "readyToStreamAt": "2024-08-14T14:35:39.11435Z",
    "requireSignedURLs": True,
    "scheduledDeletion": "2024-09-13T14:35:00Z",
    "size": 158008374,
    "status": {"state": "ready", "pctComplete": "100.000000", "errorReasonCode": "", "errorReasonText": ""},
    "thumbnail": f"{_HOST}/a0/thumbnails/thumbnail.jpg",
    "thumbnailTimestampPct": 0.5,
    "uploaded": "2024-08-14T14:34:51.294018Z",
    "uploadExpiry": "2024-08-15T14:34:51.294018Z",
    "watermark": WATERMARK_SAMPLE,
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
        _PLAYBACK_SAMPLE,
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
            Field("state", "state", "text", empty="", choices=STATES),
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
    Model("Video", _VIDEO_FIELDS, _VIDEO_SAMPLE),
    Model(
        "Clip",
        (
            Field("uid", "uid", "text", empty=""),
            *(replace(field, word=field.wire == "status") for field in _VIDEO_FIELDS[1:]),
            Field("clipped_from_video_uid", "clippedFromVideoUID", "text"),
            Field("start_time_seconds", "startTimeSeconds", "integer"),
            Field("end_time_seconds", "endTimeSeconds", "integer"),
        ),
        {
            **_VIDEO_SAMPLE,
            "clippedFromVideoUID": "b1" * 16,
            "startTimeSeconds": 5,
            "endTimeSeconds": 65,
        },
    ),
    Model(
        "DirectUpload",
        (
            Field("uid", "uid", "text", always=True),
            Field("upload_url", "uploadURL", "text", always=True, secret=True),
            Field("scheduled_deletion", "scheduledDeletion", "time"),
            Field("watermark", "watermark", "Watermark"),
        ),
        {
            "uid": "d4" * 16,
            "uploadURL": f"https://upload.cloudflarestream.com/{'d4' * 16}",
            "scheduledDeletion": "2024-09-13T14:35:00Z",
            "watermark": WATERMARK_SAMPLE,
        },
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
