"""What the emulator keeps about its objects, apart from how the API shows them."""

from collections.abc import Mapping
from typing import Any

import attrs

PENDING = "pendingupload"
DOWNLOADING = "downloading"
QUEUED = "queued"
ENCODING = "inprogress"
READY = "ready"
ERROR = "error"
LIVE = "live-inprogress"

STATES = frozenset({PENDING, DOWNLOADING, QUEUED, ENCODING, READY, ERROR, LIVE})
"""Every state the API knows."""

UNKNOWN = -1


@attrs.frozen(kw_only=True)
class Video:
    """One video; instants are microseconds since the epoch."""

    uid: str
    created: int
    modified: int
    state: str = PENDING
    percent: float | None = None
    error_code: str = ""
    error_text: str = ""
    creator: str | None = None
    meta: Mapping[str, Any] = attrs.field(factory=dict)
    size: int = 0
    duration: float = UNKNOWN
    width: int = UNKNOWN
    height: int = UNKNOWN
    allowed_origins: list[str] = attrs.field(factory=list)
    require_signed_urls: bool = False
    scheduled_deletion: int | None = None
    thumbnail_pct: float = 0
    public_details: Mapping[str, Any] | None = None
    watermark: Mapping[str, Any] | None = None
    live_input: str | None = None
    clipped_from: str | None = None
    clip_start: float | None = None
    clip_end: float | None = None
    """Which part of its file a clip shows, in seconds; both or neither."""
    inherited_marks: list[Mapping[str, Any]] = attrs.field(factory=list)
    """The watermark profiles that a clip shows because the video it was cut from does."""
    source_url: str | None = None
    """Where a copied video is fetched from."""
    form_upload: bool = False
    """Whether it waits for, or came by, a form at an address of its own."""
    max_duration: int | None = None
    uploaded: int | None = None
    upload_expiry: int | None = None
    upload_length: int | None = None
    upload_metadata: str | None = None
    """The Upload-Metadata header as it came; a resuming client reads it back."""
    direct_user: bool = False
    """Whether the upload address needs no credentials."""
    ready_at: int | None = None

    @property
    def name(self) -> str | None:
        """The name in ``meta``, where there is one."""
        return _name(self.meta)

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "Video":
        """Read a stored document; keys of other versions are passed over."""
        return cls(**{key: value for key, value in document.items() if key in _VIDEO_FIELDS})


_VIDEO_FIELDS = frozenset(attrs.fields_dict(Video))


@attrs.frozen(kw_only=True)
class LiveInput:
    """One live input; instants are microseconds since the epoch."""

    uid: str
    created: int
    modified: int
    keys: Mapping[str, str]
    """Its credentials by what they open: ``rtmps``, ``rtmps_playback``, ``srt``, ``srt_playback``, ``web_rtc``."""
    keys_rotated_at: int | None = None
    meta: Mapping[str, Any] = attrs.field(factory=dict)
    default_creator: str | None = None
    recording: Mapping[str, Any] = attrs.field(factory=dict)
    """What was set, by the names of the API."""
    delete_recording_after_days: float | None = None
    enabled: bool = True
    prefer_low_latency: bool = False
    status: Mapping[str, Any] | None = None
    """``current`` and ``history``, by the names of the API; None before the first connection."""

    @property
    def name(self) -> str | None:
        """The name in ``meta``, where there is one."""
        return _name(self.meta)

    @property
    def require_signed_urls(self) -> bool:
        """Whether its broadcasts take a token; as a video says it of itself."""
        return bool(self.recording["requireSignedURLs"])

    @property
    def allowed_origins(self) -> list[str]:
        """The sites that may show its broadcasts; all, where it is empty."""
        return self.recording["allowedOrigins"] or []

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "LiveInput":
        """Read a stored document; keys of other versions are passed over."""
        return cls(**{key: value for key, value in document.items() if key in _LIVE_INPUT_FIELDS})


_LIVE_INPUT_FIELDS = frozenset(attrs.fields_dict(LiveInput))


def _name(meta: Mapping[str, Any]) -> str | None:
    name = meta.get("name")
    return name if isinstance(name, str) else None
