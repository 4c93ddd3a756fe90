"""The sites that may show a video: its allowed origins, held against what a browser says where it is."""

from collections.abc import Iterable
from typing import Final

from aiohttp import web
from yarl import URL

_OF_ITS_OWN: Final = frozenset({80, 443})
"""The ports of http and https, which an allowed origin need not name."""


def allow(request: web.Request, allowed: Iterable[str]) -> bool:
    """Whether a request comes from one of these origins, or from a page of the emulator's own.

    The origin is that of ``Origin`` or else of ``Referer``; a request with neither comes from no site. The player's
    page is held against the rule when it is fetched itself: what it fetches then is its own, as browsers tell in
    ``Sec-Fetch-Site`` or, where they know the emulator by a name they do not trust, in ``Referer``.
    """
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        return True
    given = request.headers.get("Origin") or request.headers.get("Referer") or ""
    try:
        site = URL(given)
        host, port = site.raw_host, site.port
    except ValueError:
        return False
    if site.scheme not in ("http", "https") or not host or port is None:
        return False
    if site.authority == request.host:
        return True
    return any(_fits(entry, host.rstrip("."), port) for entry in allowed)


def _fits(entry: str, host: str, port: int) -> bool:
    name = entry.strip().removeprefix("*.")
    try:
        named = URL(f"http://{name}")
        # With a scheme, a user or a path it is no origin as the service wants it, and fits nothing.
        plain = named.raw_host and named.raw_path == "/" and not named.query_string and named.raw_user is None
        own_port = named.explicit_port
    except ValueError:
        return False
    if not plain or not named.raw_host or (port not in _OF_ITS_OWN if own_port is None else port != own_port):
        return False
    if name != entry.strip():
        return host.endswith(f".{named.raw_host}")
    return host == named.raw_host
