"""Direct creator uploads: one address for one file of somebody without credentials."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest
from emulator_kit import SMALL, Answer, Api, FixedClock, clip, form, png, running

NOW = 1_800_000_000
UNKNOWN = "0" * 32


async def made(api: Api, **body: Any) -> dict[str, Any]:
    return dict((await api.call("POST", "/direct_upload", json={"maxDurationSeconds": 60, **body})).result)


async def send(api: Api, url: str, data: bytes) -> Answer:
    return await api.call("POST", url, token=None, data=form(data, "mine.mp4", "video/mp4"))


async def test_an_address_takes_one_file_without_credentials() -> None:
    async with running(clock=FixedClock(NOW)) as api:
        upload = await made(api)
        uid, url = upload["uid"], upload["uploadURL"]
        assert upload == {"uploadURL": url, "uid": uid, "watermark": None, "scheduledDeletion": None}
        assert not urlsplit(url).path.startswith("/client")
        pending = (await api.call("GET", f"/{uid}")).result
        assert pending["status"]["state"] == "pendingupload"
        assert (pending["maxDurationSeconds"], pending["uploaded"], pending["duration"]) == (60, None, -1)
        assert pending["uploadExpiry"] == "2027-01-15T08:30:00Z"

        sent = await send(api, url, clip())
        assert (sent.status, sent.body) == (200, b"")
        assert sent.headers["Access-Control-Allow-Origin"] == "*"
        video = await api.until(uid, "ready")
        assert (video["size"], video["duration"], video["uploaded"]) == (len(clip()), 1, "2027-01-15T08:00:00Z")
        assert video["meta"] == {}

        again = await send(api, url, clip())
        assert (again.status, again.codes) == (400, [10005])


async def test_an_upload_has_the_settings_it_was_made_with() -> None:
    async with running(clock=FixedClock(NOW)) as api:
        watermark = (await api.call("POST", "/watermarks", data=form(png(), "l.png", "image/png"))).result
        settings = {
            "meta": {"name": "Mine", "keyName": 1},
            "allowedOrigins": ["example.com"],
            "requireSignedURLs": True,
            "scheduledDeletion": "2027-03-15T08:00:00Z",
            "thumbnailTimestampPct": 0.5,
            "creator": "ann",
        }
        body = {**settings, "watermark": {"uid": watermark["uid"]}, "expiry": "2027-01-15T09:00:00Z"}
        upload = await made(api, **body, uploadExpiry="2030-01-01T00:00:00Z", unknown=1)
        assert upload["watermark"] == watermark
        assert (upload["scheduledDeletion"], upload["creator"]) == (settings["scheduledDeletion"], "ann")
        video = (await api.call("GET", f"/{upload['uid']}")).result
    assert {name: video[name] for name in settings} == settings
    assert (video["watermark"], video["uploadExpiry"]) == (watermark, "2027-01-15T09:00:00Z")


async def test_the_creator_of_the_header_counts_where_the_body_names_none() -> None:
    async with running() as api:
        for body, expected in (({}, "header"), ({"creator": "body"}, "body")):
            answer = await api.call(
                "POST",
                "/direct_upload",
                json={"maxDurationSeconds": 1, **body},
                headers={"Upload-Creator": "header"},
            )
            assert answer.result["creator"] == expected


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"maxDurationSeconds": None}, "maxDurationSeconds"),
        ({"maxDurationSeconds": 0}, "maxDurationSeconds"),
        ({"maxDurationSeconds": 36_001}, "maxDurationSeconds"),
        ({"maxDurationSeconds": "60"}, "maxDurationSeconds"),
        ({"expiry": "2027-01-15T07:59:59Z"}, "expiry"),
        ({"expiry": "soon"}, "expiry"),
        ({"creator": "x" * 65}, "creator"),
        ({"meta": "x"}, "meta"),
        ({"watermark": "x"}, "watermark"),
        ({"watermark": {}}, "watermark.uid"),
        ({"scheduledDeletion": "2027-01-16T08:00:00Z"}, "scheduledDeletion"),
    ],
)
async def test_refused(body: dict[str, Any], named: str) -> None:
    async with running(clock=FixedClock(NOW)) as api:
        answer = await api.call("POST", "/direct_upload", json={"maxDurationSeconds": 60, **body})
        assert (answer.status, answer.codes) == (400, [10005])
        assert answer.json["errors"][0]["message"].startswith(f"{named}: ")
        unmarked = await api.call(
            "POST", "/direct_upload", json={"maxDurationSeconds": 60, "watermark": {"uid": UNKNOWN}}
        )
        assert (unmarked.status, unmarked.codes) == (404, [10003])
        assert (await api.call("GET")).result == []


async def test_a_file_that_is_refused_leaves_the_address_open() -> None:
    async with running(limits=attrs.evolve(SMALL, basic_upload_max=len(clip()))) as api:
        upload = await made(api)
        for data, status, codes in ((b"no video" * 100, 400, [10059]), (clip() + b"\0", 413, [10005])):
            answer = await send(api, upload["uploadURL"], data)
            assert (answer.status, answer.codes) == (status, codes)
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        no_form = await api.call("POST", upload["uploadURL"], token=None, data=b"x")
        assert (no_form.status, no_form.codes) == (400, [10004])
        assert (await api.call("GET", f"/{upload['uid']}")).result["status"]["state"] == "pendingupload"
        assert (await send(api, upload["uploadURL"], clip())).status == 200


async def test_of_two_files_at_once_one_is_taken() -> None:
    async with running() as api:
        upload = await made(api)
        answers = await asyncio.gather(*(send(api, upload["uploadURL"], clip()) for _ in range(2)))
        assert sorted(answer.status for answer in answers) == [200, 400]
        await api.until(upload["uid"], "ready")


async def test_an_address_expires() -> None:
    clock = FixedClock(NOW)
    async with running(clock=clock) as api:
        upload = await made(api)
        clock.now += 30 * 60
        answer = await send(api, upload["uploadURL"], clip())
        assert (answer.status, answer.codes) == (404, [10003])


async def test_a_video_that_is_too_long_fails() -> None:
    async with running() as api:
        upload = await made(api, maxDurationSeconds=1)
        assert (await send(api, upload["uploadURL"], clip(1.5))).status == 200
        video = await api.until(upload["uid"], "error")
        assert video["status"]["errorReasonCode"] == "ERR_DURATION_EXCEED_CONSTRAINT"


async def test_the_seconds_are_reserved() -> None:
    async with running(limits=attrs.evolve(SMALL, storage_minutes=1)) as api:
        await made(api, maxDurationSeconds=40)
        full = await api.call("POST", "/direct_upload", json={"maxDurationSeconds": 30})
        assert (full.status, full.codes) == (413, [10011])


async def test_other_videos_have_no_such_address() -> None:
    async with running() as api:
        resumable = (await api.create(2000)).headers["stream-media-id"]
        for uid in (resumable, UNKNOWN, "x", "%ff"):
            answer = await send(api, api.emulator.url(f"/upload/{uid}"), clip())
            assert (answer.status, answer.codes) == (404, [10003])
        direct = (await made(api))["uid"]
        head = await api.call("HEAD", api.emulator.url(f"/tus/{direct}"), headers={"Tus-Resumable": "1.0.0"})
        assert head.status == 404


async def test_a_browser_may_ask_first() -> None:
    async with running() as api:
        answer = await api.call("OPTIONS", (await made(api))["uploadURL"], token=None)
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Methods"] == "OPTIONS, POST"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
