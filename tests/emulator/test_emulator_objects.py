"""Tokens, captions and watermarks."""

import base64
import io
import json
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from emulator_kit import Api, FixedClock, clip, form, metadata, png, running

NOW = 1_800_000_000
VTT = "\ufeffWEBVTT\r\n\r\n00:00.000 --> 00:01.000\r\nGrüße <&>\r\n".encode()


async def made(api: Api) -> str:
    return (await api.create(2000)).headers["stream-media-id"]


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    def read(part: str) -> dict[str, Any]:
        return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))

    header, claims, _ = token.split(".")
    return read(header), read(claims)


async def test_token_has_the_form_of_the_service() -> None:
    async with running(clock=FixedClock(NOW)) as api:
        uid = await made(api)
        header, claims = parts((await api.call("POST", f"/{uid}/token")).result["token"])
    assert set(header) == {"alg", "kid"}
    assert header["alg"] == "RS256"
    assert claims == {"sub": uid, "kid": header["kid"], "exp": str(NOW + 3600), "nbf": str(NOW - 3600)}


async def test_token_takes_claims() -> None:
    rules = [{"type": "ip.geoip.country", "action": "allow", "country": ["GB"]}, {"type": "any", "action": "block"}]
    body = {"exp": NOW + 60, "nbf": NOW - 5, "downloadable": True, "accessRules": rules, "unknown": 1}
    async with running(clock=FixedClock(NOW)) as api:
        uid = await made(api)
        _, claims = parts((await api.call("POST", f"/{uid}/token", json=body)).result["token"])
    assert (claims["exp"], claims["nbf"]) == (str(NOW + 60), str(NOW - 5))
    assert claims["downloadable"] is True
    assert claims["accessRules"] == rules


async def test_token_with_a_key_of_the_callers_own() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    async with running() as api:
        uid = await made(api)
        body = {"id": "k1", "pem": base64.b64encode(pem).decode()}
        token = (await api.call("POST", f"/{uid}/token", json=body)).result["token"]
        assert (await api.media(f"/{token}/watch")).status == 401
    claims = jwt.decode(token, key.public_key(), algorithms=["RS256"], options={"verify_sub": False})
    assert (claims["sub"], claims["kid"]) == (uid, "k1")


@pytest.mark.parametrize(
    "body",
    [
        {"exp": NOW + 25 * 3600},
        {"exp": "soon"},
        {"nbf": 1.5},
        {"downloadable": "yes"},
        {"accessRules": {}},
        {"accessRules": [{"type": "any", "action": "allow"}] * 6},
        {"accessRules": [{"type": "any"}]},
        {"id": "k1"},
        {"pem": "eA=="},
        {"id": "k1", "pem": "eA=="},
        {"id": "k1", "pem": "not base64"},
    ],
)
async def test_token_refuses(body: dict[str, Any]) -> None:
    async with running(clock=FixedClock(NOW)) as api:
        answer = await api.call("POST", f"/{await made(api)}/token", json=body)
        assert (answer.status, answer.codes) == (400, [10005])


async def test_token_opens_a_protected_video() -> None:
    clock = FixedClock(NOW)
    async with running(clock=clock) as api:
        uid = await api.upload(clip(), **{"Upload-Metadata": metadata(requiresignedurls=None)})
        other = await made(api)
        await api.until(uid, "ready")
        token = (await api.call("POST", f"/{uid}/token", json={"nbf": NOW + 10})).result["token"]
        foreign = (await api.call("POST", f"/{other}/token")).result["token"]
        head, body, signature = token.split(".")
        forged = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")

        async def status(key: str) -> int:
            return (await api.media(f"/{key}/manifest/video.m3u8")).status

        assert await status(uid) == 401
        assert (await api.media(f"/{uid}/watch")).status == 401
        assert await status(token) == 401, "too early"
        clock.now += 10
        assert await status(token) == 200
        assert (await api.media(f"/{token}/thumbnails/thumbnail.jpg")).status == 200
        assert (await api.media(f"/{token}/player/video.mp4")).status == 200
        assert await status(foreign) == 404
        assert await status(f"{forged}.{body}.") == 401
        assert await status(f"{head}.{body}.{signature[:-8]}AAAAAAAA") == 401
        assert await status("a.b.c") == 401
        clock.now += 3600
        assert await status(token) == 401, "expired"


async def test_times_of_a_token_may_be_numbers() -> None:
    async with running(clock=FixedClock(NOW)) as api:
        uid = await made(api)
        signer = api.emulator._running.signer
        await api.call("POST", f"/{uid}", json={"requireSignedURLs": True})
        for claims, expected in (
            ({"exp": NOW + 5, "nbf": NOW - 5}, 200),
            ({"exp": NOW}, 401),
            ({"exp": NOW + 5, "nbf": NOW + 1}, 401),
            ({}, 401),
            ({"exp": "x"}, 401),
            ({"exp": []}, 401),
        ):
            token = signer.sign({"sub": uid, **claims})
            assert (await api.media(f"/{token}/watch")).status == expected, claims


async def test_captions_come_back_byte_for_byte() -> None:
    async with running() as api:
        uid = await made(api)
        missing = await api.call("GET", f"/{uid}/captions/tr/vtt")
        assert (missing.status, missing.codes) == (404, [10003])
        put = await api.call("PUT", f"/{uid}/captions/tr", data=form(VTT))
        assert put.result == {"language": "tr", "label": "Türkçe", "generated": False, "status": "ready"}
        got = await api.call("GET", f"/{uid}/captions/tr/vtt")
        assert (got.status, got.body) == (200, VTT)
        assert got.headers["Content-Type"] == "text/vtt; charset=utf-8"
        await api.call("PUT", f"/{uid}/captions/tr", data=form(b"WEBVTT"))
        assert (await api.call("GET", f"/{uid}/captions/tr/vtt")).body == b"WEBVTT"


async def test_caption_labels() -> None:
    async with running() as api:
        uid = await made(api)
        for language, label in (("en-GB", "British English"), ("de-AT", "Deutsch"), ("tlh", "tlh")):
            assert (await api.call("PUT", f"/{uid}/captions/{language}", data=form(VTT))).result["label"] == label


@pytest.mark.parametrize("file", [b"", b"1\n00:00:00,000 --> 00:00:01,000\nx\n", b"WEBVTTX", b" WEBVTT"])
async def test_captions_must_be_webvtt(file: bytes) -> None:
    async with running() as api:
        answer = await api.call("PUT", f"/{await made(api)}/captions/en", data=form(file))
        assert (answer.status, answer.codes) == (400, [10005])


async def test_captions_refused() -> None:
    async with running() as api:
        uid = await made(api)
        assert (await api.call("PUT", f"/{uid}/captions/not_a_tag", data=form(VTT))).status == 400
        assert (await api.call("PUT", f"/{'0' * 32}/captions/en", data=form(VTT))).status == 404
        large = b"WEBVTT\n" + b" " * 10_000_000
        assert (await api.call("PUT", f"/{uid}/captions/en", data=form(large))).status == 413
        nameless = aiohttp.FormData()
        nameless.add_field("caption", io.BytesIO(VTT), filename="en.vtt")
        assert (await api.call("PUT", f"/{uid}/captions/en", data=nameless)).status == 400


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", VTT),
        ("multipart/form-data; boundary=x", b"--y\r\n\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\nWEBV"),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense\r\n\r\n\r\n--x--"),
        ("multipart/form-data; boundary=x", b""),
        ("text/vtt", VTT),
    ],
)
async def test_broken_forms(kind: str, body: bytes) -> None:
    async with running() as api:
        answer = await api.call("PUT", f"/{await made(api)}/captions/en", data=body, headers={"Content-Type": kind})
        assert answer.status == 400
        assert answer.codes in ([10004], [10005])


async def test_watermark() -> None:
    async with running(clock=FixedClock(NOW)) as api:
        fields = {"name": "Logo", "opacity": "0.5", "padding": "0", "scale": "1", "position": "center"}
        image = png(30, 20)
        profile = (await api.call("POST", "/watermarks", data=form(image, "logo.png", "image/png", **fields))).result
        uid = profile.pop("uid")
        assert len(uid) == 32
        assert profile == {
            "size": len(image),
            "height": 20,
            "width": 30,
            "created": "2027-01-15T08:00:00Z",
            "downloadedFrom": "",
            "name": "Logo",
            "opacity": 0.5,
            "padding": 0.0,
            "scale": 1.0,
            "position": "center",
        }
        created = await api.create(2000, **{"Upload-Metadata": metadata(watermark=uid)})
        video = (await api.call("GET", f"/{created.headers['stream-media-id']}")).result
        assert video["watermark"] == {"uid": uid, **profile}


async def test_watermark_defaults() -> None:
    async with running() as api:
        profile = (await api.call("POST", "/watermarks", data=form(png(), "logo.png", "image/png"))).result
    assert (profile["opacity"], profile["padding"], profile["scale"]) == (1.0, 0.05, 0.15)
    assert (profile["position"], profile["name"]) == ("upperRight", "")


async def test_watermarks_refused() -> None:
    async with running() as api:

        async def refused(file: bytes, **fields: str) -> tuple[int, list[int]]:
            answer = await api.call("POST", "/watermarks", data=form(file, "x.png", "image/png", **fields))
            return answer.status, answer.codes

        assert await refused(b"GIF89a" + b"\0" * 100) == (400, [10005])
        assert await refused(png()[:20]) == (400, [10005])
        assert await refused(png(), opacity="2") == (400, [10005])
        assert await refused(png(), scale="big") == (400, [10005])
        assert await refused(png(), position="middle") == (400, [10005])
        assert (await refused(png() + b"\0" * 2_097_152))[0] == 413
        answer = await api.call("POST", "/watermarks", json={"url": "https://example.com/logo.png"})
        assert (answer.status, answer.codes) == (400, [10010])
