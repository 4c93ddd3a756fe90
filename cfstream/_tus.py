"""Resumable upload by tus 1.0.0 as a pure state machine: what to send next, and what an answer means."""

import base64
import enum
from collections.abc import Mapping
from typing import Any

import attrs

from cfstream._answers import RawResponse
from cfstream._limits import LIMITS
from cfstream._params import Encoded, Params, checked, header_text
from cfstream.errors import InvalidInputError, UploadError

VERSION = "1.0.0"
OFFSET_TYPE = "application/offset+octet-stream"

_ACCEPTED = frozenset({200, 204})
_GONE = frozenset({404, 410})
# Refusals that no repetition changes; everything else is settled by asking the server where it stands.
_FINAL = frozenset({400, 401, 403, 405, 411, 412, 413, 415, 422, 460})
_RECREATIONS = 2
_LOOKS = 2
_DIGITS = 18
_PRINTABLE = frozenset(map(chr, range(0x21, 0x7F))) - {","}


# --- creation ----------------------------------------------------------------------------------------------------


def encode_metadata(metadata: Mapping[str, str | None]) -> str:
    """Write the ``Upload-Metadata`` header: keys bare, values in base64, pairs joined by commas.

    Raises:
        InvalidInputError: a key is empty or holds a blank, a comma or a character outside ASCII; a value is no text;
            the header is longer than servers take.
    """
    header = ",".join(_pair(key, value) for key, value in metadata.items())
    if len(header) > LIMITS.metadata_header:
        raise InvalidInputError(
            f"upload metadata: {len(header)} bytes encoded, above the limit of {LIMITS.metadata_header}; "
            "set long values by stream.edit(meta=...) after the upload"
        )
    return header


def _pair(key: Any, value: Any) -> str:
    if not isinstance(key, str) or not key or not _PRINTABLE.issuperset(key):
        raise InvalidInputError(f"upload metadata: key {key!r} must be printable ASCII without blanks and commas")
    if value is None:
        return key
    if not isinstance(value, str):
        raise InvalidInputError(f"upload metadata: {key} must be text, got {type(value).__name__}; write str(value)")
    return f"{key} {base64.b64encode(_utf8(key, value)).decode()}"


def _utf8(key: str, value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"upload metadata: {key} is not valid Unicode text") from error


@attrs.frozen
class CreateHeaders:
    """The keywords of the creation go as tus headers, ``direct_user`` as query."""

    params: type[Any]

    def encode(self, params: Params) -> Encoded:
        """Check the keywords and write them."""
        values = checked(self.params, params)
        headers = {"Tus-Resumable": VERSION, "Upload-Length": str(values["upload_length"])}
        if "upload_creator" in values:
            headers["Upload-Creator"] = header_text("upload_creator", values["upload_creator"])
        metadata = values.get("upload_metadata")
        if metadata:
            headers["Upload-Metadata"] = (
                encode_metadata(metadata) if isinstance(metadata, Mapping) else header_text("upload_metadata", metadata)
            )
        query = {"direct_user": "true"} if values.get("direct_user") else None
        return Encoded(query=query, headers=headers)


def is_taken(status: int) -> bool:
    """Tell whether an answer to `Ask` or `Send` is one of success."""
    return status in _ACCEPTED


def is_refusal(status: int) -> bool:
    """Tell whether the server refused for good; such an answer is not for the state machine but for the caller."""
    return status in _FINAL


# --- steps -------------------------------------------------------------------------------------------------------


@attrs.frozen
class Create:
    """Make room for the file on the server; report it by `Upload.created`."""


@attrs.frozen
class Ask:
    """HEAD: ask how many bytes the server has."""

    url: str = attrs.field(repr=False)

    @property
    def headers(self) -> Mapping[str, str]:
        """What the request says."""
        return {"Tus-Resumable": VERSION}


@attrs.frozen
class Send:
    """PATCH: send ``length`` bytes from ``offset``."""

    url: str = attrs.field(repr=False)
    offset: int
    length: int

    @property
    def headers(self) -> Mapping[str, str]:
        """What the request says; the length stands in it, so that the body is not sent in pieces of its own."""
        return {
            "Tus-Resumable": VERSION,
            "Upload-Offset": str(self.offset),
            "Content-Type": OFFSET_TYPE,
            "Content-Length": str(self.length),
        }


@attrs.frozen
class Confirm:
    """Ask for the video itself whether the upload is complete; report it by `Upload.confirmed`."""

    uid: str


@attrs.frozen
class Done:
    """Nothing is left to do."""

    uid: str


Step = Create | Ask | Send | Confirm | Done


class _Next(enum.Enum):
    CREATE = enum.auto()
    ASK = enum.auto()
    SEND = enum.auto()
    CONFIRM = enum.auto()
    DONE = enum.auto()


@attrs.define
class Upload:
    """One resumable upload: where it stands, and the one next step.

    Offsets come from the server alone. Whatever leaves a doubt is settled by `Ask`. ``stalls`` counts the steps since
    the server last had more bytes than ever before; the driver waits longer with each and gives up at some number.
    """

    size: int
    chunk_size: int
    uid: str = ""
    url: str = attrs.field(default="", repr=False)
    offset: int = 0
    stalls: int = 0
    _best: int = attrs.field(default=0, init=False)
    _sent: int = attrs.field(default=0, init=False)
    _recreations: int = attrs.field(default=0, init=False)
    _looked_for: int = attrs.field(default=0, init=False)
    _next: _Next = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._next = _Next.ASK if self.url else _Next.CREATE
        # an upload of an earlier process: what it sent is not known here, so the first answer cannot be disproved
        self._sent = self.size if self.url else 0

    def next_request(self) -> Step:
        """Give the next step; asking twice gives the same one."""
        match self._next:
            case _Next.CREATE:
                return Create()
            case _Next.ASK:
                return Ask(self.url)
            case _Next.SEND:
                return Send(self.url, self.offset, self._end - self.offset)
            case _Next.CONFIRM:
                return Confirm(self.uid)
            case _Next.DONE:
                return Done(self.uid)

    def created(self, uid: str, url: str) -> None:
        """Take the answer to `Create`."""
        self.uid, self.url, self.offset, self._sent = uid, url, 0, 0
        self._next = _Next.SEND

    def not_created(self) -> None:
        """Take it that `Create` brought no upload that could be used; it is asked for again."""
        self.stalls += 1

    def confirmed(self, *, complete: bool) -> None:
        """Take the answer to `Confirm`."""
        if complete:
            self._next = _Next.DONE
        else:
            self._doubt()

    def interrupted(self) -> None:
        """Take it that no answer came."""
        if self._next is _Next.SEND:
            self._count_sent()
        self._doubt()

    def paused(self) -> None:
        """Take it that the server asked for a pause; that is no failure."""
        if self._next is _Next.SEND:
            self._count_sent()
        self._next = _Next.ASK

    def received(self, response: RawResponse) -> None:
        """Take the answer to `Ask` or `Send`.

        Raises:
            UploadError: the server's answers contradict themselves, or the upload vanished too often.
        """
        if response.status in _GONE:
            self._gone(response)
        elif self._next is _Next.SEND:
            self._sent_answer(response)
        elif response.status in _ACCEPTED:
            self._standing(response)
        else:
            self._doubt()

    def _sent_answer(self, response: RawResponse) -> None:
        before, end = self.offset, self._end
        self._count_sent()
        offset = _number(response, "Upload-Offset")
        # not as far as anything was ever sent: this answer is about these bytes
        if response.status in _ACCEPTED and offset is not None and before < offset <= end:
            self._advance(offset)
        else:
            self._doubt()

    def _standing(self, response: RawResponse) -> None:
        """Take the server's word for where the upload stands, as far as it can be true."""
        offset = _number(response, "Upload-Offset")
        if offset is None:
            self._doubt()
            return
        if offset > self._sent:
            raise self._contradiction(f"the server claims {offset} bytes, but only {self._sent} were sent")
        length = _number(response, "Upload-Length")
        if length is not None and length != self.size:
            raise self._contradiction(f"the server expects {length} bytes, but the file has {self.size}")
        if offset == self.size:
            self.offset = offset
            self._next = _Next.DONE
        else:
            self._advance(offset)

    def _advance(self, offset: int) -> None:
        if offset > self._best:
            self._best, self.stalls = offset, 0
        elif offset < self.offset:
            self.stalls += 1
        self.offset = offset
        self._next = _Next.CONFIRM if offset == self.size else _Next.SEND

    def _gone(self, response: RawResponse) -> None:
        """The address is unknown: either all arrived and it was cleared away, or the upload expired."""
        if self.may_be_whole and self._looked_for < _LOOKS:
            # more than once, because what the service lists may lag behind what it has
            self._looked_for += 1
            self.stalls += 1
            self._next = _Next.CONFIRM
            return
        self.lost(response.status)

    def lost(self, status: int | None) -> None:
        """Take it that the upload cannot be gone on with; another one is asked for.

        Raises:
            UploadError: that happened too often.
        """
        self._recreations += 1
        if self._recreations > _RECREATIONS:
            error = self._contradiction(f"the upload vanished from the server {self._recreations} times")
            error.status = status
            raise error
        self.offset = self._best = self._sent = 0
        self.stalls += 1
        self._looked_for = 0
        self._next = _Next.CREATE

    @property
    def may_be_whole(self) -> bool:
        """Whether every byte was sent and no answer says that the last ones were refused."""
        return self._sent == self.size

    @property
    def _end(self) -> int:
        """Where the chunk that is being sent ends."""
        return min(self.offset + self.chunk_size, self.size)

    def _count_sent(self) -> None:
        self._sent = max(self._sent, self._end)

    def _doubt(self) -> None:
        self.stalls += 1
        self._next = _Next.ASK

    def _contradiction(self, message: str) -> UploadError:
        return UploadError(message, uid=self.uid, offset=self.offset)


def _number(response: RawResponse, header: str) -> int | None:
    value = response.headers.get(header, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= _DIGITS else None
