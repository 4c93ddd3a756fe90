"""Tokens of private videos: what a key of the account signs opens everything, and nothing crafted opens anything."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import attrs
import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from emulator_kit import SMALL, Api, FixedClock, clip, connected, form

from cfstream.emulator import Emulator
from cfstream.emulator.app import make_app
from cfstream.models import AccessRule

NOW = 1_800_000_000
DAY = 24 * 3600
MEDIA = (
    "manifest/video.m3u8",
    "manifest/video.mpd",
    "thumbnails/thumbnail.jpg",
    "player/video.mp4",
    "downloads/default.mp4",
    "downloads/audio.m4a",
    "captions/en.vtt",
    "watch",
    "iframe",
)
FOREIGN = rsa.generate_private_key(public_exponent=65537, key_size=2048)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@attrs.frozen
class World:
    """A private video with all that can be asked of it, and two keys of the account."""

    api: Api
    uid: str
    other: str
    key: Mapping[str, Any]
    second: Mapping[str, Any]

    @property
    def claims(self) -> dict[str, Any]:
        return {"sub": self.uid, "kid": self.key["id"], "exp": NOW + 3600, "downloadable": True}

    def sign(self, head: Mapping[str, Any] = {}, **claims: Any) -> str:
        body = {name: value for name, value in {**self.claims, **claims}.items() if value is not ...}
        return jwt.encode(body, private(self.key), algorithm="RS256", headers={"kid": self.key["id"], **head})

    async def status(self, key: str, path: str = "manifest/video.m3u8") -> int:
        return (await self.api.media(f"/{key}/{path}")).status


def private(key: Mapping[str, Any]) -> rsa.RSAPrivateKey:
    loaded = serialization.load_pem_private_key(base64.b64decode(key["pem"]), password=None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


def public_pem(key: Mapping[str, Any]) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private(key).public_key().public_bytes(serialization.Encoding.PEM, form)


def part(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def raw(world: World, head: bytes, body: bytes) -> str:
    """A token whose parts need not be JSON, with a good signature."""
    source = f"{part(head)}.{part(body)}"
    return f"{source}.{part(jwt.get_algorithm_by_name('RS256').sign(source.encode(), private(world.key)))}"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world() -> AsyncGenerator[World]:
    async with Emulator(limits=SMALL, clock=FixedClock(NOW)) as emulator, connected(emulator) as api:
        uid, other = await api.upload(clip()), await api.upload(clip())
        for each in (uid, other):
            await api.until(each, "ready")
            await api.call("POST", f"/{each}", json={"requireSignedURLs": True})
        for kind in ("default", "audio"):
            await api.call("POST", f"/{uid}/downloads/{kind}")
        await api.call("PUT", f"/{uid}/captions/en", data=form(b"WEBVTT\n"))
        keys = [(await api.call("POST", "/keys")).result for _ in range(2)]
        yield World(api, uid, other, *keys)


async def downloads_made(world: World) -> None:
    while any(
        each["status"] != "ready" for each in (await world.api.call("GET", f"/{world.uid}/downloads")).result.values()
    ):
        pass


async def segments(world: World, key: str) -> list[str]:
    """Every file that the manifests name, as paths."""
    found = []
    master = (await world.api.media(f"/{key}/manifest/video.m3u8")).body.decode()
    for playlist in {line for line in master.replace('URI="', "\n").replace('"', "\n").splitlines() if ".m3u8" in line}:
        found.append(f"manifest/{playlist}")
        folder = playlist.rpartition("/")[0]
        text = (await world.api.media(f"/{key}/manifest/{playlist}")).body.decode()
        names = {line for line in text.replace('URI="', "\n").replace('"', "\n").splitlines() if line.endswith(".mp4")}
        found += [f"manifest/{folder}/{name}" for name in names]
    return found


async def test_a_token_opens_every_address_and_the_uid_none(world: World) -> None:
    await downloads_made(world)
    token = world.sign()
    named = await segments(world, token)
    assert len(named) > 4
    for path in (*MEDIA, *named):
        assert await world.status(token, path) == 200, path
        assert await world.status(world.uid, path) == 401, path
        assert await world.status(world.sign(exp=NOW), path) == 401, path
        assert await world.status(world.sign(accessRules=[{"type": "any", "action": "block"}]), path) == 403, path


async def test_no_address_of_a_video_is_forgotten(world: World) -> None:
    parts = {"path": "video.m3u8", "file": "default.mp4", "language": "en"}
    found = [resource.canonical for resource in make_app(world.api.emulator._running).router.resources()]
    paths = [path.removeprefix("/{key}/").format(**parts) for path in found if path.startswith("/{key}/")]
    assert set(MEDIA) - {"manifest/video.mpd", "downloads/audio.m4a"} <= set(paths)
    for path in paths:
        # Whether somebody is live, and how many watch, the service tells without a token.
        if path not in ("lifecycle", "views"):
            assert await world.status(world.uid, path) == 401, path
        assert await world.status(world.sign(exp=NOW), path) == 401, path


async def test_a_public_video_needs_none_but_a_bad_one_opens_nothing(world: World) -> None:
    await world.api.call("POST", f"/{world.other}", json={"requireSignedURLs": False})
    try:
        assert await world.status(world.other) == 200
        assert await world.status(world.sign(sub=world.other)) == 200
        assert await world.status(world.sign(sub=world.other, exp=NOW)) == 401
    finally:
        await world.api.call("POST", f"/{world.other}", json={"requireSignedURLs": True})


async def test_a_download_takes_a_token_that_says_so(world: World) -> None:
    await downloads_made(world)
    for wrong in (..., False, None, "true", 1, [True]):
        token = world.sign(downloadable=wrong)
        assert await world.status(token) == 200, wrong
        for file in ("default.mp4", "audio.m4a"):
            assert await world.status(token, f"downloads/{file}") == 403, wrong


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW + 1},
        {"exp": str(NOW + 1)},
        {"exp": NOW + 0.5},
        {"exp": NOW + DAY},
        {"exp": str(NOW + DAY)},
        {"nbf": NOW},
        {"nbf": str(NOW)},
        {"nbf": None},
        {"kid": ...},
        {"accessRules": None},
        {"accessRules": []},
        {"unknown": {"a": [1]}, "iat": "yesterday", "aud": "x", "jti": 1},
    ],
    ids=str,
)
async def test_times_are_numbers_or_text_and_unknown_claims_pass(world: World, claims: dict[str, Any]) -> None:
    assert await world.status(world.sign(**claims)) == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW},
        {"exp": str(NOW)},
        {"exp": NOW - DAY},
        {"exp": ...},
        {"exp": None},
        {"exp": "soon"},
        {"exp": "nan"},
        {"exp": "inf"},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**400},
        {"exp": -1},
        {"exp": True},
        {"exp": f"{NOW}_000"},
        {"exp": "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660"},
        {"exp": [NOW + 1]},
        {"exp": NOW + DAY + 61},
        {"nbf": NOW + 1},
        {"nbf": str(NOW + 1)},
        {"nbf": "x"},
        {"nbf": {}},
        {"sub": ...},
        {"sub": None},
        {"sub": 10**31},
        {"sub": []},
        {"kid": "0" * 32},
        {"kid": 1},
        {"accessRules": {}},
        {"accessRules": "block"},
        {"accessRules": [[]]},
        {"accessRules": [{"type": "any"}]},
        {"accessRules": [{"type": "asn", "action": "allow"}]},
        {"accessRules": [{"type": [], "action": {}}]},
        {"accessRules": [{"type": "ip.src", "action": "allow", "ip": ["300.1.1.1"]}]},
        {"accessRules": [{"type": "ip.src", "action": "allow", "ip": "10.0.0.0/8"}]},
        {"accessRules": [{"type": "ip.geoip.country", "action": "block", "country": ["Germany"]}]},
        {"accessRules": [{"type": "any", "action": "allow"}] * 6},
        {"filler": "x" * 4000},
    ],
    ids=lambda claims: str(claims)[:60],
)
async def test_what_does_not_open(world: World, claims: dict[str, Any]) -> None:
    assert await world.status(world.sign(**claims)) == 401


async def test_a_token_for_nothing_finds_nothing(world: World) -> None:
    for sub in ("0" * 32, "../source", "", world.uid.upper()):
        assert await world.status(world.sign(sub=sub)) == 404, sub


async def test_the_algorithm_is_not_the_tokens_to_choose(world: World) -> None:
    head, claims = {"kid": world.key["id"]}, world.claims
    good = f"{part({'alg': 'RS256', **head})}.{part(claims)}"
    forged = []
    for name in ("none", "None", "NONE", ""):
        forged += [f"{part({'alg': name, **head})}.{part(claims)}.{end}" for end in ("", part(b"x"))]
    # The public key is known to many: it must not pass as the secret of another algorithm.
    for secret in (public_pem(world.key), public_pem(world.key).rstrip()):
        source = f"{part({'alg': 'HS256', **head})}.{part(claims)}"
        forged.append(f"{source}.{part(hmac.digest(secret, source.encode(), hashlib.sha256))}")
    for name in ("RS384", "RS512", "PS256"):
        forged.append(jwt.encode(claims, private(world.key), algorithm=name, headers=head))
    forged += [f"{good}.", f"{good}.{part(b'0' * 256)}", good, f"{good}.a.b", "a.b.c", f".{good}"]
    for token in forged:
        assert await world.status(token) in (400, 401), token


async def test_the_key_is_the_one_that_the_header_names(world: World) -> None:
    second = jwt.encode(world.claims, private(world.second), algorithm="RS256", headers={"kid": world.key["id"]})
    assert await world.status(second) == 401
    signed = jwt.encode(world.claims, private(world.key), algorithm="RS256", headers={"kid": world.second["id"]})
    assert await world.status(signed) == 401
    foreign = jwt.algorithms.RSAAlgorithm.to_jwk(FOREIGN.public_key(), as_dict=True)
    for head in (
        {"jwk": foreign},
        {"jku": world.api.emulator.url("/keys"), "kid": "x"},
        {"x5u": world.api.emulator.url("/keys")},
        {"x5c": [part(b"x")]},
        {"kid": "x"},
        {"kid": ""},
        {"kid": "../../etc/passwd"},
    ):
        token = jwt.encode(world.claims, FOREIGN, algorithm="RS256", headers={"kid": world.key["id"], **head})
        assert await world.status(token) == 401, head
    nameless = raw(world, b'{"alg":"RS256"}', json.dumps(world.claims).encode())
    assert await world.status(nameless) == 401
    odd: list[object] = [[], {}, None, 1, True]
    for kid in odd:
        body = json.dumps(world.claims).encode()
        assert await world.status(raw(world, json.dumps({"alg": "RS256", "kid": kid}).encode(), body)) == 401, kid


@pytest.mark.parametrize(
    "head",
    [
        {"jku": "https://example.com/keys"},
        {"x5u": "https://example.com/keys"},
        {"jwk": jwt.algorithms.RSAAlgorithm.to_jwk(FOREIGN.public_key(), as_dict=True)},
        {"jwk": None},
        {"x5c": [part(b"x")]},
        {"jwk": {}, "x5c": []},
    ],
    ids=",".join,
)
async def test_a_token_that_brings_a_key_opens_nothing_however_well_it_is_signed(
    world: World, head: dict[str, Any]
) -> None:
    token = world.sign({**head, "x5t": "a digest is no key"})
    answer = await world.api.media(f"/{token}/manifest/video.m3u8")
    assert answer.status == 401
    assert answer.body == b"The token opens nothing: it brings a key of its own\n"
    assert await world.status(world.sign({"x5t": "a digest is no key"})) == 200


async def test_junk_is_refused_without_a_fault(world: World, caplog: pytest.LogCaptureFixture) -> None:
    head = json.dumps({"alg": "RS256", "kid": world.key["id"]}).encode()
    for body in (b"", b"\xff", b"[]", b"1", b"null", b'"x"', b"{", b"[" * 4000, b'{"a":' * 900 + b"1" + b"}" * 900):
        assert await world.status(raw(world, head, body)) == 401, body[:20]
    for strange in (b"[" * 4000, b"\xff", b"{}", b"[]", b'{"alg":["RS256"]}', b'{"alg":{}}'):
        assert await world.status(raw(world, strange, json.dumps(world.claims).encode())) == 401, strange[:20]
    for text in ("%00.%00.%00", "é.é.é", "a." * 500, "-.-.-", "=.=.="):
        assert await world.status(text) in (400, 401, 404), text[:20]
    assert "Traceback" not in caplog.text


async def test_every_changed_letter_spoils_a_token(world: World) -> None:
    token = world.sign()
    # The last letter of the signature holds bits that mean nothing.
    for at in range(0, len(token) - 1, 23):
        letter = "A" if token[at] != "A" else "B"
        assert await world.status(token[:at] + letter + token[at + 1 :]) in (401, 404), at


async def test_a_deleted_key_opens_nothing_and_the_others_go_on(world: World) -> None:
    key = (await world.api.call("POST", "/keys")).result
    token = jwt.encode({**world.claims, "kid": key["id"]}, private(key), algorithm="RS256", headers={"kid": key["id"]})
    assert await world.status(token) == 200
    await world.api.call("DELETE", f"/keys/{key['id']}")
    assert await world.status(token) == 401
    assert await world.status(world.sign()) == 200


async def test_the_answer_says_what_is_wrong_with_a_token(world: World) -> None:
    for token, reason in (
        (world.sign(exp=NOW), "it has expired"),
        (world.sign(nbf=NOW + 5), "it is not valid yet"),
    ):
        answer = await world.api.media(f"/{token}/manifest/video.m3u8")
        assert answer.body.decode() == f"The token opens nothing: {reason}\n"


async def test_tokens_of_the_client_open_and_its_rules_hold(world: World) -> None:
    api = world.api
    async with api.emulator.stream() as stream:
        plain = await stream.token.create(world.uid)
        rules = [AccessRule("ip.geoip.country", "block", country=["DE"])]
        ruled = await stream.token.create(world.uid, access_rules=rules, downloadable=True, exp=NOW + 60, nbf=NOW)
        own = await stream.token.create(world.uid, id=world.key["id"], pem=world.key["pem"])
    assert await world.status(plain.token) == 200
    assert await world.status(plain.token, "downloads/default.mp4") == 403
    assert await world.status(own.token) == 200
    assert await world.status(ruled.token) == 200
    api.emulator.viewer.country = "DE"
    try:
        assert await world.status(ruled.token) == 403
        assert await world.status(plain.token) == 200
    finally:
        api.emulator.viewer.country = None


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "ip.src", "action": "allow", "ip": ["x"]},
        {"type": "ip.src", "action": "allow", "ip": "10.0.0.0/8"},
        {"type": "ip.geoip.country", "action": "allow", "country": ["DEU"]},
        {"type": "ip.geoip.country", "action": "allow", "country": [1]},
    ],
)
async def test_no_token_is_made_with_rules_that_cannot_be_read(world: World, rule: dict[str, Any]) -> None:
    answer = await world.api.call("POST", f"/{world.uid}/token", json={"accessRules": [rule]})
    assert (answer.status, answer.codes) == (400, [10005])
    assert answer.json["errors"][0]["message"].startswith("accessRules: ")
