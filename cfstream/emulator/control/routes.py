"""The control over HTTP, for tests in other languages: JSON in, the API's envelope out, the API's token required."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import attrs
from aiohttp import web

from cfstream._limits import Limits
from cfstream.emulator import checks, times
from cfstream.emulator.answers import bad_request, success
from cfstream.emulator.control import resetting, values
from cfstream.emulator.control.faults import Fault, PlannedFault
from cfstream.emulator.control.requests import RequestRecord
from cfstream.emulator.control.sweeping import sweep
from cfstream.emulator.control.watching import CONTROL, Handler
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
        ("POST", "/reset", reset),
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
    control = service.control
    return success(
        {
            "clock": {"now": control.clock.now, "time": times.text(service.library.now())},
            "settings": {"list_lag": control.list_lag, "rate_limit": control.rate_limit},
            "limits": attrs.asdict(control.limits),
            "faults": {
                "pending": list(map(_planned, control.faults.pending)),
                "spent": list(map(_planned, control.faults.spent)),
            },
            "requests": control.requests.count(),
        }
    )


def _planned(planned: PlannedFault) -> dict[str, Any]:
    return {"row": planned.row, "fault": str(planned.fault)}


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
    """Turn what is named: ``{"list_lag": 2.5, "rate_limit": true}``."""
    service = request.app[SERVICE]
    body = await _body(request, "list_lag", "rate_limit")
    if "rate_limit" in body:
        values.boolean("rate_limit", body["rate_limit"])
    if "list_lag" in body:
        service.control.list_lag = body["list_lag"]
    if "rate_limit" in body:
        service.control.rate_limit = body["rate_limit"]
    return _state(service)


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
    return success([_shown(record) for record in records if row in (None, record.row)])


def _shown(record: RequestRecord) -> dict[str, Any]:
    plain = {"query": list(record.query.items()), "headers": list(record.headers.items())}
    return {name: plain.get(name, getattr(record, name)) for name in attrs.fields_dict(RequestRecord)}


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
