"""Signing keys of the account: made for real, shown once, and of no more use once they are deleted."""

import asyncio
import base64
import json
from typing import Any

from aiohttp import web

from cfstream.emulator import times
from cfstream.emulator.access.tokens import load_private, make_key
from cfstream.emulator.answers import bad_request, not_found, success
from cfstream.emulator.service import SERVICE, Service

MOST = 1000
"""Keys of one account."""

_JWK_PARTS = ("n", "e", "d", "p", "q", "dp", "dq", "qi")


def _listed(service: Service) -> list[dict[str, Any]]:
    # The key that the emulator signs with itself is none of the account's.
    return [key for key in service.library.store.all("key") if not key.get("own")]


async def list_keys(request: web.Request) -> web.Response:
    """KEYS_GET; like the service, it answers null when there are none."""
    keys = _listed(request.app[SERVICE])
    rows = [{"id": key["id"], "key_id": key["id"], "created": times.text(key["created"])} for key in keys]
    return success(rows or None)


async def create(request: web.Request) -> web.Response:
    """KEYS_CREATE: the only answer that shows the private key."""
    service = request.app[SERVICE]
    kid, pem = await asyncio.to_thread(make_key)
    if len(_listed(service)) >= MOST:
        raise bad_request(f"An account has at most {MOST} signing keys")
    created = service.library.now()
    service.library.store.put("key", kid, {"id": kid, "pem": pem, "created": created})
    shown = {"id": kid, "pem": _base64(pem), "jwk": _base64(_jwk(kid, pem)), "created": times.text(created)}
    return success(shown)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _jwk(kid: str, pem: str) -> str:
    from jwt.algorithms import RSAAlgorithm

    parts = RSAAlgorithm.to_jwk(load_private(pem, ours=True), as_dict=True)
    head = {"use": "sig", "kty": "RSA", "kid": kid, "alg": "RS256"}
    return json.dumps({**head, **{name: parts[name] for name in _JWK_PARTS}}, separators=(",", ":"))


async def delete(request: web.Request) -> web.Response:
    """KEYS_DELETE: every token signed with it stops opening anything."""
    service, kid = request.app[SERVICE], request.match_info["identifier"]
    if all(key["id"] != kid for key in _listed(service)):
        raise not_found("signing key")
    service.library.store.delete("key", kid)
    service.signer.forget(kid)
    return success("Revoked")
