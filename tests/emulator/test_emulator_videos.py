"""Videos over their life: listed, changed, encoded, failed, deleted."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from emulator_kit import Api, FixedClock, clip, metadata, running

AT = 1_800_000_000.0
"""2027-01-15T08:00:00Z."""


async def make(api: Api, name: str, **headers: str) -> str:
    answer = await api.create(2000, **{"Upload-Metadata": metadata(name=name), **headers})
    return answer.headers["stream-media-id"]


async def test_a_video_that_is_deleted_while_its_change_comes_is_not_found() -> None:
    async with running() as api:
        uid = await make(api, "gone")

        async def body() -> AsyncIterator[bytes]:
            yield b'{"meta":'
            await api.call("DELETE", f"/{uid}")
            yield b"{}}"

        assert (await api.call("POST", f"/{uid}", data=body())).status == 404


async def five(api: Api, clock: FixedClock) -> list[str]:
    """Five videos, the last three of one instant."""
    uids = []
    for number in range(5):
        uids.append(await make(api, f"Video {number}", **{"Upload-Creator": "alice" if number % 2 else "bob"}))
        clock.now += 10 if number < 2 else 0
    return uids


async def uids(api: Api, query: str = "") -> list[str]:
    return [video["uid"] for video in (await api.call("GET", query)).result]


async def test_list_is_newest_first() -> None:
    clock = FixedClock(AT)
    async with running(clock=clock) as api:
        assert await uids(api) == []
        made = await five(api, clock)
        assert await uids(api) == made[::-1]
        assert await uids(api, "?asc=true") == made
        assert await uids(api, "?limit=2") == made[:2:-1]


async def test_list_filters() -> None:
    clock = FixedClock(AT)
    async with running(clock=clock) as api:
        made = await five(api, clock)
        expected = {
            "?creator=alice": [made[3], made[1]],
            "?status=pendingupload": made[::-1],
            "?status=ready": [],
            "?search=deo%203": [made[3]],
            "?search=VIDEO&limit=1": [made[4]],
            "?search=%25": [],
            "?video_name=Video%202": [made[2]],
            "?video_name=Video": [],
            f"?name=Video%202,{made[0]}": [made[2], made[0]],
            f"?id={made[1]}": [made[1]],
            f"?id={made[1]},%20{made[4]}": [made[4], made[1]],
            "?type=vod&limit=1": [made[4]],
            "?type=live": [],
            f"?live_input_id={'0' * 32}": [],
            "?after=2027-01-15T08:00:10Z": made[:0:-1],
            "?start=2027-01-15T08:00:10.000000001Z": made[:1:-1],
            "?before=2027-01-15T08:00:10Z": [made[0]],
            "?end=2027-01-15T08:00:10.000001Z": [made[1], made[0]],
            "?start=2027-01-15T09:00:10%2B01:00&end=2027-01-15T03:00:20-05:00": [made[1]],
            "?unknown=1&limit=1": [made[4]],
        }
        for query, found in expected.items():
            assert await uids(api, query) == found, query


async def test_list_counts() -> None:
    clock = FixedClock(AT)
    async with running(clock=clock) as api:
        await five(api, clock)
        answer = await api.call("GET", "?include_counts=true&before=2027-01-15T08:00:20Z&limit=1")
        assert len(answer.result) == 1
        assert (answer.json["total"], answer.json["range"]) == (5, 2)
        assert "total" not in (await api.call("GET", "?include_counts=false")).json


@pytest.mark.parametrize(
    "query",
    [
        "?limit=0",
        "?limit=1001",
        "?limit=ten",
        "?limit=",
        "?status=done",
        "?type=film",
        "?asc=perhaps",
        "?after=yesterday",
        "?after=2027-01-15",
        "?after=2027-13-15T08:00:00Z",
        "?after=2027-01-15T08:00:00Z&start=2027-01-15T08:00:00Z",
    ],
)
async def test_list_refuses(query: str) -> None:
    async with running() as api:
        answer = await api.call("GET", query)
        assert (answer.status, answer.codes) == (400, [10005])


async def test_edit_changes_what_is_named() -> None:
    clock = FixedClock(AT)
    async with running(clock=clock) as api:
        uid = await make(api, "before")
        clock.now += 1
        body = {
            "allowedOrigins": ["example.com"],
            "creator": "carol",
            "maxDurationSeconds": 100,
            "meta": {"key": ["any", {"json": None}]},
            "publicDetails": {"title": "T", "logo": None},
            "requireSignedURLs": True,
            "scheduledDeletion": "2027-03-15T09:00:00Z",
            "thumbnailTimestampPct": 0.5,
            "uploadExpiry": "2027-01-15T10:00:00Z",
            "uid": "ignored",
            "requiredSignedURLs": False,
        }
        changed = (await api.call("POST", f"/{uid}", json=body)).result
        assert changed == (await api.call("GET", f"/{uid}")).result
        assert changed["uid"] == uid
        assert changed["publicDetails"] == {"title": "T", "share_link": "", "channel_link": "", "logo": None}
        assert changed["modified"] == "2027-01-15T08:00:01Z"
        for name in set(body) - {"uid", "publicDetails", "requiredSignedURLs"}:
            assert changed[name] == body[name], name
        clock.now += 1
        cleared = (await api.call("POST", f"/{uid}", json={"scheduledDeletion": None, "creator": None})).result
        assert cleared == {
            **changed,
            "scheduledDeletion": None,
            "creator": None,
            "modified": "2027-01-15T08:00:02Z",
        }


@pytest.mark.parametrize(
    "body",
    [
        {"allowedOrigins": "example.com"},
        {"allowedOrigins": None},
        {"creator": "x" * 65},
        {"creator": 1},
        {"maxDurationSeconds": 0},
        {"maxDurationSeconds": 1.5},
        {"maxDurationSeconds": True},
        {"meta": []},
        {"meta": None},
        {"publicDetails": {"title": 1}},
        {"publicDetails": "x"},
        {"requireSignedURLs": "true"},
        {"scheduledDeletion": "2027-01-16T08:00:00Z"},
        {"scheduledDeletion": "soon"},
        {"scheduledDeletion": 5},
        {"thumbnailTimestampPct": 1.1},
        {"thumbnailTimestampPct": "0.5"},
        {"uploadExpiry": 0},
    ],
)
async def test_edit_refuses(body: dict[str, Any]) -> None:
    async with running(clock=FixedClock(AT)) as api:
        uid = await make(api, "x")
        before = (await api.call("GET", f"/{uid}")).result
        answer = await api.call("POST", f"/{uid}", json={"meta": {"a": 1}} | body)
        assert (answer.status, answer.codes) == (400, [10005])
        assert next(iter(body)) in answer.json["errors"][0]["message"]
        assert (await api.call("GET", f"/{uid}")).result == before


async def test_any_text_comes_back() -> None:
    name = "\u0000 </script> \u2028 \U0001f3ac é ' \" \\ \ud83d"
    async with running() as api:
        uid = await make(api, "x")
        edited = (await api.call("POST", f"/{uid}", json={"meta": {"name": name}})).result
        assert edited["meta"]["name"] == name.replace("\ud83d", "\ufffd")
        assert await uids(api, f"?video_name={quote('x')}") == []


async def test_delete() -> None:
    async with running() as api:
        uid = await make(api, "x")
        answer = await api.call("DELETE", f"/{uid}")
        assert (answer.status, answer.body) == (200, b"")
        assert (await api.call("GET", f"/{uid}")).status == 404
        again = await api.call("DELETE", f"/{uid}")
        assert (again.status, again.codes) == (404, [10003])
        assert await uids(api) == []


async def test_a_video_becomes_ready() -> None:
    async with running() as api:
        seen: list[dict[str, Any]] = []
        uid = await api.upload(clip(), **{"Upload-Metadata": metadata(name="clip")})
        video = await api.until(uid, "ready", seen.append)
        usage = (await api.call("GET", "/storage-usage")).result
    states = list(dict.fromkeys(each["status"]["state"] for each in seen))
    # A busy machine may skip a state between two looks, but none comes twice or out of order.
    assert states == [state for state in ("queued", "inprogress", "ready") if state in states]
    for each in seen:
        status = each["status"]
        assert status["errorReasonCode"] == status["errorReasonText"] == ""
        match status["state"]:
            case "queued":
                assert set(status) == {"state", "errorReasonCode", "errorReasonText"}
                assert (each["duration"], each["readyToStream"], each["readyToStreamAt"]) == (-1, False, None)
            case "inprogress":
                assert set(status) == {"state", "step", "pctComplete", "errorReasonCode", "errorReasonText"}
                assert isinstance(status["pctComplete"], str)
                assert 0 <= float(status["pctComplete"]) <= 100
                assert each["duration"] == 1
                assert each["readyToStream"] is False
    assert video["status"] == {
        "state": "ready",
        "pctComplete": "100.000000",
        "errorReasonCode": "",
        "errorReasonText": "",
    }
    assert video["readyToStream"] is True
    assert video["readyToStreamAt"] is not None
    assert video["duration"] == 1
    assert video["input"] == {"width": 320, "height": 180}
    assert video["size"] == len(clip())
    assert usage == {
        "creator": "",
        "videoCount": 1,
        "totalStorageMinutes": 0.02,
        "totalStorageMinutesLimit": 1000,
    }


async def test_how_far_an_encoding_is_can_be_seen() -> None:
    async with running() as api:
        uid, seen, state = await api.upload(clip(20.0, 640, 360)), [0.0], ""
        while state not in ("ready", "error"):
            status = (await api.call("GET", f"/{uid}")).result["status"]
            state = status["state"]
            seen.append(float(status.get("pctComplete", 0)))
    assert seen == sorted(seen)
    assert len({percent for percent in seen if 0 < percent < 100}) > 2


async def test_storage_by_creator() -> None:
    async with running() as api:
        await make(api, "x", **{"Upload-Creator": "alice"})
        usage = (await api.call("GET", "/storage-usage?creator=alice")).result
    assert (usage["creator"], usage["videoCount"], usage["totalStorageMinutes"]) == ("alice", 0, 0)


async def test_pause_keeps_videos_queued() -> None:
    async with running() as api:
        api.emulator.pause_encoding()
        uid = await api.upload(clip())
        await asyncio.sleep(0.1)
        assert (await api.call("GET", f"/{uid}")).result["status"]["state"] == "queued"
        api.emulator.resume_encoding()
        await api.until(uid, "ready")


async def test_what_is_no_video_ends_in_error() -> None:
    async with running() as api:
        uid = await api.upload(b"This is no video. " * 200)
        video = await api.until(uid, "error")
        assert video["status"] == {
            "state": "error",
            "step": "encoding",
            "errorReasonCode": "ERR_NON_VIDEO",
            "errorReasonText": "The file was not recognized as a valid video file.",
        }
        assert (video["readyToStream"], video["duration"]) == (False, -1)
        for path in ("manifest/video.m3u8", "thumbnails/thumbnail.jpg", "player/video.mp4", "captions/en.vtt"):
            assert (await api.media(f"/{uid}/{path}")).status == 424
        page = await api.media(f"/{uid}/watch")
        assert page.status == 200
        assert b"ERR_NON_VIDEO" in page.body


async def test_a_damaged_video() -> None:
    async with running() as api:
        video = await api.until(await api.upload(clip()[:5000]), "error")
    assert video["status"]["errorReasonCode"] == "ERR_MALFORMED_VIDEO"


async def test_a_video_longer_than_allowed() -> None:
    async with running() as api:
        uid = await api.upload(clip(2.0), **{"Upload-Metadata": metadata(maxDurationSeconds="1")})
        video = await api.until(uid, "error")
        assert video["status"]["errorReasonCode"] == "ERR_DURATION_EXCEED_CONSTRAINT"
        assert video["duration"] == 2
        assert (await api.media(f"/{uid}/manifest/video.m3u8")).status == 424


async def test_deleting_ends_the_encoding() -> None:
    async with running() as api:
        uid = await api.upload(clip(20.0, 640, 360))
        await api.until(uid, "inprogress")
        folder = api.emulator._running.library.folder(uid)
        async with asyncio.timeout(5):
            assert (await api.call("DELETE", f"/{uid}")).status == 200
        assert not folder.exists()
        # The next one finds the encoder free.
        await api.until(await api.upload(clip()), "ready")
        assert not folder.exists()


async def test_a_fault_of_the_encoder(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise OSError("no room left")

    monkeypatch.setattr("cfstream.emulator.encoding.jobs.run_job", broken)
    async with running() as api:
        video = await api.until(await api.upload(clip()), "error")
    assert video["status"]["errorReasonCode"] == "ERR_UNKNOWN"
    assert "no room left" in caplog.text


async def test_a_thumbnail_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as api:
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        for file in api.emulator._running.library.hls(uid).rglob("*.mp4"):
            file.write_bytes(b"gone")
        assert (await api.media(f"/{uid}/thumbnails/thumbnail.jpg")).status == 424


async def test_deleting_ends_what_is_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def endless(*_: object, **__: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("cfstream.emulator.encoding.made.run_job", endless)
    async with running() as api:
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        asking = asyncio.create_task(api.media(f"/{uid}/thumbnails/thumbnail.jpg"))
        await begun.wait()
        async with asyncio.timeout(5):
            assert (await api.call("DELETE", f"/{uid}")).status == 200
            assert (await asking).status == 424


async def test_a_recording_names_its_input() -> None:
    async with running() as api:
        uid = await make(api, "x")
        api.emulator._running.library.change(uid, live_input="f" * 32)
        assert (await api.call("GET", f"/{uid}")).result["liveInput"] == "f" * 32
        assert await uids(api, "?type=live") == [uid]
        assert await uids(api, f"?live_input_id={'f' * 32}") == [uid]
