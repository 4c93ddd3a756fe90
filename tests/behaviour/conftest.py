"""A client of an emulator with small chunks, and a proxy between them that breaks connections."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs
import pytest

from cfstream import Limits, Stream
from cfstream.emulator import Emulator

KIB = 1024
SMALL = Limits(chunk_min=64 * KIB, chunk_default=256 * KIB, chunk_max=1024 * KIB, chunk_multiple=64 * KIB, list_lag=1.0)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(limits=SMALL) as running:
        running.pause_encoding()
        yield running


@pytest.fixture
async def stream(emulator: Emulator) -> AsyncIterator[Stream]:
    async with emulator.stream() as client:
        yield client


@pytest.fixture
def noise() -> bytes:
    return os.urandom(900 * KIB + 17)


@attrs.define
class Proxy:
    """Forwards connections; what passes from client to server can be cut after a number of bytes."""

    port: int
    cuts: list[int] = attrs.field(factory=list)
    """For the next connections: after how many bytes to break them; spent from the front."""
    connections: int = 0
    forwarded: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        budget = self.cuts.pop(0) if self.cuts else None
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        answers = asyncio.create_task(_pump(there, writer))
        try:
            while data := await reader.read(16 * KIB):
                if budget is not None:
                    data = data[:budget]
                    budget -= len(data)
                self.forwarded += len(data)
                back.write(data)
                await back.drain()
                if budget == 0:
                    break
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
            back.transport.abort()
            answers.cancel()
            with suppress(asyncio.CancelledError):
                await answers


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(16 * KIB):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def proxied(emulator: Emulator, *cuts: int) -> AsyncIterator[tuple[Proxy, dict[str, Any]]]:
    """Give the proxy and the options of a client that goes through it."""
    port = int(emulator.base_url.split(":")[2].split("/")[0])
    proxy = Proxy(port, list(cuts))
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        own = server.sockets[0].getsockname()[1]
        yield proxy, {"base_url": emulator.base_url.replace(str(port), str(own))}
    finally:
        server.close()


@pytest.fixture
def through_proxy(emulator: Emulator) -> Callable[..., Any]:
    return lambda *cuts: proxied(emulator, *cuts)
