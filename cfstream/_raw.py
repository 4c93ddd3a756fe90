"""The escape hatch: any request of the API as a row of its own."""

import json as jsonlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from cfstream._answers import RawResponse
from cfstream._params import Encoded
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


def _is_texts(query: Any) -> bool:
    """Tell whether these are texts that a query can hold; undecodable bytes of a file name, say, are none."""
    if not isinstance(query, Mapping):
        return False
    try:
        return all(isinstance(text, str) and text.encode() is not None for text in (*query, *query.values()))
    except UnicodeEncodeError:
        return False


def _json_body(value: Any) -> bytes:
    try:
        return jsonlib.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"json: not JSON: {error}") from error


def raw_request(
    method: str, path: str, *, query: Mapping[str, str] | None, json: Any, data: bytes | None
) -> Request[RawResponse]:
    """Make the request.

    Raises:
        InvalidInputError: an unknown verb, a path that leads out of the API, or two bodies.
    """
    verb = method.upper()
    if verb not in _BY_VERB:
        raise InvalidInputError(f"method: expected one of {', '.join(_BY_VERB)}, got {method!r}")
    if json is not None and data is not None:
        raise InvalidInputError("give json or data, not both")
    if query is not None and not _is_texts(query):
        raise InvalidInputError("query: expected a mapping of texts")
    filled = path.replace(_ACCOUNT, "account")
    if not _PATH.fullmatch(filled) or any(part.strip(".") == "" for part in filled.split("/")[1:]) or "%2" in filled:
        raise InvalidInputError(f"path: {path!r} must begin with / and hold no '..', '?' or '#'; give query= apart")
    body = data if json is None else _json_body(json)
    headers = {"Content-Type": "application/octet-stream"} if data is not None else None
    endpoint = Endpoint(verb, path, _AsItCame(), retry=_BY_VERB[verb])
    return Request(endpoint, {}, Encoded(query=query, body=body, headers=headers))
