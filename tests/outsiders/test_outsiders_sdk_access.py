"""Cloudflare's own Python SDK drives the emulator's signing keys, tokens and webhook, and reads what cfstream reads."""

import time
from typing import Any

import aiohttp
import jwt
import pytest
from outsiders_sdk_kit import DIFFERENCES, Both

from cfstream import NotFoundError
from cfstream.models import AccessRule

RULES: list[dict[str, Any]] = [
    {"type": "ip.src", "action": "allow", "ip": ["127.0.0.0/8"]},
    {"type": "ip.geoip.country", "action": "block", "country": ["GB"]},
]


async def test_every_access_call_with_every_keyword(both: Both) -> None:
    await _signed(both)
    await _told(both)
    assert both.left_out("access") == {}
    assert both.met == set(DIFFERENCES["access"])


async def _signed(both: Both) -> None:
    key = await both.theirs.keys.create(account_id=both.account)
    assert key is not None
    assert key.id is not None
    assert key.pem is not None
    (ours,) = [each async for each in both.ours.keys.get()]
    (theirs,) = [each async for each in both.theirs.keys.get(account_id=both.account)]
    both.alike(ours, theirs)
    assert (theirs.id, theirs.key_id, theirs.created) == (key.id, key.id, key.created)
    await _opens(both, key.id, key.pem)
    assert await both.theirs.keys.delete(key.id, account_id=both.account) == "Revoked"
    assert (await both.ours.keys.get()).items == []
    assert [each async for each in both.theirs.keys.get(account_id=both.account)] == []
    both.replay("KEYS_CREATE", "SigningKey")  # a key is shown once
    both.alike(await both.ours.keys.create(), await both.theirs.keys.create(account_id=both.account))


async def _opens(both: Both, kid: str, pem: str) -> None:
    """Tokens of both, by the account's key and by the service's, say the same and open the same."""
    uid = (await both.ours.upload(both.film, require_signed_urls=True)).uid
    await both.ours.wait_until_ready(uid, timeout=30)
    now = int(time.time())
    asked: dict[str, Any] = {"exp": now + 600, "nbf": now - 60, "downloadable": True, "access_rules": RULES}
    for signer in ({"id": kid, "pem": pem}, {}):
        given = {**asked, **signer}
        theirs = await both.theirs.token.create(uid, account_id=both.account, flags={"original": True}, **given)
        assert theirs is not None
        mine = await both.ours.token.create(uid, **{**given, "access_rules": [AccessRule(**rule) for rule in RULES]})
        tokens = [str(mine.token), str(theirs.token)]
        ours, other = (jwt.decode(token, options={"verify_signature": False}) for token in tokens)
        assert ours == other
        assert (other["sub"], other["downloadable"], other["accessRules"]) == (uid, True, RULES)
        assert (other["kid"] == kid) == bool(signer)
        assert [await _status(both, f"/{name}/manifest/video.m3u8") for name in (uid, *tokens)] == [401, 200, 200]


async def _status(both: Both, path: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(both.emulator.url(path)) as answer:
        return answer.status


async def _told(both: Both) -> None:
    """The reference spells the address in two ways, which the SDK numbers."""
    webhooks, account = both.theirs.webhooks, both.account
    await webhooks.update(account_id=account, body_notification_url_1="https://a.example/1")
    assert (await both.ours.webhooks.get()).notification_url == "https://a.example/1"
    updated = await webhooks.update(account_id=account, body_notification_url_2="https://a.example/2")
    ours, theirs = await both.ours.webhooks.get(), await webhooks.get(account_id=account)
    both.alike(ours, theirs)
    both.alike(ours, updated)
    assert (ours.notification_url, ours.modified is None) == ("https://a.example/2", False)
    assert await webhooks.delete(account_id=account) == ""
    with pytest.raises(NotFoundError):
        await both.ours.webhooks.get()
