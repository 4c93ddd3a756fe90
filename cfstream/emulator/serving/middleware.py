"""What every request passes: a ray id, the check of its host, its credentials, and errors made into answers."""

import logging
import re
import secrets

from aiohttp import web

from cfstream.emulator.answers import (
    API,
    DECODING,
    INTERNAL,
    THROTTLED,
    WRONG_METHOD,
    Refused,
    bad_request,
    no_route,
    not_found,
    unauthorized,
)
from cfstream.emulator.control.noting import NO_ANSWER, Handler, is_control, noting
from cfstream.emulator.control.sweeping import sweep
from cfstream.emulator.service import SERVICE, Credentials, Service
from cfstream.emulator.serving.connections import SERVER
from cfstream.emulator.serving.hosts import called
from cfstream.emulator.serving.sending import is_inside, path_of
from cfstream.emulator.storage.disk import full, is_full
from cfstream.emulator.uploading import tus
from cfstream.emulator.uploading.uploads import LostConnectionError

_log = logging.getLogger("cfstream.emulator")

_RATE = web.RequestKey("rate", dict[str, str])
# Pages say themselves what they may do; whatever else a browser would run as one may do nothing.
_ACTIVE = ("text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml")
_SEALED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
_MEDIA = re.compile(r"/[^/]+/(manifest/|thumbnails/|lifecycle$|views$)")


def in_api(request: web.Request) -> bool:
    """Whether a request is one to the API, with its envelope and its credentials."""
    return request.path == API or request.path.startswith(f"{API}/")


def _plain(request: web.Request) -> bool:
    """Whether errors are told in plain words."""
    return not (in_api(request) or is_control(request) or request.path.startswith("/tus/"))


async def sign_answer(request: web.Request, response: web.StreamResponse) -> None:
    """Give every answer its ray id, and open to other sites what is meant for them."""
    response.headers["cf-ray"] = f"{secrets.token_hex(8)}-LCL"
    response.headers["Server"] = SERVER
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.content_type in _ACTIVE and "Content-Security-Policy" not in response.headers:
        response.headers["Content-Security-Policy"] = _SEALED
    response.headers.update(request.get(_RATE, {}))
    if request.path.startswith("/tus/"):
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = tus.EXPOSED
    elif not in_api(request) and not is_control(request) and _MEDIA.match(request.path):
        response.headers["Access-Control-Allow-Origin"] = "*"


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Make every way of failing an answer; what nobody foresaw goes to the log, not to the client."""
    plain = _plain(request)
    try:
        return await handler(request)
    except Refused as error:
        return error.answer(plain=plain)
    except web.HTTPNotFound:
        return no_route(request.path).answer(plain=plain)
    except web.HTTPMethodNotAllowed as error:
        message = f"Method {request.method} not available for that URI."
        return Refused(405, (WRONG_METHOD, message), headers={"Allow": error.headers["Allow"]}).answer(plain=plain)
    except web.HTTPException as error:
        return Refused(error.status, (INTERNAL, error.reason)).answer(plain=plain)
    except web.RequestPayloadError:
        return Refused(400, (DECODING, "The body is not in the encoding that its headers name"), close=True).answer(
            plain=plain
        )
    except (LostConnectionError, ConnectionError):
        # There is nobody left to read it.
        return web.Response(status=NO_ANSWER)
    except RecursionError:
        return bad_request("The body is nested too deeply").answer(plain=plain)
    except Exception as error:  # noqa: BLE001  # it is logged, and the client gets an answer
        if is_full(error):
            return full().answer(plain=plain)
        _log.exception("%s %s", request.method, request.path)
        return Refused(500, (INTERNAL, "Internal error")).answer(plain=plain)


@web.middleware
async def host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse names that are not the emulator's, so that no web page reaches it by a name of its own."""
    if not request.app[SERVICE].hosts.accept(request):
        message = "The emulator does not answer to this host: it may be allowed by allowed_hosts"
        return Refused(421, (INTERNAL, message), close=True).answer(plain=_plain(request))
    called.set(f"{request.scheme}://{request.headers['Host']}")
    return await handler(request)


@web.middleware
async def swept(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Do first what has fallen due; from there on a reset ends the request."""
    service = request.app[SERVICE]
    await sweep(service)
    with service.working():
        return await handler(request)


@web.middleware
async def credentials(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let into the API who has its token or key, and only to the account there is; into the control, the token."""
    if not in_api(request) and not is_control(request):
        return await handler(request)
    service = request.app[SERVICE]
    credential = _credential(request, service.credentials)
    if credential is None and service.credentials.dashboard.admits(request, service.site):
        credential = "token"
    if credential is None or (is_control(request) and credential != "token"):
        raise unauthorized()
    if in_api(request) and service.control.rate_limit:
        _count(request, service, credential)
    if request.match_info.get("account_id", service.account_id) != service.account_id:
        raise no_route(request.path)
    return await handler(request)


def _credential(request: web.Request, known: Credentials) -> str | None:
    headers = request.headers
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and known.accept_token(token.strip()):
        return "token"
    return "key" if known.accept_key(headers.get("X-Auth-Email", ""), headers.get("X-Auth-Key", "")) else None


def _count(request: web.Request, service: Service, credential: str) -> None:
    allowance = service.control.rate.take(credential, service.limits)
    request[_RATE] = allowance.headers()
    if allowance.blocked:
        raise Refused(429, (THROTTLED, "Please wait and consider throttling your request speed"))


@web.middleware
async def contained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Send no file but those of the data folder, wherever a link in there leads."""
    response = await handler(request)
    path = path_of(response)
    if path is not None and not is_inside(request.app[SERVICE].library.root, path):
        raise not_found("file")
    return response


MIDDLEWARES = (host, noting, errors, swept, credentials, contained)
"""From the outside in."""
