"""The envelope of the API, and refusals as exceptions that become one."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

API = "/client/v4"

NO_ROUTE, BAD_IDENTIFIER, WRONG_METHOD = 7000, 7003, 7001
AUTHENTICATION, INTERNAL, NOT_FOUND, DECODING, BAD_REQUEST, BAD_URL = 10000, 10001, 10003, 10004, 10005, 10010
THROTTLED, STORAGE_FULL, NOT_A_VIDEO = 971, 10011, 10059


FRESH: Mapping[str, str] = {"Cache-Control": "no-store"}
"""The headers of what can be another thing a moment later."""


class Refused(Exception):  # noqa: N818  # an answer rather than a fault
    """What a handler raises to answer with an error."""

    def __init__(
        self, status: int, *errors: tuple[int, str], headers: Mapping[str, str] | None = None, close: bool = False
    ) -> None:
        super().__init__(status, *errors)
        self.status = status
        self.errors = errors
        self.headers = headers or {}
        self.close = close
        """Whether the connection ends, because what is left of the request's body is of no use."""

    def answer(self, *, plain: bool) -> web.Response:
        """The answer, as the envelope or in plain words."""
        if plain:
            text = "\n".join(message for _, message in self.errors)
            response = web.Response(status=self.status, text=f"{text}\n", headers=self.headers)
        else:
            response = failure(self.status, *self.errors, headers=self.headers)
        if self.close:
            response.force_close()
        return response


def not_found(what: str) -> Refused:
    """404: no such object."""
    return Refused(404, (NOT_FOUND, f"Not Found: {what}"))


def bad_request(message: str) -> Refused:
    """400: a value is refused."""
    return Refused(400, (BAD_REQUEST, message))


def no_route(path: str) -> Refused:
    """404: what the router in front of all Cloudflare services says."""
    shown = path.removeprefix(API)
    return Refused(
        404,
        (BAD_IDENTIFIER, f"Could not route to {shown}, perhaps your object identifier is invalid?"),
        (NO_ROUTE, "No route for that URI"),
    )


def unauthorized() -> Refused:
    """401: who asks is not known."""
    return Refused(401, (AUTHENTICATION, "Authentication error"))


def success(result: Any, **beside: Any) -> web.Response:
    """200 with a result, and with what stands beside it in the envelope."""
    return _json(200, {"result": result, "success": True, "errors": [], "messages": [], **beside})


def failure(status: int, *errors: tuple[int, str], headers: Mapping[str, str] | None = None) -> web.Response:
    """An error answer."""
    listed = [{"code": code, "message": message} for code, message in errors]
    return _json(status, {"result": None, "success": False, "errors": listed, "messages": []}, headers)


def _json(status: int, body: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return web.Response(status=status, body=data, headers=headers, content_type="application/json")
