"""Signing keys: what the API gives out opens media, until the key is deleted."""

import base64
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from emulator_kit import Api, FixedClock, running
from jwt.algorithms import RSAAlgorithm

UNKNOWN = "0" * 32
NOW = 1_800_000_000


async def made(api: Api) -> dict[str, Any]:
    return dict((await api.call("POST", "/keys")).result)


def private(key: dict[str, Any]) -> rsa.RSAPrivateKey:
    loaded = serialization.load_pem_private_key(base64.b64decode(key["pem"]), password=None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


def signed(key: dict[str, Any], uid: str, **claims: Any) -> str:
    body = {"sub": uid, "kid": key["id"], **claims}
    return jwt.encode(body, private(key), algorithm="RS256", headers={"kid": key["id"]})


async def test_a_key_has_the_form_of_the_service() -> None:
    async with running(clock=FixedClock(NOW)) as api:
        key = await made(api)
    assert list(key) == ["id", "pem", "jwk", "created"]
    assert key["created"] == "2027-01-15T08:00:00Z"
    assert base64.b64decode(key["pem"]).startswith(b"-----BEGIN RSA PRIVATE KEY-----\n")
    assert private(key).key_size == 2048
    jwk = json.loads(base64.b64decode(key["jwk"]))
    assert list(jwk) == ["use", "kty", "kid", "alg", "n", "e", "d", "p", "q", "dp", "dq", "qi"]
    assert (jwk["use"], jwk["kty"], jwk["kid"], jwk["alg"], jwk["e"]) == ("sig", "RSA", key["id"], "RS256", "AQAB")
    from_jwk = RSAAlgorithm.from_jwk(jwk)
    assert isinstance(from_jwk, rsa.RSAPrivateKey)
    assert from_jwk.private_numbers() == private(key).private_numbers()


async def test_the_list_shows_no_private_key() -> None:
    async with running() as api:
        assert (await api.call("GET", "/keys")).result is None
        first, second = await made(api), await made(api)
        uid = (await api.create(2000)).headers["stream-media-id"]
        await api.call("POST", f"/{uid}/token")
        rows = (await api.call("GET", "/keys")).result
    assert rows == [{"id": key["id"], "key_id": key["id"], "created": key["created"]} for key in (first, second)]


async def test_a_deleted_key_opens_nothing_any_more() -> None:
    async with running() as api:
        uid = (await api.create(2000)).headers["stream-media-id"]
        await api.call("POST", f"/{uid}", json={"requireSignedURLs": True})
        key, other = await made(api), await made(api)
        claims = {"exp": int(time.time()) + 60}
        token, kept = signed(key, uid, **claims), signed(other, uid, **claims)
        by_service = (await api.call("POST", f"/{uid}/token")).result["token"]
        by_key = (await api.call("POST", f"/{uid}/token", json={"id": key["id"], "pem": key["pem"]})).result["token"]
        tokens = (token, by_key, kept, by_service)

        async def opened() -> list[int]:
            return [(await api.media(f"/{each}/watch")).status for each in tokens]

        assert await opened() == [200, 200, 200, 200]
        assert (await api.call("DELETE", f"/keys/{key['id']}")).status == 200
        assert await opened() == [401, 401, 200, 200]
        assert [row["id"] for row in (await api.call("GET", "/keys")).result] == [other["id"]]
        gone = await api.call("DELETE", f"/keys/{key['id']}")
        assert (gone.status, gone.codes) == (404, [10003])


async def test_the_emulators_own_key_can_be_neither_seen_nor_deleted() -> None:
    async with running() as api:
        uid = (await api.create(2000)).headers["stream-media-id"]
        token = (await api.call("POST", f"/{uid}/token")).result["token"]
        own = jwt.get_unverified_header(token)["kid"]
        assert (await api.call("GET", "/keys")).result is None
        assert (await api.call("DELETE", f"/keys/{own}")).status == 404
        assert (await api.media(f"/{token}/watch")).status == 200
        for odd in (UNKNOWN, "x", "%ff"):
            assert (await api.call("DELETE", f"/keys/{odd}")).codes == [10003]


async def test_an_account_has_a_thousand_keys_at_most() -> None:
    async with running() as api:
        await made(api)
        store = api.emulator._running.library.store
        for number in range(999):
            store.put("key", f"k{number}", {"id": f"k{number}", "pem": "", "created": 0})
        answer = await api.call("POST", "/keys")
        assert (answer.status, answer.codes) == (400, [10005])
        assert len((await api.call("GET", "/keys")).result) == 1000
        await api.call("DELETE", "/keys/k0")
        assert (await api.call("POST", "/keys")).status == 200
