"""Cloudflare Stream for asyncio: typed calls, uploads that resume, a blocking twin in `cfstream.sync`.

The names below are loaded when they are first used: the emulator's media workers start often and need no HTTP.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfstream._answers import RawResponse
    from cfstream._governor import RateLimit
    from cfstream._hooks import Hooks, RequestEvent, ResponseEvent, RetryEvent
    from cfstream._limits import Limits
    from cfstream._retry import RetryPolicy
    from cfstream._types import Secret
    from cfstream._version import __version__
    from cfstream._wire import from_dict, to_dict
    from cfstream.bulk import Bulk, Deleted, DeleteFailed, Edited, EditFailed
    from cfstream.client import Stream
    from cfstream.errors import (
        AmbiguousResultError,
        APIError,
        AuthenticationError,
        BadRequestError,
        ClientClosedError,
        ConflictError,
        DecodeError,
        EncodingFailedError,
        FileChangedError,
        InternalServerError,
        InvalidInputError,
        JournalError,
        JournalLockedError,
        NotFoundError,
        PaginationError,
        PermissionDeniedError,
        RateLimitError,
        RedirectError,
        RequestTimeoutError,
        StreamError,
        TransportError,
        UnknownKeywordError,
        UploadError,
        WaitTimeoutError,
    )
    from cfstream.models import AccessRule, UploadProgress, Video
    from cfstream.pages import Page, Pager
    from cfstream.uploads.journal import FailedEntry, UploadJournal, UploadReport
    from cfstream.uploads.many import CopyJob, Uploaded, UploadFailed, UploadJob, Uploads
    from cfstream.uploads.sources import RangeSource
    from cfstream.waiting import Ready, WaitFailed

_PLACES = {
    "cfstream._answers": ("RawResponse",),
    "cfstream._governor": ("RateLimit",),
    "cfstream._hooks": ("Hooks", "RequestEvent", "ResponseEvent", "RetryEvent"),
    "cfstream._limits": ("Limits",),
    "cfstream._retry": ("RetryPolicy",),
    "cfstream._types": ("Secret",),
    "cfstream._version": ("__version__",),
    "cfstream._wire": ("from_dict", "to_dict"),
    "cfstream.bulk": ("Bulk", "DeleteFailed", "Deleted", "EditFailed", "Edited"),
    "cfstream.client": ("Stream",),
    "cfstream.errors": (
        "APIError",
        "AmbiguousResultError",
        "AuthenticationError",
        "BadRequestError",
        "ClientClosedError",
        "ConflictError",
        "DecodeError",
        "EncodingFailedError",
        "FileChangedError",
        "InternalServerError",
        "InvalidInputError",
        "JournalError",
        "JournalLockedError",
        "NotFoundError",
        "PaginationError",
        "PermissionDeniedError",
        "RateLimitError",
        "RedirectError",
        "RequestTimeoutError",
        "StreamError",
        "TransportError",
        "UnknownKeywordError",
        "UploadError",
        "WaitTimeoutError",
    ),
    "cfstream.models": ("AccessRule", "UploadProgress", "Video"),
    "cfstream.pages": ("Page", "Pager"),
    "cfstream.uploads.journal": ("FailedEntry", "UploadJournal", "UploadReport"),
    "cfstream.uploads.many": ("CopyJob", "UploadFailed", "UploadJob", "Uploaded", "Uploads"),
    "cfstream.uploads.sources": ("RangeSource",),
    "cfstream.waiting": ("Ready", "WaitFailed"),
}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}

__all__ = [
    "APIError",
    "AccessRule",
    "AmbiguousResultError",
    "AuthenticationError",
    "BadRequestError",
    "Bulk",
    "ClientClosedError",
    "ConflictError",
    "CopyJob",
    "DecodeError",
    "DeleteFailed",
    "Deleted",
    "EditFailed",
    "Edited",
    "EncodingFailedError",
    "FailedEntry",
    "FileChangedError",
    "Hooks",
    "InternalServerError",
    "InvalidInputError",
    "JournalError",
    "JournalLockedError",
    "Limits",
    "NotFoundError",
    "Page",
    "Pager",
    "PaginationError",
    "PermissionDeniedError",
    "RangeSource",
    "RateLimit",
    "RateLimitError",
    "RawResponse",
    "Ready",
    "RedirectError",
    "RequestEvent",
    "RequestTimeoutError",
    "ResponseEvent",
    "RetryEvent",
    "RetryPolicy",
    "Secret",
    "Stream",
    "StreamError",
    "TransportError",
    "UnknownKeywordError",
    "UploadError",
    "UploadFailed",
    "UploadJob",
    "UploadJournal",
    "UploadProgress",
    "UploadReport",
    "Uploaded",
    "Uploads",
    "Video",
    "WaitFailed",
    "WaitTimeoutError",
    "__version__",
    "from_dict",
    "to_dict",
]


def __getattr__(name: str) -> Any:
    place = _PLACE_OF.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(place), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
