"""A server of bare sockets: it answers with whatever bytes, silences and resets a test wants."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

Behaviour = Callable[["RawServer", bytes, asyncio.StreamWriter], Awaitable[None]]


class RawServer:
    """Listens on 127.0.0.1; every request is kept, and answered by the next behaviour (the last one repeats)."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = list(behaviours)
        self.requests: list[bytes] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                behaviour = self._behaviours[min(len(self.requests), len(self._behaviours) - 1)]
                self.requests.append(head + body)
                await behaviour(self, head, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def says(answer: bytes, *, then_close: bool = True) -> Behaviour:
    """Answer with these bytes as they stand."""

    async def behave(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        if then_close:
            writer.close()

    return behave


def http(status: str, body: bytes = b"", *, content_type: str = "application/json", **headers: str) -> bytes:
    """Give the bytes of a well-formed answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answers(status: str, body: bytes = b"", *, content_type: str = "application/json", **headers: str) -> Behaviour:
    """Answer well-formed HTTP."""
    return says(http(status, body, content_type=content_type, **headers))


def says_in_turn(*parts: bytes) -> Behaviour:
    """Send the parts so that each arrives by itself, then close."""

    async def behave(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02)
        writer.close()

    return behave


def echoes(status: str, before: bytes = b"", after: bytes = b"", *, content_type: str = "text/html") -> Behaviour:
    """Answer with the credentials of the request in the body: what a debugging proxy's error page does."""

    async def behave(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
        lines = [line for line in head.split(b"\r\n") if line.lower().startswith((b"authorization", b"x-auth"))]
        shown = b" ".join(line.partition(b": ")[2].removeprefix(b"Bearer ") for line in lines)
        await says(http(status, before + shown + after, content_type=content_type))(server, head, writer)

    return behave


async def silence(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


def resets_after(sent: bytes) -> Behaviour:
    """Send these bytes, then reset the connection (RST, not FIN)."""

    async def behave(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
        if sent:
            writer.write(sent)
            await writer.drain()
            await asyncio.sleep(0.02)  # the bytes arrive before the reset does
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return behave
