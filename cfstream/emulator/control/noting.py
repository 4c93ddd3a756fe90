"""The outermost of what a request passes: it is noted, and it meets the fault that was planned for it."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from cfstream.emulator.answers import AUTHENTICATION, BAD_REQUEST, INTERNAL, NOT_FOUND, THROTTLED, failure
from cfstream.emulator.control import connections
from cfstream.emulator.control.faults import Fault
from cfstream.emulator.control.requests import RequestRecord
from cfstream.emulator.control.rows import TUS_PATCH, row_of
from cfstream.emulator.pages.html import STATIC
from cfstream.emulator.service import SERVICE, Service

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTROL = "/_emulator"
"""Where the control itself is."""

NO_ANSWER = 499
"""The status, never sent, of a request whose connection is gone."""

_CODES = {401: AUTHENTICATION, 403: AUTHENTICATION, 404: NOT_FOUND, 429: THROTTLED}
_SERVERS_FAULT = 500
_BODILESS = (204, 304)


def is_control(request: web.Request) -> bool:
    """Whether a request is one to the control."""
    return request.path == CONTROL or request.path.startswith(f"{CONTROL}/")


@web.middleware
async def noting(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Note every request but those to the control and for the pages' own files, and let it meet its fault."""
    if is_control(request) or request.path.startswith(f"{STATIC}/"):
        return await handler(request)
    service = request.app[SERVICE]
    control = service.control
    row = row_of(request)
    fault = control.faults.take(row)
    number = control.requests.begin(
        RequestRecord(
            time=control.clock.now,
            verb=request.method,
            path=request.path,
            row=row,
            query=request.query,
            headers=request.headers,
            fault=None if fault is None else str(fault),
        )
    )
    if fault is None:
        response: web.StreamResponse | None = await handler(request)
    else:
        response = await _meet(fault, request, handler, service)
    if response is None or response.status == NO_ANSWER:
        return web.Response(status=NO_ANSWER)
    control.requests.end(number, response.status)
    return response


async def _meet(fault: Fault, request: web.Request, handler: Handler, service: Service) -> web.StreamResponse | None:
    """The answer, or None where the connection is gone."""
    match fault.kind:
        case "status":
            return _answer(fault)
        case "delay":
            with service.working():
                await service.control.clock.sleep(fault.seconds)
            return await handler(request)
        case "stall":
            with service.working():
                await connections.stall(request, service.closing)
        case "cut":
            return await connections.cut(request, await handler(request), fault.size or 0)
        case "drop":
            await _drop(fault, request, handler)
    return None


async def _drop(fault: Fault, request: web.Request, handler: Handler) -> None:
    if fault.size is not None and row_of(request) == TUS_PATCH:
        request[connections.SEVERED] = fault.size
        await handler(request)
    elif fault.size is not None:
        await connections.discard(request, fault.size)
    elif fault.after_commit:
        await handler(request)
    connections.reset(request)


def _answer(fault: Fault) -> web.Response:
    status = fault.http_status
    if status in _BODILESS:
        return web.Response(status=status, headers=fault.headers)
    if fault.body is not None:
        response = web.Response(status=status, body=fault.body, headers={"Content-Type": "text/html"})
    else:
        default = _CODES.get(status, INTERNAL if status >= _SERVERS_FAULT else BAD_REQUEST)
        response = failure(status, (default if fault.code is None else fault.code, "Planned fault"))
    for name, value in fault.headers:
        response.headers[name] = value
    return response
