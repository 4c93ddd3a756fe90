"""A tus server that takes bytes and keeps only their number; run as a process of its own, it prints its port.

Its argument is how many of a hundred requests fail, in one of the ways that an upload must get over.
"""

import asyncio
import json
import random
import secrets
import sys
from typing import Any

from aiohttp import web

_OK = {"success": True, "errors": [], "messages": []}
_uploads: dict[str, list[int]] = {}
_faults: list[str] = []


def _video(uid: str) -> web.Response:
    have, size = _uploads[uid]
    state = "queued" if have == size else "pendingupload"
    video = {"uid": uid, "created": "2026-01-01T00:00:00Z", "status": {"state": state}, "size": size}
    return web.json_response({**_OK, "result": video})


def _failing(percent: float) -> Any:
    """Give the middleware by which requests fail: refused for now, without an answer, or with its answer lost."""
    chance = random.Random(0)

    @web.middleware
    async def fail(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path == "/totals" or chance.random() * 100 >= percent:
            answer: web.StreamResponse = await handler(request)
            return answer
        # a creation whose answer is lost takes the service's lists to settle
        way = "refused" if request.method == "POST" else chance.choice(("refused", "cut", "lost"))
        _faults.append(way)
        if way == "refused":
            return web.Response(status=503, headers={"Retry-After": "0"})
        if way == "lost":
            await handler(request)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return fail


async def create(request: web.Request) -> web.Response:
    uid = secrets.token_hex(16)
    _uploads[uid] = [0, int(request.headers["Upload-Length"])]
    location = f"http://{request.host}/tus/{uid}"
    return web.Response(status=201, headers={"Location": location, "stream-media-id": uid})


async def get(request: web.Request) -> web.Response:
    return _video(request.match_info["uid"])


async def head(request: web.Request) -> web.Response:
    have, size = _uploads[request.match_info["uid"]]
    return web.Response(headers={"Upload-Offset": str(have), "Upload-Length": str(size)})


async def patch(request: web.Request) -> web.Response:
    upload = _uploads[request.match_info["uid"]]
    async for block in request.content.iter_any():
        upload[0] += len(block)
    return web.Response(status=204, headers={"Upload-Offset": str(upload[0])})


async def totals(_: web.Request) -> web.Response:
    whole = sum(have == size for have, size in _uploads.values())
    return web.json_response({"uploads": len(_uploads), "whole": whole, "faults": len(_faults)})


async def main(percent: float) -> None:
    app = web.Application(middlewares=[_failing(percent)])
    app.router.add_post("/accounts/{account}/stream", create)
    app.router.add_get("/accounts/{account}/stream/{uid}", get)
    app.router.add_route("HEAD", "/tus/{uid}", head)
    app.router.add_patch("/tus/{uid}", patch)
    app.router.add_get("/totals", totals)
    runner: Any = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)  # noqa: T201  # whoever started it reads this
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
