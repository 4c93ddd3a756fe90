"""The account's one webhook: where it goes and the secret that signs it."""

import secrets
from typing import Any

from aiohttp import web

from cfstream.emulator import checks, times
from cfstream.emulator.answers import bad_request, not_found, success
from cfstream.emulator.service import SERVICE
from cfstream.emulator.serving import fetch

_SPELLINGS = ("notificationUrl", "notification_url")


async def get_webhook(request: web.Request) -> web.Response:
    """WEBHOOKS_GET."""
    webhook = request.app[SERVICE].library.store.get("setting", "webhook")
    if webhook is None:
        raise not_found("webhook")
    return success(_shown(webhook))


async def update(request: web.Request) -> web.Response:
    """WEBHOOKS_UPDATE: there is one, the last one, and each has a new secret."""
    library = request.app[SERVICE].library
    body = await checks.json_object(request)
    name = next((name for name in _SPELLINGS if body.get(name) is not None), None)
    if name is None:
        raise bad_request(f"{_SPELLINGS[0]}: is missing")
    url = fetch.address(name, body[name])
    webhook = {"url": url, "secret": secrets.token_hex(20), "modified": library.now()}
    library.store.put("setting", "webhook", webhook)
    return success(_shown(webhook))


def _shown(webhook: dict[str, Any]) -> dict[str, Any]:
    addresses = dict.fromkeys(reversed(_SPELLINGS), webhook["url"])
    return {**addresses, "modified": times.text(webhook["modified"]), "secret": webhook["secret"]}


async def delete(request: web.Request) -> web.Response:
    """WEBHOOKS_DELETE, also when there is none."""
    request.app[SERVICE].library.store.delete("setting", "webhook")
    return success("")
