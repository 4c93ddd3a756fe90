"""The API on one page: one row per call, with its verb, path, answer, keywords and retry class.

Paths are verbatim those of the API reference. Adding a call is one row here and one method in ``resources/``.
"""

import enum
import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import attrs

from cfstream._answers import Answer, RawPage, many, nothing, one, text, tus_upload
from cfstream._files import check_png, check_vtt
from cfstream._limits import LIMITS
from cfstream._params import Encoded, Form, Json, Params, Query, Takes
from cfstream._tus import CreateHeaders
from cfstream.errors import InvalidInputError
from cfstream.models import (
    Caption,
    StorageUsage,
    StreamCreateParams,
    StreamEditParams,
    StreamListParams,
    Token,
    TokenCreateParams,
    TusUpload,
    Video,
    Watermark,
    WatermarkCreateParams,
)
from cfstream.models.media import CaptionFile
from cfstream.models.video import StorageUsageParams

T = TypeVar("T")


class RetryClass(enum.Enum):
    """What repeating a call can do; `cfstream.RetryPolicy` goes by it."""

    READ = "changes nothing"
    SET = "has the same effect when repeated"
    DELETE = "is done when the object is gone"
    CREATE = "makes another object when repeated"
    APPEND = "goes on from the server's offset"
    BODY_POST = "sends a body that may have been taken"
    GENERATE = "starts work that may already run"


READ, SET, DELETE, CREATE = RetryClass.READ, RetryClass.SET, RetryClass.DELETE, RetryClass.CREATE
APPEND, BODY_POST, GENERATE = RetryClass.APPEND, RetryClass.BODY_POST, RetryClass.GENERATE

_NOTHING = Encoded()
_SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UID = re.compile(r"[0-9a-f]{32}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@attrs.frozen(eq=False)
class Request(Generic[T]):
    """One call, ready to be sent: pure data."""

    endpoint: "Endpoint[T]"
    values: Mapping[str, str]
    encoded: Encoded = _NOTHING
    url: str | None = attrs.field(default=None, repr=False)
    """A whole address in place of the row's path: resumable uploads are told theirs by the service."""


@attrs.frozen(eq=False)
class Endpoint(Generic[T]):
    """One row: what to send and what comes back."""

    verb: str
    path: str
    answer: Answer[T]
    retry: RetryClass = attrs.field(kw_only=True)
    takes: Takes | None = attrs.field(default=None, kw_only=True)

    @property
    def row(self) -> str:
        """The call by its template, as errors, logs and metrics name it."""
        return f"{self.verb} {self.path}"

    def __call__(self, params: Params | None = None, /, **values: str) -> Request[T]:
        """Make a request.

        Args:
            params: the keywords of the call.
            values: what stands in the path, by name.

        Raises:
            InvalidInputError: a value or a keyword is refused.
        """
        for name, value in values.items():
            check_path_value(name, value)
        if "language" in values:
            _check_order(values["language"], values["identifier"])
        if self.takes is None or params is None:
            return Request(self, values)
        return Request(self, values, self.takes.encode(params))


def check_path_value(name: str, value: Any) -> None:
    """Refuse what would lead the path elsewhere."""
    if hasattr(value, "uid"):
        raise InvalidInputError(f"{name}: got a whole {type(value).__name__}; give its uid")
    if not isinstance(value, str) or not _SAFE.fullmatch(value):
        raise InvalidInputError(f"{name}: {value!r:.80} cannot stand in a path; give 1 to 64 letters, digits, - or _")


def _check_order(language: str, identifier: str) -> None:
    """Refuse a language and a uid that changed places."""
    if not _LANGUAGE.fullmatch(language) or _UID.fullmatch(language):
        uid = language if _UID.fullmatch(language) else "<uid>"
        raise InvalidInputError(
            f"language: {language!r} is not a language tag; the language comes first and the video by keyword, as in "
            f'("en", identifier="{uid}")'
        )
    if _LANGUAGE.fullmatch(identifier) and not _UID.fullmatch(identifier):
        raise InvalidInputError(
            f"identifier: {identifier!r} looks like a language; the language comes first and the video by keyword, "
            f'as in ("{language}", identifier="<uid>")'
        )


STREAM_LIST: Endpoint[RawPage[Video]] = Endpoint(
    "GET", "/accounts/{account_id}/stream", many(Video), retry=READ, takes=Query(StreamListParams)
)
STREAM_GET: Endpoint[Video] = Endpoint("GET", "/accounts/{account_id}/stream/{identifier}", one(Video), retry=READ)
STREAM_CREATE: Endpoint[TusUpload] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream",
    tus_upload(),
    retry=CREATE,
    takes=CreateHeaders(StreamCreateParams),
)
STREAM_EDIT: Endpoint[Video] = Endpoint(
    "POST", "/accounts/{account_id}/stream/{identifier}", one(Video), retry=SET, takes=Json(StreamEditParams)
)
STREAM_DELETE: Endpoint[None] = Endpoint(
    "DELETE", "/accounts/{account_id}/stream/{identifier}", nothing(), retry=DELETE
)
VIDEOS_STORAGE_USAGE: Endpoint[StorageUsage] = Endpoint(
    "GET",
    "/accounts/{account_id}/stream/storage-usage",
    one(StorageUsage),
    retry=READ,
    takes=Query(StorageUsageParams),
)
TOKEN_CREATE: Endpoint[Token] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream/{identifier}/token",
    one(Token),
    retry=SET,
    takes=Json(TokenCreateParams),
)
CAPTIONS_LANGUAGE_UPDATE: Endpoint[Caption] = Endpoint(
    "PUT",
    "/accounts/{account_id}/stream/{identifier}/captions/{language}",
    one(Caption),
    retry=SET,
    takes=Form(CaptionFile, LIMITS.caption_max, "text/vtt", check_vtt),
)
CAPTIONS_LANGUAGE_VTT_GET: Endpoint[str] = Endpoint(
    "GET",
    "/accounts/{account_id}/stream/{identifier}/captions/{language}/vtt",
    text("text/vtt"),
    retry=READ,
)
WATERMARKS_CREATE: Endpoint[Watermark] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream/watermarks",
    one(Watermark),
    retry=CREATE,
    takes=Form(WatermarkCreateParams, LIMITS.watermark_max, "image/png", check_png),
)

ROWS: Mapping[str, Endpoint[Any]] = {
    name: value for name, value in list(globals().items()) if isinstance(value, Endpoint)
}
"""Every row by its name."""

TUS_HEAD: Endpoint[None] = Endpoint("HEAD", "{upload_url}", nothing(), retry=READ)
"""Where a resumable upload stands; its address comes from the service and is in no reference."""

TUS_PATCH: Endpoint[None] = Endpoint("PATCH", "{upload_url}", nothing(), retry=APPEND)
"""One chunk of a resumable upload."""
