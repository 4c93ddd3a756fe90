"""Who watches, and from which site: access rules with a settable viewer, and allowed origins."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio
from emulator_kit import Api, clip, running

from cfstream.errors import InvalidInputError

pytestmark = pytest.mark.asyncio(loop_scope="module")

BLOCK, ALLOW = {"type": "any", "action": "block"}, {"type": "any", "action": "allow"}


def country(action: str, *codes: str) -> dict[str, Any]:
    return {"type": "ip.geoip.country", "action": action, "country": list(codes)}


def address(action: str, *places: str) -> dict[str, Any]:
    return {"type": "ip.src", "action": action, "ip": list(places)}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ready() -> AsyncGenerator[tuple[Api, str]]:
    async with running() as api:
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        yield api, uid


@pytest.mark.parametrize(
    ("rules", "viewer", "status"),
    [
        ([], {}, 200),
        ([BLOCK], {}, 403),
        ([ALLOW, BLOCK], {}, 200),
        ([BLOCK, ALLOW], {}, 403),
        ([country("block", "DE")], {"country": "DE"}, 403),
        ([country("block", "de")], {"country": "DE"}, 403),
        ([country("block", "DE")], {"country": "FR"}, 200),
        ([country("block", "DE")], {}, 200),
        ([country("allow", "DE", "FR"), BLOCK], {"country": "FR"}, 200),
        ([country("allow", "DE", "FR"), BLOCK], {"country": "US"}, 403),
        ([country("allow", "DE"), BLOCK], {}, 403),
        ([country("allow"), BLOCK], {"country": "DE"}, 403),
        ([country("block", "T1")], {"country": "T1"}, 403),
        ([address("block", "127.0.0.1")], {}, 403),
        ([address("block", "127.0.0.0/8")], {}, 403),
        ([address("block", "127.0.0.0/8")], {"address": "203.0.113.5"}, 200),
        ([address("allow", "203.0.113.0/24"), BLOCK], {"address": "203.0.113.5"}, 200),
        ([address("allow", "203.0.113.0/24"), BLOCK], {"address": "203.0.114.5"}, 403),
        ([address("allow", "203.0.113.9/24"), BLOCK], {"address": "203.0.113.5"}, 200),
        ([address("block", "2001:db8::/32")], {"address": "2001:db8::1"}, 403),
        ([address("block", "2001:DB8:0::1")], {"address": "2001:db8::1"}, 403),
        ([address("block", "2001:db8::/32")], {"address": "203.0.113.5"}, 200),
        ([address("block", "0.0.0.0/0")], {"address": "2001:db8::1"}, 200),
        ([address("block", "::/0")], {"address": "203.0.113.5"}, 200),
        ([address("block", "203.0.113.5")], {"address": "::ffff:203.0.113.5"}, 403),
        ([country("allow", "DE"), address("block", "203.0.113.5")], {"country": "DE", "address": "203.0.113.5"}, 200),
        ([address("block", "203.0.113.5"), country("allow", "DE")], {"country": "DE", "address": "203.0.113.5"}, 403),
    ],
)
async def test_the_first_rule_that_fits_decides(
    ready: tuple[Api, str], rules: list[dict[str, Any]], viewer: dict[str, str], status: int
) -> None:
    api, uid = ready
    token = (await api.call("POST", f"/{uid}/token", json={"accessRules": rules})).result["token"]
    try:
        for name, value in viewer.items():
            setattr(api.emulator.viewer, name, value)
        assert (await api.media(f"/{token}/manifest/video.m3u8")).status == status
    finally:
        api.emulator.viewer.country = api.emulator.viewer.address = None


async def test_rules_hold_for_every_piece_while_somebody_watches(ready: tuple[Api, str]) -> None:
    api, uid = ready
    token = (await api.call("POST", f"/{uid}/token", json={"accessRules": [country("block", "DE")]})).result["token"]
    assert (await api.media(f"/{token}/manifest/video.m3u8")).status == 200
    api.emulator.viewer.country = "DE"
    try:
        for path in ("manifest/video.m3u8", "manifest/180/seg_00000.mp4", "thumbnails/thumbnail.jpg", "watch"):
            assert (await api.media(f"/{token}/{path}")).status == 403, path
    finally:
        api.emulator.viewer.country = None


async def test_the_viewer_can_be_set_over_http_and_a_reset_forgets_him() -> None:
    async with running() as api:

        async def settings(body: Any) -> Any:
            return await api.call("PUT", api.emulator.url("/_emulator/settings"), json=body)

        viewer = {"country": "DE", "address": "2001:db8::1"}
        assert (await settings({"viewer": viewer})).result["settings"]["viewer"] == viewer
        assert (api.emulator.viewer.country, api.emulator.viewer.address) == ("DE", "2001:db8::1")
        assert repr(api.emulator.viewer) == "<country DE, address 2001:db8::1>"
        for wrong, message in (
            ({"country": "Germany"}, "viewer.country: must be a code of two capitals, such as DE, or None"),
            ({"country": "de"}, "viewer.country: must be a code of two capitals, such as DE, or None"),
            ({"address": "x"}, "viewer.address: must be an IP address, such as 203.0.113.5, or None"),
            ({"address": 1}, "viewer.address: must be an IP address, such as 203.0.113.5, or None"),
            ({"country": "FR", "address": ""}, "viewer.address: must be an IP address, such as 203.0.113.5, or None"),
            ({"contry": "FR"}, "viewer.contry: is not known; did you mean country?"),
            ([], "viewer: must be an object"),
        ):
            answer = await settings({"viewer": wrong, "list_lag": 1})
            assert (answer.status, answer.json["errors"][0]["message"]) == (400, message)
            assert (api.emulator.viewer.country, api.emulator.list_lag) == ("DE", 0)
        assert (await settings({"viewer": {"country": None}})).result["settings"]["viewer"]["country"] is None
        await api.emulator.reset()
        assert (api.emulator.viewer.country, api.emulator.viewer.address) == (None, None)
        with pytest.raises(InvalidInputError, match="country: must be a code"):
            api.emulator.viewer.country = "EUR"


SITES = [
    (["example.com"], "https://example.com", 200),
    (["example.com"], "http://example.com", 200),
    (["example.com"], "https://EXAMPLE.com", 200),
    (["Example.COM"], "https://example.com", 200),
    (["example.com"], "https://www.example.com", 403),
    (["example.com"], "https://example.com.evil.net", 403),
    (["example.com"], "https://badexample.com", 403),
    (["example.com"], "https://example.com:8443", 403),
    (["example.com:8443"], "https://example.com:8443", 200),
    (["example.com:8443"], "https://example.com", 403),
    (["*.example.com"], "https://www.example.com", 200),
    (["*.example.com"], "https://a.b.example.com", 200),
    (["*.example.com"], "https://example.com", 403),
    (["*.example.com"], "https://badexample.com", 403),
    (["*.example.com:3000"], "http://a.example.com:3000", 200),
    (["*.example.com"], "http://a.example.com:3000", 403),
    (["localhost"], "http://localhost", 200),
    (["localhost"], "http://localhost:3000", 403),
    (["localhost:3000"], "http://localhost:3000", 200),
    (["localhost:3000"], "http://localhost:3001", 403),
    (["[::1]:3000"], "http://[::1]:3000", 200),
    (["a.com", "b.com"], "https://b.com", 200),
    (["https://example.com"], "https://example.com", 403),
    (["example.com/path"], "https://example.com", 403),
    (["", "*", "*.", "http://", "a b", ":::"], "https://example.com", 403),
    (["null"], "null", 403),
    (["xn--mnchen-3ya.de"], "https://xn--mnchen-3ya.de", 200),
    (["münchen.de"], "https://xn--mnchen-3ya.de", 200),
    (["example.com"], "file://example.com", 403),
    (["example.com"], "https://user@evil.net", 403),
    (["example.com"], "https://[", 403),
    (["example.com"], "", 403),
]


@pytest.mark.parametrize(("allowed", "site", "status"), SITES)
async def test_a_site_is_allowed_or_not(ready: tuple[Api, str], allowed: list[str], site: str, status: int) -> None:
    api, uid = ready
    path = f"/{uid}/manifest/video.m3u8"
    await api.call("POST", f"/{uid}", json={"allowedOrigins": allowed})
    try:
        assert (await api.media(path, Origin=site)).status == status
        referer = f"{site}/page?x=1" if site.startswith("http") else site
        assert (await api.media(path, Referer=referer)).status == status
    finally:
        await api.call("POST", f"/{uid}", json={"allowedOrigins": []})


async def test_without_a_site_a_restricted_video_is_not_shown(ready: tuple[Api, str]) -> None:
    api, uid = ready
    await api.call("POST", f"/{uid}", json={"allowedOrigins": ["example.com"]})
    paths = ("manifest/video.m3u8", "manifest/video.mpd", "manifest/180/seg_00000.mp4", "thumbnails/thumbnail.jpg")
    try:
        for path in (*paths, "player/video.mp4", "watch", "iframe"):
            assert (await api.media(f"/{uid}/{path}")).status == 403, path
            assert (await api.media(f"/{uid}/{path}", Referer="https://example.com/")).status == 200, path
            # What the player's page asks for itself, as every browser says and no page can.
            own = await api.media(f"/{uid}/{path}", **{"Sec-Fetch-Site": "same-origin"})
            assert own.status == 200, path
            assert (await api.media(f"/{uid}/{path}", Referer=api.emulator.url(f"/{uid}/watch"))).status == 200, path
            for other in ("cross-site", "same-site", "none"):
                refused = await api.media(f"/{uid}/{path}", **{"Sec-Fetch-Site": other})
                assert refused.status == 403, path
        both = await api.media(f"/{uid}/{paths[0]}", Origin="https://evil.net", Referer="https://example.com/")
        assert both.status == 403
    finally:
        await api.call("POST", f"/{uid}", json={"allowedOrigins": []})


async def test_a_token_does_not_make_up_for_the_site(ready: tuple[Api, str]) -> None:
    api, uid = ready
    token = (await api.call("POST", f"/{uid}/token")).result["token"]
    await api.call("POST", f"/{uid}", json={"allowedOrigins": ["example.com"], "requireSignedURLs": True})
    try:
        for key, origin, status in (
            (token, "https://example.com", 200),
            (token, "https://evil.net", 403),
            (uid, "https://example.com", 401),
        ):
            assert (await api.media(f"/{key}/manifest/video.m3u8", Origin=origin)).status == status
    finally:
        await api.call("POST", f"/{uid}", json={"allowedOrigins": [], "requireSignedURLs": False})
