"""What the media host says: how much of which version of a file, or why there is none."""

import re
from collections.abc import Mapping

import attrs

from cfstream._media import MediaAnswer
from cfstream._redact import excerpt
from cfstream._transport import Transport
from cfstream._types import Secret
from cfstream.errors import DecodeError, EncodingFailedError, StreamError, error_class

WHOLE, PARTIAL, NO_SUCH_RANGE = 200, 206, 416
_REFUSED = frozenset({401, 403})
_NO_MEDIA = 424
_TYPES = re.compile(r"(video/|audio/|application/mp4|(application|binary)/octet-stream)", re.IGNORECASE)
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_LENGTH = re.compile(r"\d{1,18}")


@attrs.frozen
class Span:
    """The part of a file that an answer holds."""

    start: int
    total: int


def validator_of(headers: Mapping[str, str]) -> str | None:
    """Give what can stand in ``If-Range``: a strong entity tag, else the date of the last change (RFC 9110, 13.1.5)."""
    tag = headers.get("ETag", "")
    if tag.startswith('"'):
        return tag
    return headers.get("Last-Modified") or None


def still(validator: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a partial answer is of that version: what it says of its version must not differ."""
    now = headers.get("ETag" if validator.startswith('"') else "Last-Modified")
    return now is None or now == validator


def span_of(headers: Mapping[str, str]) -> Span | None:
    """Read ``Content-Range``; one without the length of the whole is of no use."""
    match = _RANGE.fullmatch(headers.get("Content-Range", "").strip())
    return Span(int(match[1]), int(match[3])) if match else None


def total_of(headers: Mapping[str, str]) -> int | None:
    """Give the length of a whole file; None where the end of the answer will tell it.

    Raises:
        DecodeError: nothing would tell a whole file from one that was cut off.
    """
    length = headers.get("Content-Length", "").strip()
    if _LENGTH.fullmatch(length):
        return int(length)
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        return None
    raise DecodeError("the media host does not say how long the file is; nothing was saved")


def check_media(headers: Mapping[str, str]) -> None:
    """Refuse what is no media file: an error page, a login page, an envelope.

    Raises:
        DecodeError: it is none.
    """
    kind = headers.get("Content-Type", "")
    if not _TYPES.match(kind):
        raise DecodeError(f"the media host gave {excerpt(kind) or 'no content type'} for a file; nothing was saved")
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise DecodeError(f"the media host gave the file encoded as {excerpt(encoding)}, which was not asked for")


async def refusal(answer: MediaAnswer, transport: Transport, uid: str, token: Secret | None) -> StreamError:
    """Make the error of an answer that holds no file."""
    if answer.status == _NO_MEDIA:
        return EncodingFailedError(
            f"video {uid} could not be encoded, so there is no file to download", uid=uid, status=answer.status
        )
    if answer.status in _REFUSED:
        reason = (
            "the media host wants a token: for a video with signed URLs give token=, made with downloadable=True"
            if token is None
            else "the media host refuses the token: it must be for this video, downloadable=True and not expired"
        )
        return error_class(answer.status)(f"{answer.status}: {reason}", status=answer.status)
    if answer.status < 400:  # noqa: PLR2004  # the statuses of HTTP
        return DecodeError(f"the media host answered with status {answer.status} in place of a file")
    secrets = () if token is None else (token,)
    return transport.failure(await answer.beginning(), secrets)
