"""Outputs of a live input: where a broadcast is to be sent on to."""

import re
import secrets
from typing import Any

from aiohttp import web

from cfstream.emulator import checks
from cfstream.emulator.answers import bad_request, not_found, success
from cfstream.emulator.api import live
from cfstream.emulator.service import SERVICE

MOST = 50
"""Outputs of one live input."""

_TARGET = re.compile(r"(rtmps?|srt)://[^\s/]+\S*", re.IGNORECASE)


async def list_outputs(request: web.Request) -> web.Response:
    """LIVE_INPUTS_OUTPUTS_LIST."""
    uid = live.find(request).uid
    return success(request.app[SERVICE].library.store.all("output", parent=uid))


async def create(request: web.Request) -> web.Response:
    """LIVE_INPUTS_OUTPUTS_CREATE."""
    body = await checks.json_object(request)
    store, parent = request.app[SERVICE].library.store, live.find(request).uid
    output: dict[str, Any] = {
        "uid": secrets.token_hex(16),
        "url": _target("url", body.get("url")),
        "streamKey": checks.string("streamKey", body.get("streamKey")),
        "enabled": checks.boolean("enabled", body.get("enabled", True)),
        "status": None,
    }
    if len(store.all("output", parent=parent)) >= MOST:
        raise bad_request(f"A live input has at most {MOST} outputs")
    store.put("output", output["uid"], output, parent=parent)
    return success(output)


def _target(name: str, value: Any) -> str:
    target = checks.string(name, value)
    if not _TARGET.fullmatch(target):
        raise bad_request(f"{name}: must be an rtmp, rtmps or srt address")
    return target


async def update(request: web.Request) -> web.Response:
    """LIVE_INPUTS_OUTPUTS_UPDATE: nothing but ``enabled`` changes."""
    body = await checks.json_object(request)
    output, parent = _find(request)
    output["enabled"] = checks.boolean("enabled", body.get("enabled"))
    request.app[SERVICE].library.store.put("output", output["uid"], output, parent=parent)
    return success(output)


async def delete(request: web.Request) -> web.Response:
    """LIVE_INPUTS_OUTPUTS_DELETE."""
    output, parent = _find(request)
    request.app[SERVICE].library.store.delete("output", output["uid"], parent=parent)
    return success("")


def _find(request: web.Request) -> tuple[dict[str, Any], str]:
    """The output that a path names, and the uid of its live input."""
    parent, uid = live.find(request).uid, request.match_info["output_identifier"]
    store = request.app[SERVICE].library.store
    output = store.get("output", uid, parent=parent) if checks.UID.fullmatch(uid) else None
    if output is None:
        raise not_found("output")
    return output, parent
