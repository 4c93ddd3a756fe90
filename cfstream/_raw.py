"""The escape hatch: any request of the API as a row of its own."""

import json as jsonlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from cfstream._answers import RawResponse
from cfstream._params import Encoded
from cfstream._redact import redact, shown
from cfstream.endpoints import Endpoint, Request, RetryClass
from cfstream.errors import InvalidInputError

_BY_VERB = {
    "GET": RetryClass.READ,
    "HEAD": RetryClass.READ,
    "PUT": RetryClass.SET,
    "DELETE": RetryClass.DELETE,
    "POST": RetryClass.CREATE,
    "PATCH": RetryClass.CREATE,
}
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+")
_ACCOUNT = "{account_id}"


@attrs.frozen
class _AsItCame:
    accept: None = None

    def read(self, response: RawResponse, secrets: Iterable[str] = ()) -> RawResponse:
        del secrets
        return response


@attrs.frozen(eq=False)
class _GivenRow(Endpoint[RawResponse]):
    """A row whose path came from outside: a signed token may stand in it where a uid is meant."""

    @property
    def row(self) -> str:
        return redact(f"{self.verb} {self.path}")


def _is_texts(query: Any) -> bool:
    """Tell whether these are texts that a query can hold; undecodable bytes of a file name, say, are none."""
    if not isinstance(query, Mapping):
        return False
    try:
        return all(isinstance(text, str) and text.encode() is not None for text in (*query, *query.values()))
    except UnicodeEncodeError:
        return False


def _stays_inside(path: Any) -> bool:
    """Tell whether a path leads to where it says, below the address of the API."""
    if not isinstance(path, str):
        return False
    filled = path.replace(_ACCOUNT, "account")
    dotted = any(part.strip(".") == "" for part in filled.split("/")[1:])
    return bool(_PATH.fullmatch(filled)) and not dotted and "%2" not in filled


def _json_body(value: Any) -> bytes:
    try:
        return jsonlib.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"json: not JSON: {error}") from error


def raw_request(
    method: Any, path: Any, *, query: Mapping[str, str] | None, json: Any, data: Any
) -> Request[RawResponse]:
    """Make the request.

    Raises:
        InvalidInputError: an unknown verb, a path that leads out of the API, or two bodies.
    """
    verb = method.upper() if isinstance(method, str) else ""
    if verb not in _BY_VERB:
        raise InvalidInputError(f"method: expected one of {', '.join(_BY_VERB)}, got {shown(method)}")
    if json is not None and data is not None:
        raise InvalidInputError("give json or data, not both")
    if data is not None and not isinstance(data, (bytes, bytearray, memoryview)):
        raise InvalidInputError(f"data: expected bytes, got {type(data).__name__}")
    if query is not None and not _is_texts(query):
        raise InvalidInputError("query: expected a mapping of texts")
    if not _stays_inside(path):
        raise InvalidInputError(
            f"path: {shown(path)} must begin with / and hold no '..', '?' or '#'; give query= apart"
        )
    body = _json_body(json) if json is not None else None if data is None else bytes(data)
    headers = {"Content-Type": "application/octet-stream"} if data is not None else None
    endpoint = _GivenRow(verb, path, _AsItCame(), retry=_BY_VERB[verb])
    return Request(endpoint, {}, Encoded(query=query, body=body, headers=headers))
