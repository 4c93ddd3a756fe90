"""A raw HTTP client of the emulator, a clock that stands still, and small files."""

import asyncio
import base64
import io
import struct
import tempfile
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import attrs
from aiohttp import web
from yarl import URL

from cfstream._limits import Limits
from cfstream.emulator import Emulator

SMALL = Limits(chunk_min=1024, chunk_multiple=256, chunk_max=64 * 1024 * 1024, file_max=10**9)
"""Chunks of a kilobyte, so that tests of the rules send little."""

BODY_TYPE = "application/offset+octet-stream"


class FixedClock:
    """Time that moves when a test says so."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class StillClock(FixedClock):
    """Time that moves only when the emulator's clock is put forward."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


@attrs.frozen
class Answer:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any

    @property
    def result(self) -> Any:
        assert self.json["success"] is True, self.json
        assert self.json["errors"] == []
        return self.json["result"]

    @property
    def codes(self) -> list[int]:
        assert self.json["success"] is False
        assert self.json["result"] is None
        return [error["code"] for error in self.json["errors"]]


@attrs.frozen
class Api:
    """Calls by verb and path below the account's stream, or by address."""

    emulator: Emulator
    session: aiohttp.ClientSession

    def path(self, tail: str) -> str:
        return f"{self.emulator.base_url}/accounts/{self.emulator.account_id}/stream{tail}"

    async def call(self, verb: str, where: str | URL = "", *, token: str | None = "", **options: Any) -> Answer:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token or self.emulator.api_token}")
        url = self.path(where) if isinstance(where, str) and not where.startswith("http") else where
        async with self.session.request(verb, url, headers=headers, allow_redirects=False, **options) as response:
            body = await response.read()
            is_json = response.content_type == "application/json"
            return Answer(response.status, response.headers, body, await response.json() if is_json else None)

    async def media(self, path: str, verb: str = "GET", **headers: str) -> Answer:
        return await self.call(verb, self.emulator.url(path), token=None, headers=headers)

    async def create(self, length: int, *, query: str = "", **headers: str) -> Answer:
        sent = {"Tus-Resumable": "1.0.0", "Upload-Length": str(length)}
        return await self.call("POST", query, headers=sent | headers)

    async def patch(self, location: str, offset: int, data: Any, **headers: str) -> Answer:
        sent = {"Tus-Resumable": "1.0.0", "Upload-Offset": str(offset), "Content-Type": BODY_TYPE}
        data = io.BytesIO(data) if isinstance(data, bytes) else data
        return await self.call("PATCH", location, data=data, headers=sent | headers)

    async def head(self, location: str) -> Answer:
        return await self.call("HEAD", location, headers={"Tus-Resumable": "1.0.0"})

    async def upload(self, data: bytes, **headers: str) -> str:
        created = await self.create(len(data), **headers)
        assert created.status == 201, created.body
        assert (await self.patch(created.headers["Location"], 0, data)).status == 204
        return created.headers["stream-media-id"]

    async def until(
        self, uid: str, state: str, seen: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> dict[str, Any]:
        async with asyncio.timeout(30):
            while True:
                video: dict[str, Any] = (await self.call("GET", f"/{uid}")).result
                seen(video)
                if video["status"]["state"] == state:
                    return video
                assert video["status"]["state"] not in ("ready", "error"), video["status"]
                await asyncio.sleep(0.01)


@asynccontextmanager
async def connected(emulator: Emulator) -> AsyncGenerator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(emulator, session)


@asynccontextmanager
async def running(*, limits: Limits = SMALL, **options: Any) -> AsyncGenerator[Api]:
    async with Emulator(limits=limits, **options) as emulator, connected(emulator) as api:
        yield api


@asynccontextmanager
async def site(**pages: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncGenerator[str]:
    """Another web server, with a page for each keyword; gives its address."""
    app = web.Application()
    for name, page in pages.items():
        app.router.add_get(f"/{name}", page)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def file(data: bytes) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A page that is a file."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=data)

    return page


def metadata(**pairs: str | None) -> str:
    return ",".join(
        key if value is None else f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items()
    )


def form(file: bytes, filename: str = "en.vtt", kind: str = "text/vtt", **fields: str) -> aiohttp.FormData:
    data = aiohttp.FormData(quote_fields=False)
    for key, value in fields.items():
        data.add_field(key, value)
    data.add_field("file", io.BytesIO(file), filename=filename, content_type=kind)
    return data


@cache
def clip(seconds: float = 1.0, width: int = 320, height: int = 180) -> bytes:
    from cfstream.emulator.media.testvideo import make_test_video

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        make_test_video(path, seconds=seconds, size=(width, height))
        return path.read_bytes()


def png(width: int = 3, height: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    rows = b"".join(b"\x00" + b"\xff\x00\x00\x80" * width for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
