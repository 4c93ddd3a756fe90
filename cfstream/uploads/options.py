"""The options of an upload, and what the service is told of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from cfstream._limits import Limits
from cfstream._params import checked
from cfstream.errors import InvalidInputError
from cfstream.models.video import UploadParams
from cfstream.uploads.record import OP_KEY

# Upload-Metadata keys that the service acts on (API reference, initiate video uploads using tus), and our keywords.
_KEYS = {
    "name": "name",
    "requiresignedurls": "require_signed_urls",
    "allowedorigins": "allowed_origins",
    "thumbnailtimestamppct": "thumbnail_timestamp_pct",
    "watermark": "watermark",
    "scheduleddeletion": "scheduled_deletion",
    "maxdurationseconds": "max_duration_seconds",
    "expiry": "expiry",
}
# How the service wants a list inside Upload-Metadata is not documented; `stream.edit` takes it as JSON.
_BY_EDIT = "allowed_origins"


@attrs.frozen(kw_only=True)
class UploadOptions:
    """What was asked for; None means not given."""

    name: str | None = None
    meta: Mapping[str, str] | None = None
    creator: str | None = None
    require_signed_urls: bool | None = None
    allowed_origins: Sequence[str] | None = None
    thumbnail_timestamp_pct: float | None = None
    watermark: str | None = None
    scheduled_deletion: datetime | None = None
    max_duration_seconds: int | None = None
    expiry: datetime | None = None
    chunk_size: int | None = None

    def metadata(self, file_name: str | None) -> dict[str, str | None]:
        """Give the ``Upload-Metadata`` keys and values.

        Raises:
            InvalidInputError: an option is of the wrong type, beyond its limit, or named as free metadata.
        """
        values = self._checked()
        # a file name of undecodable bytes holds what no text may hold
        values.setdefault("name", file_name and file_name.encode("utf-8", "replace").decode())
        known: dict[str, str | None] = {
            key: _text(values[name]) for key, name in _KEYS.items() if _is_sent(name, values.get(name))
        }
        if "requiresignedurls" in known:
            known["requiresignedurls"] = None
        return {**known, **self._free()}

    def create(self, size: int, file_name: str | None, *, op: str) -> dict[str, Any]:
        """Give the keywords of the call that makes the upload; ``op`` goes into the video's metadata.

        Raises:
            InvalidInputError: an option is refused.
        """
        metadata = {**self.metadata(file_name), OP_KEY: op}
        creator = {} if self.creator is None else {"upload_creator": self.creator}
        return {"upload_length": size, "upload_metadata": metadata, **creator}

    def edits(self) -> dict[str, Any]:
        """Give what is set by `stream.edit` before the first byte is sent."""
        return {} if self.allowed_origins is None else {_BY_EDIT: self.allowed_origins}

    def chunk(self, limits: Limits) -> int:
        """Give the chunk size.

        Raises:
            InvalidInputError: the service would refuse it.
        """
        size: Any = limits.chunk_default if self.chunk_size is None else self.chunk_size
        fits = not isinstance(size, bool) and isinstance(size, int) and limits.chunk_min <= size <= limits.chunk_max
        if not fits or size % limits.chunk_multiple:
            raise InvalidInputError(
                f"chunk_size: {size!r} is refused by the service; give a multiple of {limits.chunk_multiple} "
                f"from {limits.chunk_min} to {limits.chunk_max} bytes"
            )
        return int(size)

    def _checked(self) -> dict[str, Any]:
        given = {name: value for name in UploadParams.__annotations__ if (value := getattr(self, name)) is not None}
        return checked(UploadParams, given)

    def _free(self) -> Mapping[str, str]:
        meta: Any = {} if self.meta is None else self.meta
        if not isinstance(meta, Mapping):
            raise InvalidInputError(f"meta: expected a mapping of texts, got {type(meta).__name__}")
        for key in meta:
            option = _KEYS.get(key.lower()) if isinstance(key, str) else None
            if option:
                raise InvalidInputError(f"meta: the service acts on {key!r}; give it as {option}=")
        return meta


def _is_sent(name: str, value: Any) -> bool:
    return name != _BY_EDIT and value is not None and value is not False


def _text(value: Any) -> str:
    return value if isinstance(value, str) else format(value, "g") if isinstance(value, float) else str(value)
