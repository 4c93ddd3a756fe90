"""Bytes on their way to disk: one writer per upload, the chunk rules, and what survives a lost connection."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import aiohttp
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from cfstream._limits import Limits
from cfstream.emulator.answers import BAD_REQUEST, Refused, bad_request
from cfstream.emulator.serving import patience
from cfstream.emulator.serving.patience import Patience, too_late
from cfstream.emulator.storage.disk import Disk, open_own

LOST = (aiohttp.ClientError, HttpProcessingError, ConnectionError, web.RequestPayloadError)


class LostConnectionError(Exception):
    """The client went away in the middle of a body."""


class Writer:
    """The one request that writes to an upload."""

    def __init__(self, wait: Patience) -> None:
        self._wait = wait
        self.ended = asyncio.Event()
        self.replaced = False

    def came(self, size: int) -> None:
        """Bytes came: the wait begins anew."""
        if not self.replaced:
            self._wait.came(size)

    def stop(self) -> None:
        """End the request, because another one wants to write."""
        self.replaced = True
        self._wait.end()


class Writers:
    """Who writes to which upload."""

    def __init__(self) -> None:
        self._writers: dict[str, Writer] = {}

    @asynccontextmanager
    async def alone(self, uid: str) -> AsyncGenerator[Writer]:
        """Be the only writer to an upload.

        Whoever writes now is stopped: a client asks again only when it has given its last request up, and a
        connection that died without a word would otherwise hold the upload.
        """
        await self.stop(uid)
        timeout = asyncio.timeout(patience.SILENCE)
        writer = Writer(Patience(timeout))
        try:
            async with timeout:
                self._writers[uid] = writer
                try:
                    yield writer
                finally:
                    del self._writers[uid]
                    writer.ended.set()
        except TimeoutError as error:
            if writer.replaced:
                raise Refused(423, (BAD_REQUEST, "Another request took this upload over"), close=True) from error
            raise too_late() from error

    async def stop(self, uid: str) -> None:
        """End the request that writes to an upload; afterwards its offset stands still."""
        while (writer := self._writers.get(uid)) is not None:
            writer.stop()
            await writer.ended.wait()

    def stop_all(self) -> None:
        """End all of them."""
        for writer in self._writers.values():
            writer.stop()


def check_chunk(size: int, room: int, limits: Limits) -> None:
    """Hold a chunk against the service's rules; the one that completes the upload may have any size up to the most.

    Raises:
        Refused: it breaks one.
    """
    if size > room:
        raise Refused(413, (BAD_REQUEST, "The chunk goes beyond Upload-Length"), close=True)
    if size > limits.chunk_max:
        raise _wrong_chunk(f"The chunk has {size} bytes; the most is {limits.chunk_max}")
    if size == room:
        return
    if size < limits.chunk_min:
        raise _wrong_chunk(f"The chunk has {size} bytes; the least is {limits.chunk_min}")
    if size % limits.chunk_multiple:
        raise _wrong_chunk(f"The chunk has {size} bytes, which is not divisible by {limits.chunk_multiple}")


def _wrong_chunk(message: str) -> Refused:
    refusal = bad_request(message)
    refusal.close = True
    return refusal


class Body(Protocol):
    """A request's body."""

    def iter_any(self) -> AsyncIterable[bytes]:
        """What comes, in blocks of any size."""
        ...


async def receive(content: Body, target: Path, writer: Writer, disk: Disk, most: int) -> int:
    """Append a body to a file as it comes and return its size; at most one byte over ``most`` decides the answer.

    Raises:
        LostConnectionError: the client went away; what came before is in the file.
        Refused: there is no room for more; what came before is in the file.
        OSError: the same, found out by writing.
    """
    received = 0
    # Without a buffer the size of the file is the offset at every moment, also after a crash.
    with os.fdopen(open_own(target, os.O_WRONLY | os.O_APPEND), "ab", buffering=0) as file:
        try:
            async for block in content.iter_any():
                writer.came(len(block))
                received += len(block)
                if received > most:
                    return received
                disk.take(len(block))
                _write(file.fileno(), block)
        except LOST as error:
            raise LostConnectionError from error
    return received


def _write(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def truncate(target: Path, size: int) -> None:
    """Take back what was appended."""
    with os.fdopen(open_own(target, os.O_RDWR), "r+b") as file:
        file.truncate(size)
