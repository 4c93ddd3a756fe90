"""Facts of live inputs and their outputs."""

from contract_shapes import Call, Field, Keyword, Model

_INPUTS = "/accounts/{account_id}/stream/live_inputs"
_INPUT = f"{_INPUTS}/{{live_input_identifier}}"
_OUTPUTS = f"{_INPUT}/outputs"
_BY_INPUT = ("live_input_identifier",)

# The words of the reference; the service sends them as the reason of a state.
STATUS_WORDS = (
    "connected",
    "reconnected",
    "reconnecting",
    "client_disconnect",
    "ttl_exceeded",
    "failed_to_connect",
    "failed_to_reconnect",
    "new_configuration_accepted",
)
STATES = ("connected", "connecting", "reconnecting", "disconnected", "errored")
MODES = ("off", "automatic")

_SETTINGS = (
    Keyword("default_creator", "defaultCreator", "text", length=64),
    Keyword(
        "delete_recording_after_days",
        "deleteRecordingAfterDays",
        "number",
        null=True,
        low=30,
        high=1096,
        sample=45,
    ),
    Keyword("enabled", "enabled", "flag", sample=False),
    Keyword("meta", "meta", "object"),
    Keyword("prefer_low_latency", "preferLowLatency", "flag"),
    Keyword("recording", "recording", "Recording"),
)

CALLS = (
    Call(
        "LIVE_INPUTS_LIST",
        "stream.live_inputs.list",
        "GET",
        _INPUTS,
        "list",
        "READ",
        model="LiveInputSummary",
        inside="liveInputs",
        place="query",
        keywords=(Keyword("include_counts", "include_counts", "flag"),),
    ),
    Call("LIVE_INPUTS_GET", "stream.live_inputs.get", "GET", _INPUT, "one", "READ", _BY_INPUT, model="LiveInput"),
    Call(
        "LIVE_INPUTS_CREATE",
        "stream.live_inputs.create",
        "POST",
        _INPUTS,
        "one",
        "SET",
        model="LiveInput",
        place="json",
        own_headers=("Idempotency-Key",),
        keywords=(*_SETTINGS, Keyword("idempotency_key", "Idempotency-Key", "text", octets=255, place="header")),
    ),
    Call(
        "LIVE_INPUTS_UPDATE",
        "stream.live_inputs.update",
        "PUT",
        _INPUT,
        "one",
        "SET",
        _BY_INPUT,
        model="LiveInput",
        place="json",
        keywords=_SETTINGS,
    ),
    Call("LIVE_INPUTS_DELETE", "stream.live_inputs.delete", "DELETE", _INPUT, "nothing", "DELETE", _BY_INPUT),
    Call(
        "LIVE_INPUTS_ENABLE",
        "stream.live_inputs.enable",
        "POST",
        f"{_INPUT}/enable",
        "one",
        "SET",
        _BY_INPUT,
        model="LiveInput",
    ),
    Call(
        "LIVE_INPUTS_DISABLE",
        "stream.live_inputs.disable",
        "POST",
        f"{_INPUT}/disable",
        "one",
        "SET",
        _BY_INPUT,
        model="LiveInput",
    ),
    Call(
        "LIVE_INPUTS_ROTATE_KEYS",
        "stream.live_inputs.rotate_keys",
        "POST",
        f"{_INPUT}/rotate_keys",
        "one",
        "CREATE",
        _BY_INPUT,
        model="LiveInput",
    ),
    Call(
        "LIVE_INPUTS_VIDEOS",
        "stream.live_inputs.videos",
        "GET",
        f"{_INPUT}/videos",
        "list",
        "READ",
        _BY_INPUT,
        model="Video",
    ),
    Call(
        "LIVE_INPUTS_OUTPUTS_LIST",
        "stream.live_inputs.outputs.list",
        "GET",
        _OUTPUTS,
        "list",
        "READ",
        _BY_INPUT,
        model="Output",
    ),
    Call(
        "LIVE_INPUTS_OUTPUTS_CREATE",
        "stream.live_inputs.outputs.create",
        "POST",
        _OUTPUTS,
        "one",
        "CREATE",
        _BY_INPUT,
        model="Output",
        place="json",
        keywords=(
            Keyword("url", "url", "text", required=True, secret=True, sample="rtmps://a.rtmps.example:443/live2"),
            Keyword("stream_key", "streamKey", "text", required=True, secret=True),
            Keyword("enabled", "enabled", "flag", sample=False),
        ),
    ),
    Call(
        "LIVE_INPUTS_OUTPUTS_UPDATE",
        "stream.live_inputs.outputs.update",
        "PUT",
        f"{_OUTPUTS}/{{output_identifier}}",
        "one",
        "SET",
        positional=("output_identifier",),
        path_keywords=_BY_INPUT,
        model="Output",
        place="json",
        keywords=(Keyword("enabled", "enabled", "flag", required=True, sample=False),),
    ),
    Call(
        "LIVE_INPUTS_OUTPUTS_DELETE",
        "stream.live_inputs.outputs.delete",
        "DELETE",
        f"{_OUTPUTS}/{{output_identifier}}",
        "nothing",
        "DELETE",
        positional=("output_identifier",),
        path_keywords=_BY_INPUT,
    ),
)

NESTED = {
    "Recording": (
        Keyword("mode", "mode", "text", choices=MODES),
        Keyword("require_signed_urls", "requireSignedURLs", "flag"),
        Keyword("allowed_origins", "allowedOrigins", "list of text", null=True),
        Keyword("hide_live_viewer_count", "hideLiveViewerCount", "flag"),
        Keyword("timeout_seconds", "timeoutSeconds", "integer"),
    ),
}

_UID = "c2" * 16
_HOST = "https://customer-c0de.cloudflarestream.com"
_STATUS_SAMPLE: dict[str, object] = {
    "current": {
        "state": "disconnected",
        "reason": "client_disconnect",
        "ingestProtocol": "rtmp",
        "statusEnteredAt": "2024-05-14T11:13:55.401Z",
        "statusLastSeen": "2024-05-14T11:13:55.401Z",
    },
    "history": [
        {
            "state": "connected",
            "reason": "connected",
            "ingestProtocol": "rtmp",
            "statusEnteredAt": "2024-05-14T11:00:35.414Z",
        }
    ],
}
_RECORDING_SAMPLE: dict[str, object] = {
    "mode": "automatic",
    "requireSignedURLs": True,
    "allowedOrigins": ["example.com"],
    "hideLiveViewerCount": True,
    "timeoutSeconds": 30,
}
_RTMPS_SAMPLE: dict[str, object] = {
    "url": "rtmps://live.cloudflare.com:443/live/",
    "streamKey": f"{'1a' * 16}k{_UID}",
}
_SRT_SAMPLE: dict[str, object] = {
    "url": "srt://live.cloudflare.com:778",
    "streamId": _UID,
    "passphrase": f"{'2b' * 16}k{_UID}",
}
_WEB_RTC_SAMPLE: dict[str, object] = {"url": f"{_HOST}/{'3c' * 16}k{_UID}/webRTC/publish"}

_SUMMARY_FIELDS = (
    Field("uid", "uid", "text", always=True),
    Field("created", "created", "time", always=True),
    Field("modified", "modified", "time"),
    Field("meta", "meta", "object", empty={}),
    Field("enabled", "enabled", "flag", empty=True),
    Field("delete_recording_after_days", "deleteRecordingAfterDays", "number"),
)
_SUMMARY_SAMPLE: dict[str, object] = {
    "uid": _UID,
    "created": "2024-05-14T10:59:12.123456Z",
    "modified": "2024-05-14T11:13:55.401Z",
    "meta": {"name": "studio", "room_no": 7},
    "enabled": False,
    "deleteRecordingAfterDays": 45,
}

MODELS = (
    Model(
        "LiveInputConnection",
        (
            Field("state", "state", "text", empty="", choices=STATES),
            Field("reason", "reason", "text", choices=STATUS_WORDS),
            Field("ingest_protocol", "ingestProtocol", "text"),
            Field("status_entered_at", "statusEnteredAt", "time"),
            Field("status_last_seen", "statusLastSeen", "time"),
        ),
        {
            "state": "connected",
            "reason": "reconnected",
            "ingestProtocol": "srt",
            "statusEnteredAt": "2024-05-14T11:00:35.414Z",
            "statusLastSeen": "2024-05-14T11:13:50.002Z",
        },
    ),
    Model(
        "LiveInputStatus",
        (
            Field("current", "current", "LiveInputConnection", empty="LiveInputConnection"),
            Field("history", "history", "list of LiveInputConnection", empty=()),
        ),
        _STATUS_SAMPLE,
    ),
    Model(
        "LiveInputRecording",
        (
            Field("mode", "mode", "text", empty="off", choices=MODES),
            Field("require_signed_urls", "requireSignedURLs", "flag", empty=False),
            Field("allowed_origins", "allowedOrigins", "list of text", empty=()),
            Field("hide_live_viewer_count", "hideLiveViewerCount", "flag", empty=False),
            Field("timeout_seconds", "timeoutSeconds", "integer", empty=0),
        ),
        _RECORDING_SAMPLE,
    ),
    Model(
        "Rtmps",
        (
            Field("url", "url", "text", always=True, secret=True),
            Field("stream_key", "streamKey", "text", always=True, secret=True),
        ),
        _RTMPS_SAMPLE,
    ),
    Model(
        "Srt",
        (
            Field("url", "url", "text", always=True, secret=True),
            Field("stream_id", "streamId", "text"),
            Field("passphrase", "passphrase", "text", always=True, secret=True),
        ),
        _SRT_SAMPLE,
    ),
    Model("WebRtc", (Field("url", "url", "text", always=True, secret=True),), _WEB_RTC_SAMPLE),
    Model("LiveInputSummary", _SUMMARY_FIELDS, _SUMMARY_SAMPLE),
    Model(
        "LiveInput",
        (
            *_SUMMARY_FIELDS,
            Field("default_creator", "defaultCreator", "text"),
            Field("keys_rotated_at", "keysRotatedAt", "time"),
            Field("playback", "playback", "Playback", empty="Playback"),
            Field("prefer_low_latency", "preferLowLatency", "flag", empty=False),
            Field("recording", "recording", "LiveInputRecording", empty="LiveInputRecording"),
            Field("rtmps", "rtmps", "Rtmps"),
            Field("rtmps_playback", "rtmpsPlayback", "Rtmps"),
            Field("srt", "srt", "Srt"),
            Field("srt_playback", "srtPlayback", "Srt"),
            Field("status", "status", "LiveInputStatus", word=True),
            Field("web_rtc", "webRTC", "WebRtc"),
            Field("web_rtc_playback", "webRTCPlayback", "WebRtc"),
        ),
        {
            **_SUMMARY_SAMPLE,
            "defaultCreator": "alice",
            "keysRotatedAt": "2026-08-01T00:00:00.5Z",
            "playback": {
                "hls": f"{_HOST}/{_UID}/manifest/video.m3u8",
                "dash": f"{_HOST}/{_UID}/manifest/video.mpd",
            },
            "preferLowLatency": True,
            "recording": _RECORDING_SAMPLE,
            "rtmps": _RTMPS_SAMPLE,
            "rtmpsPlayback": {**_RTMPS_SAMPLE, "streamKey": f"{'4d' * 16}k{_UID}"},
            "srt": _SRT_SAMPLE,
            "srtPlayback": {
                "url": "srt://live.cloudflare.com:778",
                "streamId": f"play{_UID}",
                "passphrase": f"{'5e' * 16}k{_UID}",
            },
            "status": _STATUS_SAMPLE,
            "webRTC": _WEB_RTC_SAMPLE,
            "webRTCPlayback": {"url": f"{_HOST}/{_UID}/webRTC/play"},
        },
    ),
    Model(
        "Output",
        (
            Field("uid", "uid", "text", always=True),
            Field("url", "url", "text", always=True, secret=True),
            Field("stream_key", "streamKey", "text", always=True, secret=True),
            Field("enabled", "enabled", "flag", empty=True),
            Field("status", "status", "LiveInputStatus", word=True),
        ),
        {
            "uid": "f7" * 16,
            "url": "rtmps://a.rtmps.example:443/live2",
            "streamKey": "abcd-efgh-ijkl-mnop-qrst",
            "enabled": False,
            "status": _STATUS_SAMPLE,
        },
    ),
)
