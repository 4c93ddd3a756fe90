"""What the emulator keeps about its objects, apart from how the API shows them."""

from collections.abc import Mapping
from typing import Any

import attrs

PENDING = "pendingupload"
QUEUED = "queued"
ENCODING = "inprogress"
READY = "ready"
ERROR = "error"

STATES = frozenset({PENDING, "downloading", QUEUED, ENCODING, READY, ERROR, "live-inprogress"})
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
        name = self.meta.get("name")
        return name if isinstance(name, str) else None

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "Video":
        """Read a stored document; keys of other versions are passed over."""
        return cls(**{key: value for key, value in document.items() if key in _VIDEO_FIELDS})


_VIDEO_FIELDS = frozenset(attrs.fields_dict(Video))
