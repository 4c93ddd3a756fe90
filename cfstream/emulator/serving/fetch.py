"""Files from the web: fetched within bounds, and from public addresses only unless told otherwise."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import aiohttp
import attrs
from yarl import URL

from cfstream.emulator import checks
from cfstream.emulator.answers import BAD_URL, Refused
from cfstream.emulator.serving import reach
from cfstream.emulator.storage.disk import open_own

_REDIRECTS: Final = 5
_MOVED: Final = (301, 302, 303, 307, 308)
_LONGEST: Final = 3600.0
_CONNECT, _SILENCE = 10.0, 30.0
_BLOCK: Final = 256 * 1024
# Packed bytes would be kept as they come: the file is asked for plain.
_HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "cfstream-emulator"}


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
    admit: Callable[[int], None] = lambda _: None,
) -> int:
    """Fetch a file and return its size.

    Args:
        url: where it is; at most five redirects are followed.
        target: where it goes.
        most: the largest size, in bytes.
        private: whether this machine and its network may be asked, too.
        seconds: how long it may take.
        on_size: called with the size that the server announces, if it does.
        admit: called with the size of each block before it is written; refuses what has no room on the disk.

    Raises:
        FetchError: it cannot be had, or is too large.
    """
    session = aiohttp.ClientSession(
        connector=reach.connector("everything" if private else "public"),
        timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT, sock_read=_SILENCE),
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )
    try:
        async with session:
            return await _follow(session, URL(url), _Target(target, most, on_size, admit))
    except Refused as error:
        raise FetchError("; ".join(message for _, message in error.errors)) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise FetchError(f"the file could not be fetched: {str(error) or type(error).__name__}") from error


@attrs.frozen
class _Target:
    path: Path
    most: int
    on_size: Callable[[int], None]
    admit: Callable[[int], None]

    def check(self, size: int) -> None:
        if size > self.most:
            raise FetchError(f"the file is larger than {self.most} bytes")


async def _follow(session: aiohttp.ClientSession, url: URL, target: _Target) -> int:
    for _ in range(_REDIRECTS + 1):
        async with session.get(url, allow_redirects=False) as response:
            if response.status not in _MOVED:
                return await _save(response, target)
            url = url.join(URL(response.headers.get("Location", "")))
        if url.scheme not in ("http", "https") or not url.host or url.user is not None:
            raise FetchError("the server redirected to something that is no plain http or https address")
    raise FetchError(f"the server redirected more than {_REDIRECTS} times")


async def _save(response: aiohttp.ClientResponse, target: _Target) -> int:
    if response.status != 200:  # noqa: PLR2004  # a part of a file is no file
        raise FetchError(f"the server answered {response.status}")
    announced, size = response.content_length, 0
    if announced is not None:
        target.check(announced)
        target.on_size(announced)
    with os.fdopen(open_own(target.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
        async for block in response.content.iter_chunked(_BLOCK):
            size += len(block)
            target.check(size)
            target.admit(len(block))
            file.write(block)
    return size
