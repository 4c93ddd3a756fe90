"""Who may use the dashboard: whoever opened its link, from its own pages only."""

import hmac
import secrets

import attrs
from aiohttp import web

_SAFE = ("GET", "HEAD")


@attrs.frozen
class Entry:
    """A secret for the link and another one for the cookie that the link gives."""

    key: str = attrs.field(factory=lambda: secrets.token_urlsafe(24), repr=False)
    _cookie: str = attrs.field(factory=lambda: secrets.token_urlsafe(32), repr=False)

    def opens(self, key: str) -> bool:
        """Whether that is the secret of the link."""
        return _same(key, self.key)

    def give(self, response: web.Response, site: str) -> None:
        """Let the browser that gets this answer in from now on, until it is closed."""
        response.set_cookie(_name(site), self._cookie, httponly=True, samesite="Strict", path="/")

    def was_given(self, request: web.Request, site: str) -> bool:
        """Whether the browser that asks has the cookie."""
        return _same(request.cookies.get(_name(site), ""), self._cookie)

    def admits(self, request: web.Request, site: str) -> bool:
        """Whether a page of the emulator itself asks, in a browser that has the cookie.

        Browsers send the cookie with what pages of other ports of this machine ask for, too: those are refused.
        """
        return self.was_given(request, site) and _same_origin(request)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def _name(site: str) -> str:
    # Cookies know no ports: each emulator of this machine needs a name of its own.
    return f"cfstream-emulator-{site.rpartition(':')[2]}"


def _same_origin(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        return False
    fetched = request.headers.get("Sec-Fetch-Site")
    if fetched is not None:
        return fetched == "same-origin"
    # A browser that tells neither: what changes nothing may be asked for, since nobody else can read the answer.
    return origin is not None or request.method in _SAFE
