"""A publisher that speaks RTMP over a plain socket, and broadcasts for it to send."""

import asyncio
import struct
import tempfile
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import attrs
from emulator_kit import Api

from cfstream.emulator.rtmp import amf
from cfstream.emulator.rtmp.chunks import ChunkReader

AUDIO, VIDEO, COMMAND = 8, 9, 20
CHUNK = 60_000


@attrs.frozen
class Tag:
    """One frame or header of a broadcast."""

    kind: int
    time: int
    body: bytes


@cache
def tags(
    seconds: float = 3.0, *, key_every: float = 1.0, audio: bool = True, size: tuple[int, int] = (160, 90)
) -> tuple[Tag, ...]:
    """A moving picture with a tone, as RTMP carries it."""
    import heapq

    import av

    from cfstream.emulator.media.testvideo import picture, tone

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "broadcast.flv"
        with av.open(str(path), "w", format="flv") as output:
            tracks = [picture(output, seconds, size, 30, round(key_every * 30))]
            if audio:
                tracks.append(tone(output, seconds))
            for packet in heapq.merge(*tracks, key=lambda each: (each.dts or 0) * each.time_base):
                output.mux_one(packet)
        return tuple(_tags(path.read_bytes()))


def _tags(data: bytes) -> Iterable[Tag]:
    at = 13
    while at + 11 < len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        time = int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24
        if data[at] in (AUDIO, VIDEO):
            yield Tag(data[at], time, data[at + 11 : at + 11 + size])
        at += 11 + size + 4


def chunked(channel: int, kind: int, body: bytes, *, time: int = 0, stream: int = 0, size: int = 128) -> bytes:
    """A message as a peer sends it that knows the simplest form only."""
    extended = struct.pack(">I", time) if time >= 0xFFFFFF else b""
    header = min(time, 0xFFFFFF).to_bytes(3, "big") + len(body).to_bytes(3, "big") + bytes([kind])
    out = bytes([channel]) + header + struct.pack("<I", stream) + extended + body[:size]
    for start in range(size, len(body), size):
        out += bytes([0xC0 | channel]) + extended + body[start : start + size]
    return out


def hello() -> bytes:
    """The client's half of the handshake."""
    return b"\x03" + bytes(1536) + bytes(1536)


def command(name: str, number: float, *values: Any, stream: int = 0, size: int = 128) -> bytes:
    return chunked(3, COMMAND, amf.encode(name, number, *values), stream=stream, size=size)


@attrs.define
class Rtmp:
    """A connection to the emulator's RTMP port."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    chunks: ChunkReader = attrs.field(factory=ChunkReader)
    answers: list[list[Any]] = attrs.field(factory=list)
    greeted: bool = False

    async def answer(self, name: str) -> list[Any]:
        """The next command of that name."""
        async with asyncio.timeout(10):
            while True:
                for index, values in enumerate(self.answers):
                    if values[0] == name:
                        return self.answers.pop(index)
                if not self.greeted:
                    await self.reader.readexactly(1 + 2 * 1536)
                    self.greeted = True
                data = await self.reader.read(65536)
                if not data:
                    raise ConnectionResetError("the emulator closed the connection")
                self.answers += [amf.decode(each.body) for each in self.chunks.feed(data) if each.kind == COMMAND]

    async def connect(self, application: str = "live") -> None:
        self.writer.write(hello() + chunked(2, 1, struct.pack(">I", CHUNK)))
        self.writer.write(command("connect", 1, {"app": application, "tcUrl": "rtmp://127.0.0.1/live"}, size=CHUNK))

    async def publish(self, key: str) -> dict[str, Any]:
        """Ask to publish; gives what the emulator says to it."""
        await self.connect()
        await self.answer("_result")
        for name, *values in (("releaseStream", key), ("FCPublish", key), ("createStream",)):
            self.writer.write(command(name, 2, None, *values, size=CHUNK))
        self.writer.write(command("publish", 5, None, key, "live", stream=1, size=CHUNK))
        return dict((await self.answer("onStatus"))[3])

    async def send(self, broadcast: Iterable[Tag], *, later: int = 0) -> None:
        for tag in broadcast:
            message = chunked(4, tag.kind, tag.body, time=tag.time + later, stream=1, size=CHUNK)
            self.writer.write(message)
            await self.writer.drain()

    async def leave(self) -> None:
        """Go as a publisher does who is done; afterwards the emulator knows."""
        self.writer.write(command("deleteStream", 9, None, 1, size=CHUNK))
        await self.gone()

    async def gone(self) -> None:
        """Wait until the emulator has closed the connection."""
        async with asyncio.timeout(10):
            with suppress(ConnectionError):
                while await self.reader.read(65536):
                    pass

    def pull(self) -> None:
        """Go as a publisher does whose cable is pulled."""
        self.writer.transport.abort()


@asynccontextmanager
async def rtmp(api: Api) -> AsyncGenerator[Rtmp]:
    host, port = api.emulator.live_url.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Rtmp(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def on_air(api: Api, key: str, broadcast: Iterable[Tag] | None = None) -> AsyncGenerator[Rtmp]:
    """A publisher that was let in and has sent a broadcast."""
    async with rtmp(api) as publisher:
        assert (await publisher.publish(key))["code"] == "NetStream.Publish.Start"
        await publisher.send(tags() if broadcast is None else broadcast)
        yield publisher


async def live_input(api: Api, **body: Any) -> dict[str, Any]:
    """A new live input, which records unless it is told otherwise."""
    recording = {"mode": "automatic", **body.pop("recording", {})}
    return dict((await api.call("POST", "/live_inputs", json={"recording": recording, **body})).result)


def key_of(record: dict[str, Any]) -> str:
    return str(record["rtmps"]["streamKey"])


async def videos(api: Api, uid: str) -> list[dict[str, Any]]:
    return list((await api.call("GET", f"/live_inputs/{uid}/videos")).result)


async def status(api: Api, uid: str) -> dict[str, Any]:
    return dict((await api.call("GET", f"/live_inputs/{uid}")).result["status"])


async def in_state(api: Api, uid: str, state: str) -> dict[str, Any]:
    """The status of a live input, when it is in that state."""
    async with asyncio.timeout(20):
        while True:
            told = (await api.call("GET", f"/live_inputs/{uid}")).result["status"]
            if told is not None and told["current"]["state"] == state:
                return dict(told)
            await asyncio.sleep(0.01)


async def playlist(api: Api, key: str, holds: str = "#EXTINF") -> str:
    """The media playlist that a player comes to from there, when it holds that."""
    async with asyncio.timeout(20):
        while True:
            master = await api.media(f"/{key}/manifest/video.m3u8")
            if master.status == 200:
                address = master.body.decode().split()[-1]
                text = (await api.media(f"/{key}/manifest/{address}")).body.decode()
                if holds in text:
                    return text
            await asyncio.sleep(0.01)


async def eventually(api: Api, uid: str, state: str, number: int = 0) -> dict[str, Any]:
    """The newest video of a live input, when it is in that state."""
    async with asyncio.timeout(30):
        while True:
            found = await videos(api, uid)
            if len(found) > number and found[0]["status"]["state"] == state:
                return found[0]
            assert not found or found[0]["status"]["state"] != "error", found[0]["status"]
            await asyncio.sleep(0.01)
