"""The port where publishers knock."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from cfstream.emulator.errors import EmulatorError, reason
from cfstream.emulator.ingest.broadcasts import Broadcasts
from cfstream.emulator.ingest.connection import Connection
from cfstream.emulator.rtmp.chunks import Held

MOST: Final = 256
"""Connections at the same time."""


@asynccontextmanager
async def served(broadcasts: Broadcasts, host: str, port: int) -> AsyncGenerator[None]:
    """Take in RTMP.

    Raises:
        EmulatorError: the port cannot be had.
    """
    connections: dict[asyncio.Task[None], Connection] = {}
    held = Held()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(connections) >= MOST:
            writer.transport.abort()
            return
        connection = Connection(reader, writer, broadcasts, held)
        task = connection.start()
        connections[task] = connection
        task.add_done_callback(lambda done: connections.pop(done, None))

    try:
        server = await asyncio.start_server(connected, host, port)
    except OSError as error:
        raise EmulatorError(f"The emulator cannot take in RTMP on {host}:{port}: {reason(error)}") from error
    broadcasts.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        # Publishers first: what they sent is still to be put in order.
        await broadcasts.close()
        for connection in list(connections.values()):
            await connection.end()
        await server.wait_closed()
