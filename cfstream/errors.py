"""Every error the library raises, and the catalogue of the service's own codes.

::

    StreamError
    ├── InvalidInputError            refused before any I/O (also a ValueError)
    │   └── UnknownKeywordError      a keyword no call of that name takes (also a TypeError)
    ├── ClientClosedError            the client was closed before or during the call
    ├── TransportError               no usable answer came
    │   ├── RequestTimeoutError      the call took longer than its timeout (also a TimeoutError)
    │   └── RedirectError            the server pointed elsewhere; redirects are never followed
    ├── DecodeError                  an answer that is not what the row promises
    ├── PaginationError              a list cannot be walked without losing items
    ├── AmbiguousResultError         sent, but nobody knows whether the service did it
    ├── APIError                     the service said no
    │   ├── BadRequestError          400
    │   ├── AuthenticationError      401
    │   ├── PermissionDeniedError    403
    │   ├── NotFoundError            404
    │   ├── ConflictError            409
    │   ├── RateLimitError           429, or our own governor: has ``retry_at``
    │   └── InternalServerError      500 and above
    ├── UploadError                  an upload ended without a finished video
    │   └── FileChangedError         the file changed while it was sent
    ├── JournalError                 a journal of uploads cannot be used
    │   └── JournalLockedError       another process writes it
    ├── EncodingFailedError          the service could not encode the video
    └── WaitTimeoutError             the video was not ready in time (also a TimeoutError)
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs


@attrs.frozen
class ErrorCode:
    """One code of the service: what it means and what to do about it."""

    code: int | str
    meaning: str
    advice: str


def _catalogue(*rows: ErrorCode) -> Mapping[int | str, ErrorCode]:
    return MappingProxyType({row.code: row for row in rows})


CODES: Mapping[int | str, ErrorCode] = _catalogue(
    ErrorCode(971, "too many requests", "send fewer requests, or wait as long as the answer says"),
    ErrorCode(7000, "no such route", "check the path"),
    ErrorCode(7001, "the route does not take this method", "check the method"),
    ErrorCode(7003, "no such route", "check the account id and the identifier"),
    ErrorCode(
        10000,
        "authentication failed",
        "check that the API token is valid and has Stream permissions on this account",
    ),
    ErrorCode(10001, "the service failed", "try again later"),
    ErrorCode(10003, "not found", "check the identifier and the account"),
    ErrorCode(10004, "the multipart body could not be decoded", "let the library build the body"),
    ErrorCode(10005, "a value was refused", "check the values that were sent"),
    ErrorCode(10010, "the URL cannot be used", "give a public http or https URL"),
    ErrorCode(10011, "storage capacity exceeded", "delete videos or raise the storage of the account"),
    ErrorCode(10059, "the file is not a video", "upload a video file"),
    ErrorCode(
        "ERR_NON_VIDEO",
        "the file is not a video",
        "upload one of the containers the service takes (MP4, MKV, MOV, WebM, ...)",
    ),
    ErrorCode("ERR_DURATION_EXCEED_CONSTRAINT", "the video is longer than allowed", "raise max_duration_seconds"),
    ErrorCode("ERR_FETCH_ORIGIN_ERROR", "the URL could not be fetched", "check that the URL is public"),
    ErrorCode("ERR_MALFORMED_VIDEO", "the file is a video but damaged", "encode it anew and upload it again"),
    ErrorCode("ERR_DURATION_TOO_SHORT", "the video is shorter than 0.1 seconds", "upload a longer video"),
    ErrorCode("ERR_UNKNOWN", "the service gives no reason", "upload the file again"),
)
"""Codes of API answers (integers) and of failed encodes (texts), by code."""


class StreamError(Exception):
    """The base of all errors of this library.

    Attributes:
        request: the call's row, such as ``GET /accounts/{account_id}/stream/{identifier}``; None outside a call.
        status: the HTTP status, where an answer came.
        codes: the service's own codes, see `CODES`.
        ray_id: the ``cf-ray`` of the answer, which Cloudflare's support asks for.
        attempts: how many times the request was sent.
        retryable: whether the same call may succeed later.
    """

    def __init__(
        self,
        message: str,
        *,
        request: str | None = None,
        status: int | None = None,
        codes: Sequence[int | str] = (),
        ray_id: str | None = None,
        attempts: int = 0,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.request = request
        self.status = status
        self.codes = tuple(codes)
        self.ray_id = ray_id
        self.attempts = attempts
        self.retryable = retryable

    def __str__(self) -> str:
        parts = [str(self.args[0]) if self.args else type(self).__name__]
        if self.request:
            parts.append(self.request)
        if self.attempts > 1:
            parts.append(f"attempts: {self.attempts}")
        if self.ray_id:
            parts.append(f"cf-ray: {self.ray_id}")
        return parts[0] if len(parts) == 1 else f"{parts[0]} ({', '.join(parts[1:])})"


class InvalidInputError(StreamError, ValueError):
    """An argument was refused before any I/O."""


class UnknownKeywordError(InvalidInputError, TypeError):
    """A keyword was given that the call does not take; the service would ignore it silently."""


class ClientClosedError(StreamError):
    """The client was closed before or during the call."""


class TransportError(StreamError):
    """No usable answer came: refused, reset, cut, or not verifiable."""

    def __init__(self, message: str, *, sent: bool = True, **context: Any) -> None:
        super().__init__(message, **context)
        self.sent = sent
        """Whether the server may have seen the request."""


class RequestTimeoutError(TransportError, TimeoutError):
    """The call, or one try of it, took longer than its timeout."""


class RedirectError(TransportError):
    """The server answered with a redirect; none is followed, so that no credential leaves for another host."""


class DecodeError(StreamError):
    """The answer is not what the row promises: HTML, half a JSON, a missing or mistyped field."""


class PaginationError(StreamError):
    """A list cannot be walked further without losing items."""


class AmbiguousResultError(StreamError):
    """The request was sent, but no answer says whether the service carried it out.

    The call is not repeated, because that could make a second object. ``since`` (seconds since the epoch) is when
    it was first sent: look for objects created after it.
    """

    def __init__(self, message: str, *, since: float = 0.0, **context: Any) -> None:
        super().__init__(message, **context)
        self.since = since


class APIError(StreamError):
    """The service answered with an error.

    ``retry_after`` is how many seconds it asked to wait, ``should_retry`` what it said of repeating, where it did.
    """

    retry_after: float | None = None
    should_retry: bool | None = None


class BadRequestError(APIError):
    """400: a value was refused."""


class AuthenticationError(APIError):
    """401: the credentials are not valid."""


class PermissionDeniedError(APIError):
    """403: the credentials do not allow this."""


class NotFoundError(APIError):
    """404: no such object in this account."""


class ConflictError(APIError):
    """409: the object is in a state that does not allow this."""


class RateLimitError(APIError):
    """429, or a wait in the client's own governor that does not fit the call's timeout.

    ``retry_at`` (seconds since the epoch) is when the same call may be made again; None when nobody said.
    """

    def __init__(self, message: str, *, retry_at: float | None = None, **context: Any) -> None:
        super().__init__(message, **context)
        self.retry_at = retry_at


class InternalServerError(APIError):
    """500 and above: the service failed."""


class UploadError(StreamError):
    """An upload ended without a finished video.

    ``offset`` is how many bytes the server had; ``uid`` names the unfinished video, where there was one.
    """

    def __init__(self, message: str, *, uid: str | None = None, offset: int = 0, **context: Any) -> None:
        super().__init__(message, **context)
        self.uid = uid
        self.offset = offset


class FileChangedError(UploadError):
    """The file changed while it was sent; nothing of the new content was joined to the old."""


class JournalError(StreamError):
    """A journal of uploads cannot be used: not there, damaged, of another version, or the disk refuses."""


class JournalLockedError(JournalError):
    """Another process uploads with this journal."""


class EncodingFailedError(StreamError):
    """The service could not encode the video; ``uid`` names it, ``codes`` holds the reason code."""

    def __init__(self, message: str, *, uid: str = "", **context: Any) -> None:
        super().__init__(message, **context)
        self.uid = uid


class WaitTimeoutError(StreamError, TimeoutError):
    """The video was not ready in time; ``state`` is the last state seen."""

    def __init__(self, message: str, *, uid: str = "", state: str = "", **context: Any) -> None:
        super().__init__(message, **context)
        self.uid = uid
        self.state = state


_BY_STATUS: Mapping[int, type[APIError]] = MappingProxyType(
    {
        400: BadRequestError,
        401: AuthenticationError,
        403: PermissionDeniedError,
        404: NotFoundError,
        409: ConflictError,
        429: RateLimitError,
    }
)

_FAILURES = 400
_SERVER_ERRORS = 500


# For answers that report a failure with a status of success.
_BY_CODE: Mapping[int, type[APIError]] = MappingProxyType(
    {7003: NotFoundError, 10000: AuthenticationError, 10003: NotFoundError, 10005: BadRequestError}
)


def error_class(status: int, codes: Sequence[int] = ()) -> type[APIError]:
    """The class for an HTTP status, or for the service's codes where the status claims success."""
    if status >= _SERVER_ERRORS:
        return InternalServerError
    if status < _FAILURES:
        return next((_BY_CODE[code] for code in codes if code in _BY_CODE), APIError)
    return _BY_STATUS.get(status, APIError)
