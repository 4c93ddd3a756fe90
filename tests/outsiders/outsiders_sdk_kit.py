"""Cloudflare's SDK and cfstream on one emulator: what each was asked, and where they read the same otherwise."""

import asyncio
import inspect
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import attrs
from aiohttp import web
from cloudflare import AsyncCloudflare
from cloudflare._resource import AsyncAPIResource
from cloudflare.resources.stream import AsyncStreamResource
from contract_facts import MODELS
from pydantic import BaseModel

from cfstream import Stream
from cfstream.emulator import Emulator, Fault

Seen = TypeVar("Seen")

AREAS = {
    "videos": ("list", "get", "create", "edit", "delete", "videos", "copy", "clip", "direct_upload", "embed"),
    "media": ("audio_tracks", "captions", "downloads", "watermarks"),
    "live": ("live_inputs",),
    "access": ("keys", "token", "webhooks"),
}
"""Which test module asks for which part of the SDK."""


def _unknown(ours: Any, theirs: Any) -> bool:
    """-1 is None."""
    return ours is None and theirs == -1


def _number(ours: Any, theirs: Any) -> bool:
    """A number in text is a number."""
    return isinstance(theirs, str) and ours == float(theirs)


def _empty(ours: Any, theirs: Any) -> bool:
    """What is left out, or null, is what it means."""
    return theirs is None and ours is not None and not ours


def _more(ours: Any, theirs: Any) -> bool:
    """The reference, and with it the SDK, has no such field."""
    return theirs is _NO_FIELD


def _status(ours: Any, theirs: Any) -> bool:
    """The service sends an object where the reference names a word; the SDK hands it through as a dict."""
    return isinstance(theirs, dict) and ours.current.reason == theirs["current"]["reason"]


DIFFERENCES: dict[str, dict[str, Callable[[Any, Any], bool]]] = {
    "videos": {
        "Video.duration": _unknown,
        "VideoInput.width": _unknown,
        "VideoInput.height": _unknown,
        "VideoStatus.pct_complete": _number,
        "VideoStatus.step": _more,
        "Clip.clipped_from_video_uid": _more,
        "Clip.start_time_seconds": _more,
        "Clip.end_time_seconds": _more,
    },
    "media": {},
    "live": {
        "LiveInput.default_creator": _more,
        "LiveInput.status": _status,
        "LiveInputRecording.allowed_origins": _empty,
        "LiveInputRecording.timeout_seconds": _empty,
        "Output.status": _more,
    },
    "access": {},
}
"""All that cfstream reads otherwise than the SDK, by area; beside this, deletes give None instead of a text."""

_NO_FIELD = object()


def differences(ours: Any, theirs: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Give model and field, and both values, wherever two readings of one object are not the same."""
    if isinstance(theirs, BaseModel) and attrs.has(type(ours)):
        fields = attrs.fields_dict(type(ours))
        for lost in type(theirs).model_fields.keys() - fields.keys():
            yield f"{type(ours).__name__}.{lost}", _NO_FIELD, getattr(theirs, lost)
        for field in fields.keys() - {"extra"}:
            other = getattr(theirs, field) if field in type(theirs).model_fields else _NO_FIELD
            yield from differences(getattr(ours, field), other, f"{_home(type(ours), field)}.{field}")
    elif isinstance(theirs, list) and isinstance(ours, tuple | list) and len(ours) == len(theirs):
        for one, other in zip(ours, theirs, strict=True):
            yield from differences(one, other, name)
    elif ours != theirs:
        yield name, ours, theirs


def _home(model: type, field: str) -> str:
    """The class that brings a field to a model."""
    return next(base.__name__ for base in model.__mro__ if field in inspect.get_annotations(base))


def known(resource: Any, path: str = "") -> dict[str, set[str]]:
    """All calls of a part of the SDK by their names, with the names of what they take."""
    calls: dict[str, set[str]] = {}
    for name, member in vars(type(resource)).items():
        part = None if name.startswith("_") else getattr(resource, name)
        if isinstance(part, AsyncAPIResource):
            calls |= known(part, f"{path}{name}.")
        elif part is not None and inspect.isfunction(member):
            calls[f"{path}{name}"] = set(inspect.signature(part).parameters) - _EVERYWHERE
    return calls


_EVERYWHERE = {"extra_headers", "extra_query", "extra_body", "timeout"}


class Recorder:
    """A part of the SDK that remembers what its calls were given."""

    def __init__(self, resource: Any, given: dict[str, set[str]], path: str = "") -> None:
        self._resource, self._given, self._path = resource, given, path

    def __getattr__(self, name: str) -> Any:
        part, path = getattr(self._resource, name), f"{self._path}{name}"
        if isinstance(part, AsyncAPIResource):
            return Recorder(part, self._given, f"{path}.")

        def call(*values: Any, **keywords: Any) -> Any:
            self._given[path] |= set(inspect.signature(part).bind(*values, **keywords).arguments)
            return part(*values, **keywords)

        return call


@attrs.define
class Both:
    """Two clients of one emulator."""

    emulator: Emulator
    ours: Stream
    sdk: AsyncCloudflare
    film: Path
    given: dict[str, set[str]] = attrs.field(factory=lambda: defaultdict(set))
    met: set[str] = attrs.field(factory=set)
    """The differences that showed."""

    @property
    def theirs(self) -> AsyncStreamResource:
        return cast("AsyncStreamResource", Recorder(self.sdk.stream, self.given))

    @property
    def account(self) -> str:
        return self.emulator.account_id

    def left_out(self, area: str) -> dict[str, set[str]]:
        """What the SDK could have been given in an area and was not, by call."""
        calls = {call: names for call, names in known(self.sdk.stream).items() if call.split(".")[0] in AREAS[area]}
        return {call: rest for call, names in calls.items() if (rest := names - self.given.get(call, set()))}

    def alike(self, ours: Any, theirs: Any) -> None:
        """Hold that both read the same, but for what the table says."""
        assert attrs.has(type(ours))
        assert isinstance(theirs, BaseModel)
        rules = {name: rule for area in DIFFERENCES.values() for name, rule in area.items()}
        found = list(differences(ours, theirs))
        self.met |= {name for name, _, _ in found}
        assert [each for each in found if each[0] not in rules or not rules[each[0]](*each[1:])] == []

    def replay(self, row: str, model: str) -> None:
        """Let the next two requests of a call be answered with an object as the service was seen to send it."""
        sample = next(each.sample for each in MODELS if each.name == model)
        body = json.dumps({"result": sample, "success": True, "errors": [], "messages": []})
        fault = Fault.status(200, headers={"Content-Type": "application/json"}, body=body)
        self.emulator.faults.add(row, fault, times=2)


async def until(look: Callable[[], Awaitable[Seen]], good: Callable[[Seen], bool]) -> Seen:
    """Look at something again and again until it is as it is to be."""
    async with asyncio.timeout(30):
        while True:
            seen = await look()
            if good(seen):
                return seen
            await asyncio.sleep(0.02)


@asynccontextmanager
async def web_folder(folder: Path) -> AsyncIterator[str]:
    """Serve the files of a folder; gives the address that they are below."""
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
