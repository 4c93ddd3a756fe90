"""Facts of what is attached to videos: audio tracks, captions, downloads and watermark profiles."""

from contract_shapes import Call, Field, Keyword, Model

POSITIONS = ("upperRight", "upperLeft", "lowerLeft", "lowerRight", "center")
_MADE = ("ready", "inprogress", "error")

_STREAM = "/accounts/{account_id}/stream"
_VIDEO = f"{_STREAM}/{{identifier}}"
_AUDIO = f"{_VIDEO}/audio"
_CAPTION = f"{_VIDEO}/captions/{{language}}"
_DOWNLOADS = f"{_VIDEO}/downloads"
_WATERMARKS = f"{_STREAM}/watermarks"

_LABEL = Keyword("label", "label", "text", required=True)
_FILE = Keyword("file", "file", "file", required=True)

_AUDIO_CALLS = (
    Call(
        "AUDIO_TRACKS_GET",
        "stream.audio_tracks.get",
        "GET",
        _AUDIO,
        "list",
        "READ",
        positional=("identifier",),
        model="Audio",
        inside="audio",
    ),
    Call(
        "AUDIO_TRACKS_EDIT",
        "stream.audio_tracks.edit",
        "PATCH",
        f"{_AUDIO}/{{audio_identifier}}",
        "one",
        "SET",
        positional=("audio_identifier",),
        path_keywords=("identifier",),
        model="Audio",
        place="json",
        keywords=(Keyword("label", "label", "text"), Keyword("default", "default", "flag")),
    ),
    Call(
        "AUDIO_TRACKS_DELETE",
        "stream.audio_tracks.delete",
        "DELETE",
        f"{_AUDIO}/{{audio_identifier}}",
        "nothing",
        "DELETE",
        positional=("audio_identifier",),
        path_keywords=("identifier",),
    ),
    Call(
        "AUDIO_TRACKS_COPY",
        "stream.audio_tracks.copy",
        "POST",
        f"{_AUDIO}/copy",
        "one",
        "CREATE",
        positional=("identifier",),
        model="Audio",
        place="json",
        keywords=(_LABEL, Keyword("url", "url", "address")),
    ),
    Call(
        "AUDIO_TRACKS_UPLOAD",
        "stream.audio_tracks.upload",
        "POST",
        _AUDIO,
        "one",
        "BODY_POST",
        positional=("identifier",),
        model="Audio",
        place="form",
        file_max=200_000_000,
        file_start=b"ID3\x04\x00\x00",
        keywords=(_FILE, _LABEL),
    ),
)

_CAPTION_CALLS = (
    Call(
        "CAPTIONS_GET",
        "stream.captions.get",
        "GET",
        f"{_VIDEO}/captions",
        "list",
        "READ",
        positional=("identifier",),
        model="Caption",
    ),
    Call(
        "CAPTIONS_LANGUAGE_GET",
        "stream.captions.language.get",
        "GET",
        _CAPTION,
        "one",
        "READ",
        positional=("language",),
        path_keywords=("identifier",),
        model="Caption",
    ),
    Call(
        "CAPTIONS_LANGUAGE_CREATE",
        "stream.captions.language.create",
        "POST",
        f"{_CAPTION}/generate",
        "one",
        "GENERATE",
        positional=("language",),
        path_keywords=("identifier",),
        model="Caption",
    ),
    Call(
        "CAPTIONS_LANGUAGE_UPDATE",
        "stream.captions.language.update",
        "PUT",
        _CAPTION,
        "one",
        "SET",
        positional=("language",),
        path_keywords=("identifier",),
        model="Caption",
        place="form",
        file_max=10_000_000,
        file_start=b"WEBVTT\n\n",
        keywords=(_FILE,),
    ),
    Call(
        "CAPTIONS_LANGUAGE_DELETE",
        "stream.captions.language.delete",
        "DELETE",
        _CAPTION,
        "nothing",
        "DELETE",
        positional=("language",),
        path_keywords=("identifier",),
    ),
    Call(
        "CAPTIONS_LANGUAGE_VTT_GET",
        "stream.captions.language.vtt.get",
        "GET",
        f"{_CAPTION}/vtt",
        "text",
        "READ",
        positional=("language",),
        path_keywords=("identifier",),
        accept="text/vtt",
    ),
)

_DOWNLOAD_CALLS = (
    Call(
        "DOWNLOADS_GET",
        "stream.downloads.get",
        "GET",
        _DOWNLOADS,
        "one",
        "READ",
        positional=("identifier",),
        model="Downloads",
    ),
    Call(
        "DOWNLOADS_CREATE",
        "stream.downloads.create",
        "POST",
        _DOWNLOADS,
        "one",
        "SET",
        positional=("identifier",),
        model="Downloads",
    ),
    Call(
        "DOWNLOADS_DELETE",
        "stream.downloads.delete",
        "DELETE",
        _DOWNLOADS,
        "nothing",
        "DELETE",
        positional=("identifier",),
    ),
    Call(
        "DOWNLOADS_CREATE_TYPE",
        "stream.downloads.create_type",
        "POST",
        f"{_DOWNLOADS}/{{download_type}}",
        "one",
        "SET",
        positional=("download_type",),
        path_keywords=("identifier",),
        model="Downloads",
    ),
    Call(
        "DOWNLOADS_DELETE_TYPE",
        "stream.downloads.delete_type",
        "DELETE",
        f"{_DOWNLOADS}/{{download_type}}",
        "nothing",
        "DELETE",
        positional=("download_type",),
        path_keywords=("identifier",),
    ),
)

_WATERMARK_CALLS = (
    Call("WATERMARKS_LIST", "stream.watermarks.list", "GET", _WATERMARKS, "list", "READ", model="Watermark"),
    Call(
        "WATERMARKS_GET",
        "stream.watermarks.get",
        "GET",
        f"{_WATERMARKS}/{{identifier}}",
        "one",
        "READ",
        positional=("identifier",),
        model="Watermark",
    ),
    Call(
        "WATERMARKS_CREATE",
        "stream.watermarks.create",
        "POST",
        _WATERMARKS,
        "one",
        "CREATE",
        model="Watermark",
        place="form",
        file_max=2 * 1024 * 1024,
        file_start=b"\x89PNG\r\n\x1a\n",
        one_of=("file", "url"),
        keywords=(
            Keyword("file", "file", "file"),
            Keyword("url", "url", "address", place="json"),
            Keyword("name", "name", "text"),
            Keyword("opacity", "opacity", "number", low=0, high=1),
            Keyword("padding", "padding", "number", low=0, high=1),
            Keyword("position", "position", "text", choices=POSITIONS),
            Keyword("scale", "scale", "number", low=0, high=1),
        ),
    ),
    Call(
        "WATERMARKS_DELETE",
        "stream.watermarks.delete",
        "DELETE",
        f"{_WATERMARKS}/{{identifier}}",
        "nothing",
        "DELETE",
        positional=("identifier",),
    ),
)

CALLS = (*_AUDIO_CALLS, *_CAPTION_CALLS, *_DOWNLOAD_CALLS, *_WATERMARK_CALLS)

WATERMARK_SAMPLE: dict[str, object] = {
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
_DOWNLOAD_SAMPLE: dict[str, object] = {
    "status": "inprogress",
    "percentComplete": 12.5,
    "url": "https://customer-c0de.cloudflarestream.com/a0/downloads/default.mp4",
}

MODELS = (
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
            Field("position", "position", "text", choices=POSITIONS),
            Field("scale", "scale", "number"),
            Field("size", "size", "integer"),
        ),
        WATERMARK_SAMPLE,
    ),
    Model(
        "Audio",
        (
            Field("uid", "uid", "text", always=True),
            Field("label", "label", "text"),
            Field("default", "default", "flag", empty=False),
            Field("status", "status", "text", choices=("queued", "ready", "error")),
        ),
        {"uid": "e6" * 16, "label": "Deutsch", "default": True, "status": "queued"},
    ),
    Model(
        "Caption",
        (
            Field("language", "language", "text", always=True),
            Field("label", "label", "text"),
            Field("generated", "generated", "flag", empty=False),
            Field("status", "status", "text", choices=_MADE),
        ),
        {"language": "en", "label": "English (auto-generated)", "generated": True, "status": "inprogress"},
    ),
    Model(
        "Download",
        (
            Field("status", "status", "text", empty="", choices=_MADE),
            Field("percent_complete", "percentComplete", "number"),
            Field("url", "url", "text"),
        ),
        _DOWNLOAD_SAMPLE,
    ),
    Model(
        "Downloads",
        (Field("default", "default", "Download"), Field("audio", "audio", "Download")),
        {
            "default": _DOWNLOAD_SAMPLE,
            "audio": {
                "status": "ready",
                "percentComplete": 100,
                "url": "https://customer-c0de.cloudflarestream.com/a0/downloads/audio.m4a",
            },
        },
    ),
)
