"""Watermark profiles beyond the upload: from an address, listed, looked at, deleted."""

from typing import Any

import pytest
from aiohttp import web
from emulator_kit import Api, FixedClock, file, form, metadata, png, running, site

UNKNOWN = "0" * 32


async def made(api: Api, **fields: str) -> dict[str, Any]:
    return dict((await api.call("POST", "/watermarks", data=form(png(), "l.png", "image/png", **fields))).result)


async def test_list_get_delete() -> None:
    async with running() as api:
        assert (await api.call("GET", "/watermarks")).result == []
        first, second = await made(api, name="one"), await made(api, name="two")
        assert (await api.call("GET", "/watermarks")).result == [first, second]
        assert (await api.call("GET", f"/watermarks/{first['uid']}")).result == first
        marked = await api.create(2000, **{"Upload-Metadata": metadata(watermark=first["uid"])})
        assert (await api.call("DELETE", f"/watermarks/{first['uid']}")).result == ""
        assert (await api.call("GET", "/watermarks")).result == [second]
        video = (await api.call("GET", f"/{marked.headers['stream-media-id']}")).result
        assert video["watermark"] == first, "a video keeps what it was made with"
        assert not api.emulator._running.library.watermark(first["uid"]).exists()
        for verb in ("GET", "DELETE"):
            for uid in (first["uid"], UNKNOWN, "x", "%ff"):
                gone = await api.call(verb, f"/watermarks/{uid}")
                assert (gone.status, gone.codes) == (404, [10003])


async def test_from_an_address() -> None:
    image = png(30, 20)
    async with (
        site(logo=file(image)) as base,
        running(clock=FixedClock(1_800_000_000), allow_private_fetch=True) as api,
    ):
        body = {"url": f"{base}/logo", "name": "Logo", "opacity": 0.5, "padding": 0, "scale": 1, "position": "center"}
        profile = (await api.call("POST", "/watermarks", json={**body, "unknown": 1})).result
        assert (await api.call("GET", "/watermarks")).result == [profile]
        plain = (await api.call("POST", "/watermarks", json={"url": f"{base}/logo", "name": None})).result
    url = body.pop("url")
    assert profile == {
        "uid": profile["uid"],
        "size": len(image),
        "height": 20,
        "width": 30,
        "created": "2027-01-15T08:00:00Z",
        "downloadedFrom": url,
        **body,
    }
    assert (plain["opacity"], plain["padding"], plain["scale"]) == (1.0, 0.05, 0.15)
    assert (plain["position"], plain["name"]) == ("upperRight", "")


async def test_an_image_that_cannot_be_had_is_refused() -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "file:///etc/passwd"})

    pages = {"gif": file(b"GIF89a" + b"\0" * 100), "large": file(png() + b"\0" * 2_097_152), "moved": elsewhere}
    async with site(**pages) as base, running(allow_private_fetch=True) as api:
        for name in ("gif", "large", "moved", "none"):
            answer = await api.call("POST", "/watermarks", json={"url": f"{base}/{name}"})
            assert (answer.status, answer.codes) == (400, [10010]), name
            assert answer.json["errors"][0]["message"].startswith("Invalid URL: url: ")
        assert (await api.call("GET", "/watermarks")).result == []


@pytest.mark.parametrize(
    ("body", "code", "named"),
    [
        ({}, 10005, "url"),
        ({"url": 1}, 10005, "url"),
        ({"url": "ftp://example.com/logo.png"}, 10010, "Invalid URL: url"),
        ({"url": "https://u:p@example.com/logo.png"}, 10010, "Invalid URL: url"),
        ({"opacity": 2}, 10005, "opacity"),
        ({"scale": "0.5"}, 10005, "scale"),
        ({"padding": True}, 10005, "padding"),
        ({"position": "middle"}, 10005, "position"),
        ({"name": 7}, 10005, "name"),
    ],
)
async def test_refused(body: dict[str, Any], code: int, named: str) -> None:
    async with running() as api:
        full = body if "url" in body or not body else {"url": "https://example.com/logo.png", **body}
        answer = await api.call("POST", "/watermarks", json=full)
        assert (answer.status, answer.codes) == (400, [code])
        assert answer.json["errors"][0]["message"].startswith(f"{named}: ")


async def test_this_machine_is_not_asked_for_images() -> None:
    asked = 0

    async def page(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(body=png())

    async with site(logo=page) as base, running() as api:
        for url in (f"{base}/logo", f"{base}/logo".replace("127.0.0.1", "localhost")):
            answer = await api.call("POST", "/watermarks", json={"url": url})
            assert (answer.status, answer.codes) == (400, [10010])
    assert asked == 0
