"""Ways of ending a connection that a server does not end by itself."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from aiohttp import web

from cfstream.emulator.serving.sending import path_of
from cfstream.emulator.uploading.uploads import LOST, Body

_LOOK = 0.05
"""Seconds between two looks at whether a client is still there."""

SEVERED: Final = web.RequestKey("severed", int)
"""After how many bytes of a request's body its connection is to be lost."""


def reset(request: web.Request) -> None:
    """End the connection with an RST: what is on its way in either direction is lost."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def stall(request: web.Request, closing: asyncio.Event) -> None:
    """Keep a request waiting until its client leaves or the emulator closes."""
    # aiohttp does not tell a handler that its client has left, so this looks.
    while request.transport is not None and not closing.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), _LOOK)
    reset(request)


async def discard(request: web.Request, size: int) -> None:
    """Take so many bytes of a body, or what there is of it, and lose the connection."""
    with contextlib.suppress(*LOST):
        async for _ in Severed(request, size).iter_any():
            pass
    reset(request)


def body(request: web.Request) -> Body:
    """The body of a request, or what of it is to come."""
    size = request.get(SEVERED)
    return request.content if size is None else Severed(request, size)


class Severed:
    """The body of a request whose connection is lost after so many bytes."""

    def __init__(self, request: web.Request, size: int) -> None:
        self._request = request
        self._size = size

    async def iter_any(self) -> AsyncGenerator[bytes]:
        """What comes until then.

        Raises:
            ConnectionResetError: so many bytes came.
        """
        left = self._size
        while left:
            block = await self._request.content.readany()
            if not block:
                return
            yield block[:left]
            left -= len(block[:left])
        reset(self._request)
        raise ConnectionResetError("a planned fault")


async def cut(request: web.Request, response: web.StreamResponse, size: int) -> web.StreamResponse | None:
    """Send the head of an answer and so many bytes of its body, then end the connection; None if nothing was sent."""
    path = path_of(response)
    begun = _shortened(response, size) if path is None else _shortened_file(request, response, path, size)
    if request.method == "HEAD" or begun is None:
        reset(request)
        return None
    shortened, start = begun
    shortened.force_close()
    await shortened.prepare(request)
    await shortened.write(start)
    if request.transport is not None:
        request.transport.close()  # unlike a reset this delivers what was written
    return shortened


def _shortened(response: web.StreamResponse, size: int) -> tuple[web.StreamResponse, bytes] | None:
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes) or len(body) <= size:
        return None
    shortened = web.StreamResponse(status=response.status, headers=response.headers)
    shortened.content_length = len(body)
    return shortened, body[:size]


def _shortened_file(
    request: web.Request, response: web.StreamResponse, path: Path, size: int
) -> tuple[web.StreamResponse, bytes] | None:
    """The same with a file, of which a range may have been asked for."""
    headers = {**response.headers, "Accept-Ranges": "bytes"}
    total = path.stat().st_size
    try:
        start, stop, _ = request.http_range.indices(total)
    except ValueError:  # the answer to that has no body
        return None
    if stop - start <= size:
        return None
    status = response.status
    if "Range" in request.headers:
        status, headers["Content-Range"] = 206, f"bytes {start}-{stop - 1}/{total}"
    shortened = web.StreamResponse(status=status, headers=headers)
    shortened.content_length = stop - start
    with path.open("rb") as file:
        file.seek(start)
        return shortened, file.read(size)
