"""Bytes straight to the emulator's port, and what comes back until it ends the connection."""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

import attrs

from cfstream.emulator import Emulator

PATIENCE = 10


@attrs.frozen
class Raw:
    """An answer as it came."""

    data: bytes

    @property
    def status(self) -> int:
        return int(self.data.split(None, 2)[1]) if self.data else 0

    @property
    def head(self) -> str:
        return self.data.partition(b"\r\n\r\n")[0].decode("latin-1")

    def header(self, name: str) -> str | None:
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


def place(emulator: Emulator) -> tuple[str, int]:
    found = urlsplit(emulator.url())
    assert found.hostname is not None
    assert found.port is not None
    return found.hostname, found.port


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that nothing tells of."""
    async with asyncio.timeout(2 * PATIENCE):
        while not condition():  # noqa: ASYNC110  # the kernel and other processes set no events
            await asyncio.sleep(0.02)


async def connect(emulator: Emulator, host: str | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    own, port = place(emulator)
    return await asyncio.open_connection(host or own, port)


async def sent(emulator: Emulator, data: bytes, *, host: str | None = None) -> Raw:
    """What comes back for some bytes, up to the end of the connection, which the emulator is to bring about."""
    reader, writer = await connect(emulator, host)
    try:
        writer.write(data)
        async with asyncio.timeout(PATIENCE):
            try:
                return Raw(await reader.read())
            except ConnectionResetError:
                return Raw(b"")
    finally:
        writer.close()


async def asked(
    emulator: Emulator, verb: str, target: str, *headers: str, host: str | None = None, to: str | None = None
) -> Raw:
    """One request without a body; ``host`` is its header of that name, ``to`` the address that is connected to."""
    name = "{}:{}".format(*place(emulator)) if host is None else host
    lines = [f"{verb} {target} HTTP/1.1", *([f"Host: {name}"] if name else []), "Connection: close", *headers, "", ""]
    return await sent(emulator, "\r\n".join(lines).encode(), host=to)
