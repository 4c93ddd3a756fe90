"""Watermark profiles: a PNG and how it is laid over a video."""

import secrets
import struct
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from cfstream.emulator import checks, times
from cfstream.emulator.answers import BAD_URL, Refused, bad_request, not_found, success
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.serving import fetch, forms
from cfstream.emulator.uploading import incoming

_POSITIONS = ("upperRight", "upperLeft", "lowerLeft", "lowerRight", "center")
_DEFAULTS = {"opacity": 1.0, "padding": 0.05, "scale": 0.15}
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_HEADER = 24
_PATIENCE = 30.0
"""Seconds that an image on the web may take: a request waits for it."""


async def create(request: web.Request) -> web.Response:
    """WATERMARKS_CREATE, from an uploaded image or from one on the web."""
    service = request.app[SERVICE]
    if request.content_type == "application/json":
        body = await checks.json_object(request)
        url = fetch.address("url", body.get("url"))
        settings = _settings({name: value for name, value in body.items() if value is not None})
        return _make(service, await _fetched(service, url), settings, url)
    form, image = await forms.read(request, service.limits.watermark_max)
    return _make(service, image, _settings({**form.fields, **_numbers(form.fields)}), "")


async def _fetched(service: Service, url: str) -> bytes:
    # Where the next start clears away what an emulator that was killed has left.
    with incoming.place(service.library) as target:
        try:
            await fetch.fetch(
                url, target, service.limits.watermark_max, private=service.allow_private_fetch, seconds=_PATIENCE
            )
            image = target.read_bytes()
            _size(image)
        except (fetch.FetchError, Refused) as error:
            reason = error if isinstance(error, fetch.FetchError) else "it is no PNG image"
            raise Refused(400, (BAD_URL, f"Invalid URL: url: {reason}")) from error
    return image


def _numbers(fields: Mapping[str, str]) -> dict[str, float]:
    """The numbers of a form, where all is text."""
    numbers: dict[str, float] = {}
    for name in _DEFAULTS:
        try:
            numbers |= {name: float(fields[name])} if name in fields else {}
        except ValueError as error:
            raise bad_request(f"{name}: must be a number from 0 to 1") from error
    return numbers


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": checks.string("name", given.get("name", "")),
        **{name: checks.fraction(name, given.get(name, default)) for name, default in _DEFAULTS.items()},
        "position": checks.choice("position", given.get("position", _POSITIONS[0]), _POSITIONS),
    }


def _make(service: Service, image: bytes, settings: Mapping[str, Any], source: str) -> web.Response:
    width, height = _size(image)
    uid = secrets.token_hex(16)
    profile: dict[str, Any] = {
        "uid": uid,
        "size": len(image),
        "height": height,
        "width": width,
        "created": times.text(service.library.now()),
        "downloadedFrom": source,
        **settings,
    }
    service.disk.write(service.library.watermark(uid), image)
    service.library.store.put("watermark", uid, profile)
    return success(profile)


def _size(image: bytes) -> tuple[int, int]:
    if len(image) < _HEADER or not image.startswith(_PNG):
        raise bad_request("file: must be a PNG image")
    width, height = struct.unpack(">II", image[16:_HEADER])
    return width, height


def profile(service: Service, uid: str) -> dict[str, Any]:
    """A profile by its uid.

    Raises:
        Refused: there is none.
    """
    found = service.library.store.get("watermark", uid) if checks.UID.fullmatch(uid) else None
    if found is None:
        raise not_found("watermark")
    return found


def chosen(service: Service, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The profile that a body which makes a video asks for.

    Raises:
        Refused: there is none, or the body names it wrongly.
    """
    if body.get("watermark") is None:
        return None
    return profile(service, checks.string("watermark.uid", checks.mapping("watermark", body["watermark"]).get("uid")))


async def list_profiles(request: web.Request) -> web.Response:
    """WATERMARKS_LIST."""
    return success(request.app[SERVICE].library.store.all("watermark"))


async def get_profile(request: web.Request) -> web.Response:
    """WATERMARKS_GET."""
    return success(profile(request.app[SERVICE], request.match_info["identifier"]))


async def delete(request: web.Request) -> web.Response:
    """WATERMARKS_DELETE: videos that were made with it keep it."""
    service = request.app[SERVICE]
    uid = profile(service, request.match_info["identifier"])["uid"]
    service.library.store.delete("watermark", uid)
    service.library.watermark(uid).unlink(missing_ok=True)
    return success("")
