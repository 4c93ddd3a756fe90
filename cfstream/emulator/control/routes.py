"""The control over HTTP, for tests in other languages: JSON in, the API's envelope out, the API's token required."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import attrs
from aiohttp import web

from cfstream._limits import Limits
from cfstream.emulator import checks
from cfstream.emulator.answers import bad_request, success
from cfstream.emulator.control import delivering, overview, resetting, told, values
from cfstream.emulator.control.faults import Fault
from cfstream.emulator.control.noting import CONTROL, Handler
from cfstream.emulator.control.sweeping import sweep
from cfstream.emulator.control.videos import in_account
from cfstream.emulator.control.viewer import Viewer
from cfstream.emulator.service import SERVICE, Service
from cfstream.errors import InvalidInputError

_LARGEST = 2**53
_BOUNDS = {"chunk_multiple": (1, _LARGEST), "upload_expiry": (0, values.CENTURY)}
"""Of the limits that may not be any number: one divides, the other leads to a date."""

_MAKERS: Mapping[str, tuple[Callable[..., Fault], frozenset[str]]] = {
    "status": (Fault.status, frozenset({"status", "headers", "body", "code"})),
    "drop": (Fault.drop, frozenset({"after_commit", "after_bytes"})),
    "cut": (Fault.cut, frozenset({"after"})),
    "stall": (Fault.stall, frozenset()),
    "delay": (Fault.delay, frozenset({"seconds"})),
}
_NEEDED = {"status": "status", "delay": "seconds"}
_VIEWER = ("country", "address")


def add_routes(router: web.UrlDispatcher) -> None:
    """Put the control's addresses into the application."""
    routes: list[tuple[str, str, Handler]] = [
        ("GET", "", get_state),
        ("POST", "/faults", add_faults),
        ("DELETE", "/faults", clear_faults),
        ("POST", "/clock", advance),
        ("PUT", "/settings", change_settings),
        ("PUT", "/limits", change_limits),
        ("GET", "/requests", get_requests),
        ("DELETE", "/requests", clear_requests),
        ("GET", "/webhooks", delivering.get_deliveries),
        ("DELETE", "/webhooks", delivering.clear_deliveries),
        ("POST", "/webhooks/{id}/redeliver", delivering.redeliver),
        ("POST", "/reset", reset),
        ("POST", "/encoding", change_encoding),
        ("GET", "/videos", get_videos),
        ("GET", "/overview", overview.get),
        ("GET", "/videos/{identifier}/thumbnail.jpg", overview.thumbnail),
    ]
    for verb, path, handler in routes:
        router.add_route(verb, f"{CONTROL}{path}", _refusing(handler))


def _refusing(handler: Handler) -> Handler:
    async def call(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except InvalidInputError as error:
            raise bad_request(str(error)) from error

    return call


async def _body(request: web.Request, *known: str) -> dict[str, Any]:
    body = await checks.json_object(request)
    _check_names("", body, known)
    return body


def _check_names(prefix: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known) or 'none'}"
            raise InvalidInputError(f"{prefix}{name:.60}: is not known; {hint}")


def _state(service: Service) -> web.Response:
    return success(told.state(service))


async def get_state(request: web.Request) -> web.StreamResponse:
    """How everything stands."""
    return _state(request.app[SERVICE])


async def add_faults(request: web.Request) -> web.StreamResponse:
    """Plan faults: ``{"row": "STREAM_GET", "faults": [{"kind": "status", "status": 503}], "times": 1}``."""
    service = request.app[SERVICE]
    body = await _body(request, "row", "faults", "times")
    listed = body.get("faults")
    if not isinstance(listed, list):
        raise InvalidInputError("faults: must be a list of objects")
    planned = [_fault(f"faults[{index}].", given) for index, given in enumerate(listed)]
    service.control.faults.add(body.get("row"), *planned, times=body.get("times", 1))
    return _state(service)


def _fault(prefix: str, given: object) -> Fault:
    if not isinstance(given, dict):
        raise InvalidInputError(f"{prefix.removesuffix('.')}: must be an object")
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in _MAKERS:
        raise InvalidInputError(f"{prefix}kind: must be one of {', '.join(_MAKERS)}")
    make, known = _MAKERS[kind]
    options = {name: value for name, value in given.items() if name != "kind"}
    _check_names(prefix, options, tuple(sorted(known)))
    if kind in _NEEDED and _NEEDED[kind] not in options:
        raise InvalidInputError(f"{prefix}{_NEEDED[kind]}: is missing")
    if not isinstance(options.get("headers", {}), dict):
        raise InvalidInputError(f"{prefix}headers: must be an object")
    if "after_commit" in options:
        values.boolean(f"{prefix}after_commit", options["after_commit"])
    try:
        return make(**options)
    except InvalidInputError as error:
        raise InvalidInputError(f"{prefix}{error}") from error


async def clear_faults(request: web.Request) -> web.StreamResponse:
    """Forget all faults."""
    service = request.app[SERVICE]
    service.control.faults.clear()
    return _state(service)


async def advance(request: web.Request) -> web.StreamResponse:
    """Put the clock forward: ``{"advance": 3600}``, in seconds; what falls due is done before the answer."""
    service = request.app[SERVICE]
    body = await _body(request, "advance")
    try:
        service.control.clock.advance(body.get("advance", ""))
    except InvalidInputError as error:
        raise InvalidInputError(str(error).replace("seconds:", "advance:", 1)) from error
    await sweep(service)
    return _state(service)


async def change_settings(request: web.Request) -> web.StreamResponse:
    """Turn what is named: ``{"list_lag": 2.5, "rate_limit": true, "viewer": {"country": "DE"}}``."""
    service = request.app[SERVICE]
    body = await _body(request, "list_lag", "rate_limit", "viewer")
    if "rate_limit" in body:
        values.boolean("rate_limit", body["rate_limit"])
    viewer = body.get("viewer", {})
    if not isinstance(viewer, dict):
        raise InvalidInputError("viewer: must be an object")
    _check_names("viewer.", viewer, _VIEWER)
    _change_viewer(Viewer(), viewer)  # nothing changes unless all of it can
    if "list_lag" in body:
        service.control.list_lag = body["list_lag"]
    _change_viewer(service.control.viewer, viewer)
    if "rate_limit" in body:
        service.control.rate_limit = body["rate_limit"]
    return _state(service)


def _change_viewer(viewer: Viewer, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        try:
            setattr(viewer, name, value)
        except InvalidInputError as error:
            raise InvalidInputError(f"viewer.{error}") from error


async def change_limits(request: web.Request) -> web.StreamResponse:
    """Change what is named: ``{"encoding_max": 2}``."""
    service = request.app[SERVICE]
    body = await _body(request, *attrs.fields_dict(Limits))
    for name, value in body.items():
        values.whole(name, value, *_BOUNDS.get(name, (0, _LARGEST)))
    service.control.limits = attrs.evolve(service.limits, **body)
    return _state(service)


async def get_requests(request: web.Request) -> web.StreamResponse:
    """The requests that came, oldest first; ``?row=`` leaves out other calls."""
    row = request.query.get("row")
    records = request.app[SERVICE].control.requests
    return success([told.request(record) for record in records if row in (None, record.row)])


async def clear_requests(request: web.Request) -> web.StreamResponse:
    """Forget the requests."""
    service = request.app[SERVICE]
    service.control.requests.clear()
    return _state(service)


async def reset(request: web.Request) -> web.StreamResponse:
    """Begin anew with an empty account."""
    service = request.app[SERVICE]
    await resetting.reset(service)
    return _state(service)


async def change_encoding(request: web.Request) -> web.StreamResponse:
    """Hold waiting videos back, let one through, or let all: ``{"do": "pause"}``, ``step`` or ``resume``."""
    service = request.app[SERVICE]
    body = await _body(request, "do")
    wanted = {"pause": service.jobs.pause, "step": service.jobs.step, "resume": service.jobs.resume}
    do = wanted.get(str(body.get("do")))
    if do is None:
        raise InvalidInputError(f"do: must be one of {', '.join(wanted)}")
    do()
    return _state(service)


async def get_videos(request: web.Request) -> web.StreamResponse:
    """What is in the account, the newest first."""
    return success([attrs.asdict(video) for video in in_account(request.app[SERVICE].library.store).values()])
