"""Files from the web: fetched within bounds, and from public addresses only unless told otherwise."""

import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import aiohttp
from yarl import URL

from cfstream.emulator import checks
from cfstream.emulator.answers import BAD_URL, Refused

_REDIRECTS: Final = 5
_MOVED: Final = (301, 302, 303, 307, 308)
_LONGEST: Final = 3600.0
_CONNECT, _SILENCE = 10.0, 30.0
_BLOCK: Final = 256 * 1024
# Packed bytes would be kept as they come: the file is asked for plain.
_HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "cfstream-emulator"}
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class FetchError(Exception):
    """A file that cannot be had."""


def address(name: str, value: Any) -> str:
    """The address of a file in a body: http or https, without a user and a password.

    Raises:
        Refused: it is none.
    """
    url = checks.web_address(name, value)
    if URL(url).user is not None or URL(url).password is not None:
        raise Refused(400, (BAD_URL, f"Invalid URL: {name}: must have no user and no password"))
    return url


async def fetch(
    url: str,
    target: Path,
    most: int,
    *,
    private: bool,
    seconds: float = _LONGEST,
    on_size: Callable[[int], None] = lambda _: None,
) -> int:
    """Fetch a file and return its size.

    Args:
        url: where it is; at most five redirects are followed.
        target: where it goes.
        most: the largest size, in bytes.
        private: whether this machine and its network may be asked, too.
        seconds: how long it may take.
        on_size: called with the size that the server announces, if it does.

    Raises:
        FetchError: it cannot be had, or is too large.
    """
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=None if private else _public_socket),
        timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT, sock_read=_SILENCE),
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )
    try:
        async with session:
            return await _follow(session, URL(url), target, most, on_size)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise FetchError(f"the file could not be fetched: {str(error) or type(error).__name__}") from error


def _public_socket(info: tuple[Any, ...]) -> socket.socket:
    # Looked at is the very address that is connected to: names can stand for others a moment later.
    family, kind, protocol, _, place = info
    if not is_public(str(place[0])):
        raise OSError("the address is not public")
    return socket.socket(family, kind, protocol)


def is_public(place: str) -> bool:
    """Whether an IP address, and one that it carries inside, belongs to the open internet."""
    found = ipaddress.ip_address(place.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inside = found.ipv4_mapped or found.sixtofour
        if inside is not None:
            return is_public(str(inside))
        if found in _NAT64 or found.teredo is not None or found.is_site_local:
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


async def _follow(
    session: aiohttp.ClientSession, url: URL, target: Path, most: int, on_size: Callable[[int], None]
) -> int:
    for _ in range(_REDIRECTS + 1):
        async with session.get(url, allow_redirects=False) as response:
            if response.status not in _MOVED:
                return await _save(response, target, most, on_size)
            url = url.join(URL(response.headers.get("Location", "")))
        if url.scheme not in ("http", "https") or not url.host or url.user is not None:
            raise FetchError("the server redirected to something that is no plain http or https address")
    raise FetchError(f"the server redirected more than {_REDIRECTS} times")


async def _save(response: aiohttp.ClientResponse, target: Path, most: int, on_size: Callable[[int], None]) -> int:
    if response.status != 200:  # noqa: PLR2004  # a part of a file is no file
        raise FetchError(f"the server answered {response.status}")
    announced, size = response.content_length, 0
    if announced is not None:
        _check_size(announced, most)
        on_size(announced)
    with target.open("wb") as file:
        async for block in response.content.iter_chunked(_BLOCK):
            size += len(block)
            _check_size(size, most)
            file.write(block)
    return size


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise FetchError(f"the file is larger than {most} bytes")
