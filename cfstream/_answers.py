"""What came back: the envelope, raw text or headers of an answer, read to a value or an error."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar

import attrs

from cfstream._redact import excerpt
from cfstream._types import JsonObject, Secret
from cfstream._wire import decode, parse_json
from cfstream.errors import CODES, APIError, DecodeError, error_class
from cfstream.models import TusUpload

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_ERRORS_FROM = 400
_SHOWN_MESSAGES = 3
_DIGITS = 18


@attrs.frozen
class RawResponse:
    """An answer as it came; header names match in any case."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)  # may hold the address of an upload
    body: bytes = attrs.field(repr=False)  # may hold keys


class Answer(Protocol[T_co]):
    """What a row promises to answer."""

    @property
    def accept(self) -> str | None:
        """The media type asked for, where it is not JSON."""
        ...

    def read(self, response: RawResponse, secrets: Iterable[str] = ()) -> T_co:
        """Give the value of a successful answer; known secrets do not show in errors.

        Raises:
            APIError: the body says that the call failed.
            DecodeError: the body is not what was promised.
        """
        ...


@attrs.frozen
class RawPage(Generic[T]):
    """One list answer before its objects are made."""

    items: list[JsonObject] = attrs.field(repr=False)
    model: type[T]
    total: int | None = None
    range: int | None = None

    def item(self, place: int) -> T:
        """Make one object."""
        return decode(self.model, self.items[place])


@attrs.frozen
class one(Generic[T]):  # noqa: N801  # reads as a word in the rows: one(Video)
    """The envelope holds one object."""

    model: type[T]
    accept: None = None

    def read(self, response: RawResponse, secrets: Iterable[str] = ()) -> T:
        """Give the object."""
        return decode(self.model, _envelope(response, secrets).get("result"))


@attrs.frozen
class many(Generic[T]):  # noqa: N801  # reads as a word in the rows: many(Video)
    """The envelope holds a list, bare or inside an object; null means an empty one."""

    model: type[T]
    inside: str | None = attrs.field(default=None, kw_only=True)
    """The name of the list in the object that may be around it."""
    accept: None = attrs.field(default=None, kw_only=True)

    def read(self, response: RawResponse, secrets: Iterable[str] = ()) -> RawPage[T]:
        """Give the list, its objects not yet made."""
        counts = _envelope(response, secrets)
        items: Any = counts.get("result")
        if self.inside and isinstance(items, dict):
            items, counts = items.get(self.inside), items
        if items is None:
            items = []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            del items, counts  # they may hold secrets, and frames are shown in reports
            raise DecodeError(f"{self.model.__name__}: expected a list of objects @ $.result")
        return RawPage(items, self.model, _count(counts.get("total")), _count(counts.get("range")))


def _count(value: Any) -> int | None:
    """Read a count; the docs print it as text, the reference as a number."""
    if isinstance(value, str) and value.isdecimal() and len(value) <= _DIGITS:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@attrs.frozen
class text:  # noqa: N801  # reads as a word in the rows: text("text/vtt")
    """The body is the text itself; failures still come as an envelope."""

    accept: str

    def read(self, response: RawResponse, secrets: Iterable[str] = ()) -> str:
        """Give the text."""
        kind = response.headers.get("Content-Type", "")
        if kind.startswith("application/json"):
            _envelope(response, secrets)
        if not kind.startswith(self.accept):
            got = excerpt(kind) or "no content type"
            raise _garbled(f"expected {self.accept}, got {got}: {_shown(response, secrets)}")
        try:
            return response.body.decode()
        except UnicodeDecodeError:
            pass
        raise _garbled(f"expected {self.accept} in UTF-8")


@attrs.frozen
class nothing:  # noqa: N801  # reads as a word in the rows: nothing()
    """The body is empty or of no use; only an envelope that reports a failure counts."""

    accept: None = None

    def read(self, response: RawResponse, secrets: Iterable[str] = ()) -> None:
        """Give nothing."""
        envelope, problem = parse_json(response.body)
        if isinstance(envelope, dict) and _reports_failure(envelope):
            raise failure(response, secrets)
        json_meant = response.headers.get("Content-Type", "").startswith("application/json")
        if problem and response.body and not json_meant:
            raise _garbled(f"status {response.status}, {problem}: {_shown(response, secrets)}")


@attrs.frozen
class tus_upload:  # noqa: N801  # reads as a word in the rows: tus_upload()
    """The headers say where a new upload goes and which video it becomes."""

    accept: None = None

    def read(self, response: RawResponse, secrets: Iterable[str] = ()) -> TusUpload:
        """Give the upload; the uid is never read out of the address."""
        del secrets
        uid = response.headers.get("stream-media-id")
        location = response.headers.get("Location")
        if not uid or not location:
            raise _garbled(f"TusUpload: required header missing: {'Location' if uid else 'stream-media-id'}")
        return TusUpload(uid=uid, upload_url=Secret(location))


def _envelope(response: RawResponse, secrets: Iterable[str]) -> JsonObject:
    envelope, problem = parse_json(response.body)
    if problem or not isinstance(envelope, dict):
        raise _garbled(f"status {response.status}, {problem or 'not an object'}: {_shown(response, secrets)}")
    if _reports_failure(envelope):
        raise failure(response, secrets)
    return envelope


def _reports_failure(envelope: JsonObject) -> bool:
    """Tell whether a call failed: the docs of audio tracks and captions count any entry among the errors as failure."""
    return envelope.get("success") is False or bool(envelope.get("errors"))


def _garbled(message: str) -> DecodeError:
    """Make the error of an answer that something on the way broke: asking again may bring a whole one."""
    return DecodeError(message, retryable=True)


def _shown(response: RawResponse, secrets: Iterable[str] = ()) -> str:
    return excerpt(response.body[:4096].decode("utf-8", "replace"), secrets=secrets) or "an empty body"


def is_failure(status: int) -> bool:
    """Tell whether the status alone says that the call failed."""
    return status >= _ERRORS_FROM


def failure(response: RawResponse, secrets: Iterable[str] = ()) -> APIError:
    """Make the error of an answer that reports a failure; known secrets do not show in it."""
    envelope, _ = parse_json(response.body)
    entries = envelope.get("errors") if isinstance(envelope, dict) else None
    problems = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    codes = [entry["code"] for entry in problems if isinstance(entry.get("code"), int)]
    told = [_told(entry, secrets) for entry in problems[:_SHOWN_MESSAGES]]
    advice = next((CODES[code].advice for code in codes if code in CODES), None)
    message = f"{response.status} {_phrase(response.status)}: {'; '.join(told) or _shown(response, secrets)}"
    error = error_class(response.status, codes)(f"{message}; {advice}" if advice else message)
    error.status = response.status
    error.codes = tuple(codes)
    error.ray_id = response.headers.get("cf-ray")
    return error


def _told(entry: JsonObject, secrets: Iterable[str]) -> str:
    said = (entry.get("code"), entry.get("message"))
    # an object here may be nested deeper than its repr can go
    return excerpt(" ".join(str(word) for word in said if isinstance(word, (int, str))), secrets=secrets)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "from the edge"
