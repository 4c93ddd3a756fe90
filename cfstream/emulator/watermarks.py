"""Watermark profiles: a PNG and how it is laid over a video."""

import secrets
import struct
from typing import Any

from aiohttp import web

from cfstream.emulator import checks, forms, times
from cfstream.emulator.answers import BAD_URL, Refused, bad_request, success
from cfstream.emulator.service import SERVICE

_POSITIONS = ("upperRight", "upperLeft", "lowerLeft", "lowerRight", "center")
_DEFAULTS = {"opacity": 1.0, "padding": 0.05, "scale": 0.15}
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_HEADER = 24


async def create(request: web.Request) -> web.Response:
    """WATERMARKS_CREATE, from an uploaded image; the emulator fetches none from elsewhere."""
    service = request.app[SERVICE]
    if request.content_type == "application/json":
        await checks.json_object(request)
        raise Refused(400, (BAD_URL, "Invalid URL: upload the image as the part file of a form"))
    form = await forms.read(request, service.limits.watermark_max)
    width, height = _size(form.file)
    uid = secrets.token_hex(16)
    profile: dict[str, Any] = {
        "uid": uid,
        "size": len(form.file),
        "height": height,
        "width": width,
        "created": times.text(service.library.now()),
        "downloadedFrom": "",
        "name": form.fields.get("name", ""),
        **{name: _fraction(form.fields, name) for name in _DEFAULTS},
        "position": _position(form.fields),
    }
    target = service.library.watermark(uid)
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(form.file)
    service.library.store.put("watermark", uid, profile)
    return success(profile)


def _size(image: bytes) -> tuple[int, int]:
    if len(image) < _HEADER or not image.startswith(_PNG):
        raise bad_request("file: must be a PNG image")
    width, height = struct.unpack(">II", image[16:_HEADER])
    return width, height


def _fraction(fields: dict[str, str], name: str) -> float:
    try:
        return checks.fraction(name, float(fields.get(name, _DEFAULTS[name])))
    except ValueError as error:
        raise bad_request(f"{name}: must be a number from 0 to 1") from error


def _position(fields: dict[str, str]) -> str:
    position = fields.get("position", "upperRight")
    if position not in _POSITIONS:
        raise bad_request(f"position: must be one of {', '.join(_POSITIONS)}")
    return position
