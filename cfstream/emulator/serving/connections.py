"""Listening: connections within bounds, which end when their client is silent, too slow or makes no sense."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from cfstream.emulator.answers import BAD_REQUEST, INTERNAL, Refused
from cfstream.emulator.errors import EmulatorError, reason
from cfstream.emulator.serving import hosts
from cfstream.emulator.uploading.uploads import LOST

SERVER: Final = "cfstream-emulator"
"""What answers say of who made them: no versions."""

IDLE: Final = 60.0
"""Seconds from the start of a connection, or from the last answer, in which a whole head must come."""
UNREAD: Final = 60.0
"""Seconds that an answer may wait for its client to read on."""
# Request lines have tokens in them: aiohttp is not to log any. Its types leave None out.
_SILENT: Final[dict[str, Any]] = {"access_log": None}
LINGER: Final = 2.0
"""Seconds in which a client that is still sending may take notice of an answer."""
_GRACE: Final = 0.5
_MOST: Final = 4096
_FEWEST: Final = 64
_SERVERS_FAULT: Final = 500
_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nServer: cfstream-emulator\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 21\r\nRetry-After: 1\r\nConnection: close\r\n\r\nToo many connections\n"
)


class Connection(web.RequestHandler):
    """One connection."""

    __slots__ = ("_counted", "_most", "_refused", "_unread")

    def __init__(self, manager: web.Server, most: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(manager, loop=loop, keepalive_timeout=IDLE, lingering_time=LINGER, **_SILENT)
        self._counted = manager
        self._most = most
        self._unread: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many."""
        if len(self._counted.connections) >= self._most and isinstance(transport, asyncio.Transport):
            self._refused = True
            transport.write(_BUSY)
            transport.close()
            return
        _cut_unread(transport)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if not self._refused:
            super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        if self._unread is not None:
            self._unread.cancel()
        if not self._refused:
            super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read: it has a while to go on."""
        super().pause_writing()
        if self.transport is not None:
            self._unread = asyncio.get_running_loop().call_later(UNREAD, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        if self._unread is not None:
            self._unread.cancel()
        super().resume_writing()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no request: it repeats nothing of it, and neither does the log."""
        # aiohttp repeats an Expect that it does not know, and fails itself where that is no text.
        if isinstance(exc, UnicodeEncodeError):
            status = 417
        if status < _SERVERS_FAULT:
            answer = Refused(status, (BAD_REQUEST, "The request is not HTTP as it should be")).answer(plain=True)
        else:
            super().handle_error(request, status, exc, message)
            answer = Refused(status, (INTERNAL, "Internal error")).answer(plain=True)
        answer.headers.update({"Server": SERVER, "X-Content-Type-Options": "nosniff"})
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log what went wrong here; a connection that was lost and a body that makes no sense are none of that."""
        if not isinstance(kw.get("exc_info"), (OSError, *LOST)):
            super().log_exception(*args, **kw)


def _cut_unread(transport: asyncio.BaseTransport) -> None:
    # Files go out past the event loop, which learns nothing of a client that has stopped reading.
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNREAD * 1000))


def _most_connections() -> int:
    """Half of the files that the process may open: the other half is for what is done with the connections."""
    try:
        import resource

        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    except ImportError:
        return _MOST
    return _MOST if files < 0 else max(_FEWEST, min(_MOST, files // 2))


@asynccontextmanager
async def served(app: web.Application, host: str, port: int) -> AsyncGenerator[str]:
    """Serve an application; gives its address.

    Raises:
        EmulatorError: the address or the port cannot be had.
    """
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=_GRACE)
    await runner.setup()
    try:
        manager, loop, most = runner.server, asyncio.get_running_loop(), _most_connections()
        if manager is None:
            raise EmulatorError("The emulator cannot serve")
        try:
            server = await loop.create_server(lambda: Connection(manager, most, loop), host, port)
        except OSError as error:
            shown = f"[{host}]" if ":" in host else host
            raise EmulatorError(f"The emulator cannot listen on {shown}:{port}: {reason(error)}") from error
        try:
            yield hosts.site(host, server.sockets[0].getsockname()[1])
        finally:
            server.close()
    finally:
        await runner.cleanup()
