"""Which call a request is, by the names of `cfstream.endpoints`."""

from collections.abc import Mapping
from functools import cache

from aiohttp import web

from cfstream.emulator.analytics import route
from cfstream.emulator.answers import API
from cfstream.emulator.uploading import direct, tus
from cfstream.endpoints import ROWS

TUS_PATCH = "TUS_PATCH"


@cache
def _by_route() -> Mapping[tuple[str, str], str]:
    uploads = {(verb, path): f"TUS_{verb}" for verb in ("HEAD", "PATCH") for path in (tus.OPEN, tus.GUARDED)}
    uploads["POST", direct.ADDRESS] = "DIRECT_UPLOAD"
    uploads["POST", route.ADDRESS] = "GRAPHQL"
    return {(row.verb, f"{API}{row.path}"): name for name, row in ROWS.items()} | uploads


def names() -> frozenset[str]:
    """Every call there is; addresses that uploads go to have calls of their own."""
    return frozenset(ROWS) | frozenset(_by_route().values())


def row_of(request: web.Request) -> str | None:
    """The call that a request is, if it is one."""
    resource = request.match_info.route.resource
    return None if resource is None else _by_route().get((request.method, resource.canonical))
