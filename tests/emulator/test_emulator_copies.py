"""Copies from an address: fetched within bounds, from public addresses only, then encoded."""

import asyncio
from typing import Any

import attrs
import pytest
from aiohttp import web
from emulator_kit import SMALL, Api, FixedClock, clip, file, form, png, running, site

from cfstream.emulator.serving.reach import is_public

NOW = 1_800_000_000
FETCH = "ERR_FETCH_ORIGIN_ERROR"


async def copied(api: Api, url: str, **body: Any) -> dict[str, Any]:
    return dict((await api.call("POST", "/copy", json={"input": url, **body})).result)


async def failure(api: Api, url: str) -> tuple[str, str]:
    status = (await api.until((await copied(api, url))["uid"], "error"))["status"]
    return status["errorReasonCode"], status["errorReasonText"]


async def test_a_copy_is_fetched_and_encoded() -> None:
    go = asyncio.Event()

    async def page(_: web.Request) -> web.Response:
        await go.wait()
        return web.Response(body=clip())

    async with site(video=page) as base, running(clock=FixedClock(NOW), allow_private_fetch=True) as api:
        url = f"{base}/video"
        video = await copied(api, url, meta={"name": "Talk"}, name="passed over", unknown=1)
        assert video["status"] == {"state": "downloading", "errorReasonCode": "", "errorReasonText": ""}
        assert video["meta"] == {"name": "Talk", "downloaded-from": url}
        assert video["created"] == video["uploaded"] == "2027-01-15T08:00:00Z"
        assert (video["uploadExpiry"], video["readyToStreamAt"], video["duration"]) == (None, None, -1)
        assert [each["uid"] for each in (await api.call("GET", "?status=downloading")).result] == [video["uid"]]
        go.set()
        states: list[str] = []
        done = await api.until(video["uid"], "ready", lambda seen: states.append(seen["status"]["state"]))
        assert (done["size"], done["duration"]) == (len(clip()), 1)
        assert (await api.media(f"/{video['uid']}/manifest/video.m3u8")).status == 200
    assert states == sorted(states, key=["downloading", "queued", "inprogress", "ready"].index)


async def test_a_copy_has_settings_of_its_own() -> None:
    async with site(video=file(clip())) as base, running(clock=FixedClock(NOW), allow_private_fetch=True) as api:
        watermark = (await api.call("POST", "/watermarks", data=form(png(), "l.png", "image/png"))).result
        settings = {
            "allowedOrigins": ["example.com"],
            "requireSignedURLs": True,
            "scheduledDeletion": "2027-03-15T08:00:00Z",
            "thumbnailTimestampPct": 0.5,
            "creator": "ann",
        }
        body = {**settings, "watermark": {"uid": watermark["uid"]}, "maxDurationSeconds": 1}
        video = await copied(api, f"{base}/video", **body, name="Named")
        assert {name: video[name] for name in settings} == settings
        assert (video["watermark"], video["maxDurationSeconds"]) == (watermark, None)
        assert video["meta"]["name"] == "Named"
        by_url = await api.call("POST", "/copy", json={"url": f"{base}/video"}, headers={"Upload-Creator": "bob"})
        assert by_url.result["creator"] == "bob"
        for uid in (video["uid"], by_url.result["uid"]):
            await api.until(uid, "ready")


@pytest.mark.parametrize(
    ("body", "code", "named"),
    [
        ({}, 10005, "input"),
        ({"input": None, "url": None}, 10005, "input"),
        ({"input": 1}, 10005, "input"),
        ({"input": "ftp://example.com/a.mp4"}, 10010, "Invalid URL: input"),
        ({"url": "file:///etc/passwd"}, 10010, "Invalid URL: url"),
        ({"url": "https://"}, 10010, "Invalid URL: url"),
        ({"url": "https://user:secret@example.com/"}, 10010, "Invalid URL: url"),
        ({"url": "https://example.com/a b"}, 10010, "Invalid URL: url"),
        ({"input": "https://example.com/", "meta": []}, 10005, "meta"),
        ({"input": "https://example.com/", "name": 1}, 10005, "name"),
        ({"input": "https://example.com/", "watermark": []}, 10005, "watermark"),
    ],
)
async def test_refused(body: dict[str, Any], code: int, named: str) -> None:
    async with running() as api:
        answer = await api.call("POST", "/copy", json=body)
        assert (answer.status, answer.codes) == (400, [code])
        message = answer.json["errors"][0]["message"]
        assert message.startswith(f"{named}: ")
        assert "secret" not in message
        assert (await api.call("GET")).result == []


async def test_what_cannot_be_fetched_ends_in_error() -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b"x" * 10)
        assert request.transport is not None
        request.transport.abort()
        return answer

    async def partial(_: web.Request) -> web.Response:
        return web.Response(status=206, body=clip())

    pages = {"cut": cut, "partial": partial, "text": file(b"no video" * 100)}
    async with site(**pages) as base, running(allow_private_fetch=True) as api:
        for name in ("cut", "partial", "missing"):
            assert (await failure(api, f"{base}/{name}"))[0] == FETCH, name
        assert (await failure(api, "http://127.0.0.1:1/"))[0] == FETCH
        assert (await failure(api, f"{base}/text"))[0] == "ERR_NON_VIDEO"


async def test_a_file_above_the_limit_is_not_fetched_whole() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"x" * 65536)

    limits = attrs.evolve(SMALL, file_max=100_000)
    async with (
        site(announced=file(b"x" * 100_001), endless=endless) as base,
        running(limits=limits, allow_private_fetch=True) as api,
    ):
        for name in ("announced", "endless"):
            code, text = await failure(api, f"{base}/{name}")
            assert (code, "larger than 100000 bytes" in text) == (FETCH, True), text


async def test_five_redirects_are_followed_and_each_is_looked_at() -> None:
    async def hop(request: web.Request) -> web.Response:
        left = int(request.query["left"])
        headers = {"Location": f"hop?left={left - 1}" if left else "/video"}
        return web.Response(status=302, headers=headers)

    async def leave(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "file:///etc/passwd"})

    async def nowhere(_: web.Request) -> web.Response:
        return web.Response(status=301)

    pages = {"hop": hop, "leave": leave, "nowhere": nowhere, "video": file(clip())}
    async with site(**pages) as base, running(allow_private_fetch=True) as api:
        near = await copied(api, f"{base}/hop?left=4")
        await api.until(near["uid"], "ready")
        for path in ("hop?left=5", "leave", "nowhere"):
            assert (await failure(api, f"{base}/{path}"))[0] == FETCH, path


async def test_this_machine_is_not_asked_unless_that_is_allowed() -> None:
    asked = 0

    async def page(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(body=clip())

    async with site(video=page) as base, running() as api:
        port = base.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0"):
            code, _ = await failure(api, f"http://{host}:{port}/video")
            assert code == FETCH, host
    assert asked == 0


async def test_no_credentials_and_no_cookies_go_along() -> None:
    seen: list[dict[str, str]] = []

    async def page(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        moved = web.Response(status=302, headers={"Location": "/video?again"})
        moved.set_cookie("a", "b")
        return web.Response(body=clip()) if request.query else moved

    async with site(video=page) as base, running(allow_private_fetch=True) as api:
        await api.until((await copied(api, f"{base}/video"))["uid"], "ready")
    assert len(seen) == 2
    assert not {"Authorization", "Cookie"} & {name for headers in seen for name in headers}


@pytest.mark.parametrize(
    ("place", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", False),
    ],
)
def test_what_counts_as_public(place: str, public: bool) -> None:
    assert is_public(place) is public


async def test_a_copy_can_be_deleted_while_it_is_fetched() -> None:
    begun = asyncio.Event()

    async def page(_: web.Request) -> web.Response:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with site(video=page) as base, running(allow_private_fetch=True) as api:
        uid = (await copied(api, f"{base}/video"))["uid"]
        await begun.wait()
        assert (await api.call("DELETE", f"/{uid}")).status == 200
        assert (await api.call("GET", f"/{uid}")).status == 404
        assert not api.emulator._running.library.folder(uid).exists()


async def test_a_copy_goes_on_after_a_restart(tmp_path: Any) -> None:
    begun = asyncio.Event()

    async def page(_: web.Request) -> web.Response:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        return web.Response(body=clip())

    async with site(video=page) as base:
        async with running(data_dir=tmp_path, allow_private_fetch=True) as api:
            uid = (await copied(api, f"{base}/video"))["uid"]
            await begun.wait()
        async with running(data_dir=tmp_path, allow_private_fetch=True) as api:
            assert (await api.until(uid, "ready"))["duration"] == 1
