"""The API on one page: one row per call, with its verb, path, answer, keywords and retry class.

Paths are verbatim those of the API reference. Adding a call is one row here and one method in ``resources/``.
"""

import enum
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar, get_args

import attrs

from cfstream._answers import Answer, RawPage, many, nothing, one, text, tus_upload
from cfstream._files import check_png, check_vtt, open_large, read_caption
from cfstream._limits import LIMITS
from cfstream._params import Encoded, Form, FormOrJson, Json, Params, Query, Takes
from cfstream._redact import shown
from cfstream._tus import CreateHeaders
from cfstream.errors import InvalidInputError
from cfstream.models import (
    Audio,
    AudioTrackCopyParams,
    AudioTrackEditParams,
    AudioTrackUploadParams,
    Caption,
    CaptionFile,
    Clip,
    ClipCreateParams,
    CopyCreateParams,
    DirectUpload,
    DirectUploadCreateParams,
    Downloads,
    DownloadType,
    LiveInput,
    LiveInputCreateParams,
    LiveInputListParams,
    LiveInputSummary,
    LiveInputUpdateParams,
    Output,
    OutputCreateParams,
    OutputUpdateParams,
    SigningKey,
    SigningKeySummary,
    StorageUsage,
    StorageUsageParams,
    StreamCreateParams,
    StreamEditParams,
    StreamListParams,
    Token,
    TokenCreateParams,
    TusUpload,
    Video,
    Watermark,
    WatermarkCreateParams,
    Webhook,
    WebhookUpdateParams,
)
from cfstream.models._together import clip_problem, copy_problem, token_problem

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
_NO_KEYWORDS: Params = MappingProxyType({})
_DOWNLOAD_TYPES = frozenset(get_args(DownloadType))
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
    look: "Endpoint[T] | None" = attrs.field(default=None, kw_only=True)
    """The row that tells whether a GENERATE call whose answer was lost has been carried out."""

    @property
    def row(self) -> str:
        """The call by its template, as errors, logs and metrics name it."""
        return f"{self.verb} {self.path}"

    def __call__(self, params: Params = _NO_KEYWORDS, /, **values: str) -> Request[T]:
        """Make a request.

        Args:
            params: the keywords of the call.
            values: what stands in the path, by name.

        Raises:
            InvalidInputError: a value or a keyword is refused.
        """
        for name, value in values.items():
            check_path_value(name, value)
        if values.get("identifier") in _OWN_WORDS:
            raise InvalidInputError(f"identifier: {values['identifier']!r} is a part of the API of its own, not a uid")
        if "language" in values:
            _check_order(values["language"], values["identifier"])
        if "download_type" in values and values["download_type"] not in _DOWNLOAD_TYPES:
            raise InvalidInputError(f"download_type: expected default or audio, got {shown(values['download_type'])}")
        if self.takes is None:
            return Request(self, values)
        return Request(self, values, self.takes.encode(params))


def check_path_value(name: str, value: Any) -> None:
    """Refuse what would lead the path elsewhere."""
    if hasattr(value, "uid"):
        raise InvalidInputError(f"{name}: got a whole {type(value).__name__}; give its uid")
    if not isinstance(value, str) or not _SAFE.fullmatch(value):
        raise InvalidInputError(f"{name}: {shown(value)} cannot stand in a path; give 1 to 64 letters, digits, - or _")


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


_UPLOAD_CREATOR = {"upload_creator": "Upload-Creator"}

STREAM_LIST: Endpoint[RawPage[Video]] = Endpoint(
    "GET", "/accounts/{account_id}/stream", many(Video), retry=READ, takes=Query(StreamListParams)
)
STREAM_GET: Endpoint[Video] = Endpoint("GET", "/accounts/{account_id}/stream/{identifier}", one(Video), retry=READ)
STREAM_CREATE: Endpoint[TusUpload] = Endpoint(
    "POST", "/accounts/{account_id}/stream", tus_upload(), retry=CREATE, takes=CreateHeaders(StreamCreateParams)
)
STREAM_EDIT: Endpoint[Video] = Endpoint(
    "POST", "/accounts/{account_id}/stream/{identifier}", one(Video), retry=SET, takes=Json(StreamEditParams)
)
STREAM_DELETE: Endpoint[None] = Endpoint(
    "DELETE", "/accounts/{account_id}/stream/{identifier}", nothing(), retry=DELETE
)
VIDEOS_STORAGE_USAGE: Endpoint[StorageUsage] = Endpoint(
    "GET", "/accounts/{account_id}/stream/storage-usage", one(StorageUsage), retry=READ, takes=Query(StorageUsageParams)
)
CLIP_CREATE: Endpoint[Clip] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream/clip",
    one(Clip),
    retry=CREATE,
    takes=Json(ClipCreateParams, problem=clip_problem),
)
COPY_CREATE: Endpoint[Video] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream/copy",
    one(Video),
    retry=CREATE,
    takes=Json(CopyCreateParams, problem=copy_problem, headers=_UPLOAD_CREATOR),
)
DIRECT_UPLOAD_CREATE: Endpoint[DirectUpload] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream/direct_upload",
    one(DirectUpload),
    retry=CREATE,
    takes=Json(DirectUploadCreateParams, headers=_UPLOAD_CREATOR),
)
EMBED_GET: Endpoint[str] = Endpoint(
    "GET", "/accounts/{account_id}/stream/{identifier}/embed", text("text/html"), retry=READ
)
TOKEN_CREATE: Endpoint[Token] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream/{identifier}/token",
    one(Token),
    retry=SET,
    takes=Json(TokenCreateParams, problem=token_problem),
)

AUDIO_TRACKS_GET: Endpoint[RawPage[Audio]] = Endpoint(
    "GET", "/accounts/{account_id}/stream/{identifier}/audio", many(Audio, inside="audio"), retry=READ
)
AUDIO_TRACKS_EDIT: Endpoint[Audio] = Endpoint(
    "PATCH",
    "/accounts/{account_id}/stream/{identifier}/audio/{audio_identifier}",
    one(Audio),
    retry=SET,
    takes=Json(AudioTrackEditParams),
)
AUDIO_TRACKS_DELETE: Endpoint[None] = Endpoint(
    "DELETE", "/accounts/{account_id}/stream/{identifier}/audio/{audio_identifier}", nothing(), retry=DELETE
)
AUDIO_TRACKS_COPY: Endpoint[Audio] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream/{identifier}/audio/copy",
    one(Audio),
    retry=CREATE,
    takes=Json(AudioTrackCopyParams),
)
AUDIO_TRACKS_UPLOAD: Endpoint[Audio] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream/{identifier}/audio",
    one(Audio),
    retry=BODY_POST,
    takes=Form(AudioTrackUploadParams, LIMITS.basic_upload_max, "application/octet-stream", read=open_large),
)

CAPTIONS_GET: Endpoint[RawPage[Caption]] = Endpoint(
    "GET", "/accounts/{account_id}/stream/{identifier}/captions", many(Caption), retry=READ
)
CAPTIONS_LANGUAGE_GET: Endpoint[Caption] = Endpoint(
    "GET", "/accounts/{account_id}/stream/{identifier}/captions/{language}", one(Caption), retry=READ
)
CAPTIONS_LANGUAGE_CREATE: Endpoint[Caption] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream/{identifier}/captions/{language}/generate",
    one(Caption),
    retry=GENERATE,
    look=CAPTIONS_LANGUAGE_GET,
)
CAPTIONS_LANGUAGE_UPDATE: Endpoint[Caption] = Endpoint(
    "PUT",
    "/accounts/{account_id}/stream/{identifier}/captions/{language}",
    one(Caption),
    retry=SET,
    takes=Form(CaptionFile, LIMITS.caption_max, "text/vtt", read=read_caption, check=check_vtt),
)
CAPTIONS_LANGUAGE_DELETE: Endpoint[None] = Endpoint(
    "DELETE", "/accounts/{account_id}/stream/{identifier}/captions/{language}", nothing(), retry=DELETE
)
CAPTIONS_LANGUAGE_VTT_GET: Endpoint[str] = Endpoint(
    "GET", "/accounts/{account_id}/stream/{identifier}/captions/{language}/vtt", text("text/vtt"), retry=READ
)

DOWNLOADS_GET: Endpoint[Downloads] = Endpoint(
    "GET", "/accounts/{account_id}/stream/{identifier}/downloads", one(Downloads), retry=READ
)
DOWNLOADS_CREATE: Endpoint[Downloads] = Endpoint(
    "POST", "/accounts/{account_id}/stream/{identifier}/downloads", one(Downloads), retry=SET
)
DOWNLOADS_DELETE: Endpoint[None] = Endpoint(
    "DELETE", "/accounts/{account_id}/stream/{identifier}/downloads", nothing(), retry=DELETE
)
DOWNLOADS_CREATE_TYPE: Endpoint[Downloads] = Endpoint(
    "POST", "/accounts/{account_id}/stream/{identifier}/downloads/{download_type}", one(Downloads), retry=SET
)
DOWNLOADS_DELETE_TYPE: Endpoint[None] = Endpoint(
    "DELETE", "/accounts/{account_id}/stream/{identifier}/downloads/{download_type}", nothing(), retry=DELETE
)

KEYS_GET: Endpoint[RawPage[SigningKeySummary]] = Endpoint(
    "GET", "/accounts/{account_id}/stream/keys", many(SigningKeySummary), retry=READ
)
KEYS_CREATE: Endpoint[SigningKey] = Endpoint(
    "POST", "/accounts/{account_id}/stream/keys", one(SigningKey), retry=CREATE
)
KEYS_DELETE: Endpoint[None] = Endpoint(
    "DELETE", "/accounts/{account_id}/stream/keys/{identifier}", nothing(), retry=DELETE
)

LIVE_INPUTS_LIST: Endpoint[RawPage[LiveInputSummary]] = Endpoint(
    "GET",
    "/accounts/{account_id}/stream/live_inputs",
    many(LiveInputSummary, inside="liveInputs"),
    retry=READ,
    takes=Query(LiveInputListParams),
)
LIVE_INPUTS_GET: Endpoint[LiveInput] = Endpoint(
    "GET", "/accounts/{account_id}/stream/live_inputs/{live_input_identifier}", one(LiveInput), retry=READ
)
# A repetition finds the input of the first try by its key, which is sent with every call.
LIVE_INPUTS_CREATE: Endpoint[LiveInput] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream/live_inputs",
    one(LiveInput),
    retry=SET,
    takes=Json(LiveInputCreateParams, headers={"idempotency_key": "Idempotency-Key"}, made_up="idempotency_key"),
)
LIVE_INPUTS_UPDATE: Endpoint[LiveInput] = Endpoint(
    "PUT",
    "/accounts/{account_id}/stream/live_inputs/{live_input_identifier}",
    one(LiveInput),
    retry=SET,
    takes=Json(LiveInputUpdateParams),
)
LIVE_INPUTS_DELETE: Endpoint[None] = Endpoint(
    "DELETE", "/accounts/{account_id}/stream/live_inputs/{live_input_identifier}", nothing(), retry=DELETE
)
LIVE_INPUTS_ENABLE: Endpoint[LiveInput] = Endpoint(
    "POST", "/accounts/{account_id}/stream/live_inputs/{live_input_identifier}/enable", one(LiveInput), retry=SET
)
LIVE_INPUTS_DISABLE: Endpoint[LiveInput] = Endpoint(
    "POST", "/accounts/{account_id}/stream/live_inputs/{live_input_identifier}/disable", one(LiveInput), retry=SET
)
LIVE_INPUTS_ROTATE_KEYS: Endpoint[LiveInput] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream/live_inputs/{live_input_identifier}/rotate_keys",
    one(LiveInput),
    retry=CREATE,
)
LIVE_INPUTS_VIDEOS: Endpoint[RawPage[Video]] = Endpoint(
    "GET", "/accounts/{account_id}/stream/live_inputs/{live_input_identifier}/videos", many(Video), retry=READ
)
LIVE_INPUTS_OUTPUTS_LIST: Endpoint[RawPage[Output]] = Endpoint(
    "GET", "/accounts/{account_id}/stream/live_inputs/{live_input_identifier}/outputs", many(Output), retry=READ
)
LIVE_INPUTS_OUTPUTS_CREATE: Endpoint[Output] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream/live_inputs/{live_input_identifier}/outputs",
    one(Output),
    retry=CREATE,
    takes=Json(OutputCreateParams),
)
LIVE_INPUTS_OUTPUTS_UPDATE: Endpoint[Output] = Endpoint(
    "PUT",
    "/accounts/{account_id}/stream/live_inputs/{live_input_identifier}/outputs/{output_identifier}",
    one(Output),
    retry=SET,
    takes=Json(OutputUpdateParams),
)
LIVE_INPUTS_OUTPUTS_DELETE: Endpoint[None] = Endpoint(
    "DELETE",
    "/accounts/{account_id}/stream/live_inputs/{live_input_identifier}/outputs/{output_identifier}",
    nothing(),
    retry=DELETE,
)

WATERMARKS_LIST: Endpoint[RawPage[Watermark]] = Endpoint(
    "GET", "/accounts/{account_id}/stream/watermarks", many(Watermark), retry=READ
)
WATERMARKS_GET: Endpoint[Watermark] = Endpoint(
    "GET", "/accounts/{account_id}/stream/watermarks/{identifier}", one(Watermark), retry=READ
)
WATERMARKS_CREATE: Endpoint[Watermark] = Endpoint(
    "POST",
    "/accounts/{account_id}/stream/watermarks",
    one(Watermark),
    retry=CREATE,
    takes=FormOrJson(
        Form(WatermarkCreateParams, LIMITS.watermark_max, "image/png", check=check_png), Json(WatermarkCreateParams)
    ),
)
WATERMARKS_DELETE: Endpoint[None] = Endpoint(
    "DELETE", "/accounts/{account_id}/stream/watermarks/{identifier}", nothing(), retry=DELETE
)

WEBHOOKS_GET: Endpoint[Webhook] = Endpoint("GET", "/accounts/{account_id}/stream/webhook", one(Webhook), retry=READ)
WEBHOOKS_UPDATE: Endpoint[Webhook] = Endpoint(
    "PUT", "/accounts/{account_id}/stream/webhook", one(Webhook), retry=SET, takes=Json(WebhookUpdateParams)
)
WEBHOOKS_DELETE: Endpoint[None] = Endpoint("DELETE", "/accounts/{account_id}/stream/webhook", nothing(), retry=DELETE)

ROWS: Mapping[str, Endpoint[Any]] = {
    name: value for name, value in list(globals().items()) if isinstance(value, Endpoint)
}
"""Every row by its name."""

_OWN_WORDS = frozenset(word for row in ROWS.values() for word in row.path.split("/")[4:5])
"""What stands where other paths have a uid: `stream.delete("webhook")` would delete the webhook."""

TUS_HEAD: Endpoint[None] = Endpoint("HEAD", "{upload_url}", nothing(), retry=READ)
"""Where a resumable upload stands; its address comes from the service and is in no reference."""

TUS_PATCH: Endpoint[None] = Endpoint("PATCH", "{upload_url}", nothing(), retry=APPEND)
"""One chunk of a resumable upload."""
