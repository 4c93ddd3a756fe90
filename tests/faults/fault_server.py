"""A resumable-upload service of bare sockets: each cell has an account of its own, faults where it planned them."""

import asyncio
import base64
import json
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Self

import attrs
from virtual_clock import VirtualClock

Where = Literal["create", "head", "patch", "get", "list", "delete"]

TOKEN = "CANARY-token-0123456789-abcdef-CANARY"
ADDRESS = "CANARY-address-0123456789-abcdef-CANARY"
OP = "cfstream_op"
EVIL = "evil"
WHOLE = -1
"""All bytes of a body."""

_MOST_REQUESTS = 300
_MOST_AT_ONCE = 3
_PIECE = 64 * 1024
_HELLO = b"\x16"
_VERBS: dict[str, Where] = {"HEAD": "head", "PATCH": "patch", "DELETE": "delete"}


def http(status: int, *headers: str, body: bytes = b"") -> bytes:
    """Give a well-formed answer."""
    lines = [f"HTTP/1.1 {status} X", *headers]
    if status != 204:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def envelope(result: Any, *, success: bool = True) -> bytes:
    """Give the body of an answer of the API."""
    errors = [] if success else [{"code": 10001, "message": "planned"}]
    return json.dumps({"success": success, "errors": errors, "messages": [], "result": result}).encode()


@attrs.define
class Room:
    """One upload on the service."""

    uid: str
    size: int
    op: str
    created: str
    data: bytearray = attrs.field(factory=bytearray)
    gone: bool = False
    writers: int = 0
    """How many requests have come for it: only the last may still write."""
    standing: int = 0
    """Requests since the client was told that it is further than before, or waited."""
    stood_at: float = 0.0
    furthest: int = 0
    """The largest offset that the client was ever told."""
    told: int | None = 0
    """The offset that the client was last told; None after an answer that leaves a doubt."""

    def video(self) -> dict[str, Any]:
        state = "queued" if len(self.data) == self.size else "pendingupload"
        return {"uid": self.uid, "created": self.created, "meta": {OP: self.op}, "status": {"state": state}}


Act = Callable[["Exchange"], Awaitable[None]]


@attrs.define
class Planned:
    """What happens to the nth request of a kind, and to those after it as often as it says."""

    where: Where
    nth: int
    act: Act
    times: int = 1
    met: int = 0


@attrs.define
class Account:
    """What one cell has on the service, what it asked, and which rules it broke."""

    number: int
    clock: VirtualClock
    plan: list[Planned]
    rooms: dict[str, Room] = attrs.field(factory=dict)
    seen: list[Where] = attrs.field(factory=list)
    counts: Counter[str] = attrs.field(factory=Counter)
    run: int = 1
    """Which run of its upload this is."""
    body_bytes: int = 0
    quiet_until: float = 0.0
    paused: float = 0.0
    """Seconds of all the pauses it was asked for."""
    broken: list[str] = attrs.field(factory=list)
    over: asyncio.Event = attrs.field(factory=asyncio.Event)
    client: asyncio.Task[Any] | None = None
    upload_site: str = ""
    """Where uploads go, when that is not the API's own host."""

    @property
    def kept(self) -> list[Room]:
        return [room for room in self.rooms.values() if not room.gone]

    def unmet(self) -> list[str]:
        return [f"{one.where} {one.nth}" for one in self.plan if not one.met]

    def quiet(self, seconds: float) -> None:
        """Let nothing come for that long."""
        self.paused += seconds
        self.quiet_until = self.clock.now + seconds

    def next_run(self) -> None:
        """Let the upload be run anew, without faults."""
        self.run += 1
        self.plan, self.quiet_until, self.upload_site = [], 0.0, ""
        for room in self.rooms.values():
            room.standing = 0

    def take(self, where: Where) -> Act | None:
        self.counts[where] += 1
        nth = self.counts[where]
        for one in self.plan:
            if one.where == where and one.nth <= nth and one.met < one.times:
                one.met += 1
                return one.act
        return None

    def check(self, where: Where, headers: dict[str, str], path: str) -> None:
        """Note what no client may do, whatever the server did before."""
        self.seen.append(where)
        if f"/{EVIL}" in path:
            self.broken.append("a redirect was followed")
        if self.clock.now < self.quiet_until - 1e-6:
            self.broken.append(f"{where} {self.quiet_until - self.clock.now:.2f} s before it was allowed")
        foreign = headers.get("host", "").startswith(("localhost", "upload."))
        if foreign and TOKEN in str(headers):
            self.broken.append("credentials went to another host")
        if len(self.seen) > _MOST_REQUESTS:
            self.broken.append("requests without end")
            if self.client is not None:
                self.client.cancel()

    def check_patience(self, room: Room) -> None:
        """Note what comes too often without a pause."""
        if self.clock.now > room.stood_at:
            # the question after a pause that was asked for repeats nothing
            room.standing = -1 if room.stood_at < self.quiet_until else 0
            room.stood_at = self.clock.now
        room.standing += 1
        if room.standing > _MOST_AT_ONCE:
            self.broken.append(f"{room.standing} requests in a row that brought nothing, without a pause")


@attrs.define
class Exchange:
    """One request on its connection."""

    server: "FaultServer"
    account: Account
    where: Where
    path: str
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    room: Room | None = None
    left: int = 0
    """Bytes of the body that are still to come."""
    turn: int = 0
    keep: bool = True
    """Whether the connection goes on."""
    run: int = attrs.field(init=False)
    """The run that it belongs to: what is left of its body may be read in the next one."""

    def __attrs_post_init__(self) -> None:
        self.run = self.account.run

    async def take(self, size: int = WHOLE, *, store: bool = True) -> None:
        """Carry out the request, a body up to that many bytes."""
        if self.where == "create":
            if size:
                self.made()
            return
        due = self.left if size == WHOLE else min(size, self.left)
        while due:
            piece = await self.reader.read(min(due, _PIECE))
            if not piece or (self.room is not None and self.room.writers != self.turn):
                raise ConnectionResetError
            due -= len(piece)
            self.left -= len(piece)
            if self.run == self.account.run:
                self.account.body_bytes += len(piece)
            if store and self.room is not None and not self.room.gone:
                self.room.data += piece

    def made(self) -> Room:
        """Make room for a file."""
        metadata = dict(pair.split(" ") for pair in self.headers["upload-metadata"].split(",") if " " in pair)
        uid = f"{self.account.number:08x}{len(self.account.rooms):024x}"
        moment = datetime.fromtimestamp(self.account.clock.time(), UTC).isoformat().replace("+00:00", "Z")
        op = base64.b64decode(metadata[OP]).decode()
        self.room = Room(uid, int(self.headers["upload-length"]), op, moment)
        self.account.rooms[uid] = self.room
        return self.room

    async def right(self) -> bytes:
        """Carry out the request and give its answer."""
        room = self.room
        match self.where:
            case "create":
                room = self.made()
                return http(201, f"Location: {self.location(room)}", f"stream-media-id: {room.uid}")
            case "list":
                videos = [one.video() for one in self.account.kept]
                return http(200, "Content-Type: application/json", body=envelope(videos))
            case _ if room is None or room.gone:
                await self.take(store=False)
                missing = {"success": False, "errors": [{"code": 10003, "message": "not found"}], "result": None}
                return http(404, body=json.dumps(missing).encode() if self.where != "head" else b"")
            case "head":
                self._tell(room)
                return http(200, f"Upload-Offset: {room.told}", f"Upload-Length: {room.size}")
            case "patch":
                offset = int(self.headers["upload-offset"])
                if offset != len(room.data):
                    await self.take(store=False)
                    return http(409)
                await self.take()
                self._tell(room)
                return http(204, f"Upload-Offset: {room.told}")
            case "delete":
                room.gone = True
                return http(200, body=envelope(None))
            case _:
                return http(200, "Content-Type: application/json", body=envelope(room.video()))

    def _tell(self, room: Room) -> None:
        room.told = len(room.data)
        if room.told > room.furthest:
            room.furthest, room.standing = room.told, 0

    def location(self, room: Room) -> str:
        return f"{self.account.upload_site or self.server.url}/{self.account.number}/media/{ADDRESS}-{room.uid}"

    async def say(self, answer: bytes) -> None:
        """Send an answer, and read what is left of the body so that nothing is lost on the way."""
        self.writer.write(answer)
        await self.writer.drain()
        await self.take(store=False) if self.where == "patch" else None

    async def silence(self) -> None:
        """Do nothing until the cell is over."""
        self.keep = False
        await self.account.over.wait()

    def reset(self) -> None:
        """End the connection by RST."""
        self.keep = False
        reset(self.writer)

    async def end(self) -> None:
        """End the connection by FIN, with nothing unread."""
        self.keep = False
        self.writer.write_eof()
        with suppress(ConnectionError):
            while await self.reader.read(_PIECE):
                pass


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection by RST."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class FaultServer:
    """Listens on 127.0.0.1 for any number of accounts."""

    def __init__(self) -> None:
        self.accounts: dict[int, Account] = {}
        self.resets = 0
        """So many connections to come are reset before anything is read."""
        self.hellos = 0
        """TLS greetings that came; none is answered."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Self:
        self._servers.append(await asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port: int = self._servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def listen(self, bound: socket.socket) -> None:
        """Take connections at a further socket."""
        self._servers.append(await asyncio.start_server(self._connected, sock=bound))

    def unlisten(self) -> None:
        """Give up the further sockets."""
        while len(self._servers) > 1:
            self._servers.pop().close()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """The connections that are open."""
        return frozenset(self._tasks)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            if self.resets:
                self.resets -= 1
                reset(writer)
                return
            while first := await reader.read(1):
                if first == _HELLO:
                    self.hellos += 1
                    writer.write(http(400))
                    await writer.drain()
                    return
                if not await self._request(first + await reader.readuntil(b"\r\n\r\n"), reader, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    async def _request(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line, *rest = head.decode("latin-1").strip().split("\r\n")
        verb, path, _ = line.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (item.partition(":") for item in rest)}
        account = self.accounts[int(path.split("/")[1])]
        where = _where(verb, path)
        account.check(where, headers, path)
        act = account.take(where)
        exchange = Exchange(self, account, where, path, headers, reader, writer)
        exchange.room = account.rooms.get(path.partition("?")[0][-32:])
        if exchange.room is not None:
            exchange.room.writers += 1
            exchange.turn = exchange.room.writers
        if exchange.room is not None and where in {"head", "patch"}:
            account.check_patience(exchange.room)
        exchange.left = int(headers.get("content-length", "0"))
        if exchange.room is not None and where == "patch":
            _check_offset(account, exchange.room, int(headers["upload-offset"]))
        if act is None:
            await exchange.say(await exchange.right())
        else:
            if exchange.room is not None:
                exchange.room.told = None
            await act(exchange)
        return exchange.keep


def _check_offset(account: Account, room: Room, offset: int) -> None:
    if room.told is None:
        account.broken.append(f"PATCH at {offset} without asking after a doubtful answer")
    elif offset != room.told:
        account.broken.append(f"PATCH at {offset}, where the server had said {room.told}")


def _where(verb: str, path: str) -> Where:
    if "/media/" in path:
        return _VERBS[verb]
    if verb == "POST":
        return "create"
    if verb == "DELETE":
        return "delete"
    return "list" if path.partition("?")[0].endswith("/stream") else "get"
