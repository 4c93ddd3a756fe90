"""A broadcast from its first frame to its recording, over RTMP and HTTP."""

import asyncio
import re
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any

import attrs
import pytest
from emulator_kit import SMALL, Api, connected, running
from live_kit import VIDEO, Tag, eventually, in_state, key_of, live_input, on_air, playlist, rtmp, status, tags, videos

from cfstream.emulator import Emulator
from cfstream.emulator.ingest.feed import Feed
from cfstream.emulator.media.errors import MALFORMED, MediaError
from cfstream.emulator.media.playback import decode_hls
from cfstream.emulator.storage.library import Library

DAY = 24 * 3600


async def test_a_broadcast_is_shown_and_then_recorded() -> None:
    async with running() as api:
        record = await live_input(
            api,
            meta={"name": "Gate"},
            defaultCreator="ann",
            deleteRecordingAfterDays=30,
        )
        uid = record["uid"]
        assert record["rtmps"]["url"] == api.emulator.live_url
        assert record["status"] is None
        assert (await lifecycle(api, uid)) == {"isInput": True, "videoUID": None, "live": False}
        async with on_air(api, key_of(record)) as publisher:
            text = await playlist(api, uid)
            assert "#EXT-X-ENDLIST" not in text
            video = await eventually(api, uid, "live-inprogress")
            assert await lifecycle(api, uid) == {"isInput": True, "videoUID": video["uid"], "live": True}
            assert await lifecycle(api, video["uid"]) == {"isInput": False, "videoUID": video["uid"], "live": True}
            assert (await status(api, uid))["current"]["state"] == "connected"
            await publisher.leave()
        ended = await playlist(api, video["uid"], "#EXT-X-ENDLIST")
        done = await eventually(api, uid, "ready")
        assert await lifecycle(api, uid) == {"isInput": True, "videoUID": None, "live": False}
        assert await lifecycle(api, video["uid"]) == {"isInput": False, "videoUID": video["uid"], "live": False}
    assert re.fullmatch(r"Gate \d\d [A-Z][a-z]{2} \d\d \d\d:\d\d UTC", video["meta"]["name"])
    assert (video["liveInput"], video["creator"]) == (uid, "ann")
    assert (video["status"]["state"], video["size"], video["duration"]) == ("live-inprogress", 0, -1)
    assert video["scheduledDeletion"] is None
    assert sum(float(seconds) for seconds in re.findall(r"#EXTINF:([0-9.]+)", ended)) == 3.0
    assert (done["uid"], done["duration"], done["input"]) == (video["uid"], 3.0, {"width": 160, "height": 90})
    assert done["scheduledDeletion"].endswith(":00Z")


async def lifecycle(api: Api, key: str) -> Any:
    answer = await api.media(f"/{key}/lifecycle")
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    return answer.json


async def test_other_sites_may_not_show_it() -> None:
    async with running() as api:
        record = await live_input(api, recording={"allowedOrigins": ["example.com"]})
        async with on_air(api, key_of(record)) as publisher:
            video = await eventually(api, record["uid"], "live-inprogress")
            for key in (record["uid"], video["uid"]):
                path = f"/{key}/manifest/video.m3u8"
                assert (await api.media(path, Origin="https://elsewhere.org")).status == 403
                assert (await api.media(path, Origin="https://example.com")).status in (200, 204)
            await publisher.leave()
    assert video["allowedOrigins"] == ["example.com"]


async def test_the_status_tells_what_was() -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            await publisher.leave()
        await eventually(api, record["uid"], "ready")
        told = await status(api, record["uid"])
    assert (told["current"]["state"], told["current"]["reason"]) == ("disconnected", "client_disconnect")
    assert told["current"]["ingestProtocol"] == "rtmp"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z", told["current"]["statusLastSeen"])
    (before,) = told["history"]
    assert (before["state"], before["reason"]) == ("connected", "connected")
    assert "statusLastSeen" not in before


async def test_a_killed_publisher_leaves_a_recording() -> None:
    async with running() as api:
        record = await live_input(api)
        async with api.emulator.publish(record["uid"], size=(160, 90)) as publisher:
            await playlist(api, record["uid"])
            await publisher.kill()
        done = await eventually(api, record["uid"], "ready")
        text = (await api.media(f"/{done['uid']}/manifest/live/{done['uid']}/stream.m3u8")).body.decode()
    assert done["duration"] >= 2
    assert text.endswith("#EXT-X-ENDLIST\n")


async def test_a_broadcast_plays_while_it_runs() -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record), tags(6.0)) as publisher:
            await playlist(api, record["uid"], "seg_00001")
            address = api.emulator.url(f"/{record['uid']}/manifest/video.m3u8")
            played = asyncio.create_task(asyncio.to_thread(decode_hls, address))
            await until_watched(api, record["uid"])
            await publisher.leave()
            proof = await played
    assert (proof.frames, proof.width, proof.height) == (180, 160, 90)
    assert proof.audio_frames > 270


async def until_watched(api: Api, uid: str) -> None:
    async with asyncio.timeout(20):
        while True:
            if (await views(api, uid))["liveViewers"]:
                return
            await asyncio.sleep(0.01)


async def views(api: Api, key: str) -> Any:
    return (await api.media(f"/{key}/views")).json


async def test_viewers_are_counted_for_half_a_minute() -> None:
    async with running() as api:
        record = await live_input(api)
        uid = record["uid"]
        assert await views(api, uid) == {"liveViewers": 0}
        async with on_air(api, key_of(record), tags(3.0)):
            await playlist(api, uid)
            video = (await videos(api, uid))[0]["uid"]
            piece = f"/{uid}/manifest/live/{video}/seg_00000.mp4"
            for agent in ("one", "two", "two"):
                assert (await api.media(piece, **{"User-Agent": agent})).status == 200
            assert await views(api, uid) == await views(api, video) == {"liveViewers": 2}
            api.emulator.clock.advance(31)
            assert await views(api, uid) == {"liveViewers": 0}
            await api.call("PUT", f"/live_inputs/{uid}", json={"recording": {"hideLiveViewerCount": True}})
            assert [(await api.media(f"/{key}/views")).status for key in (uid, video)] == [403, 403]
        assert (await api.media(f"/{'0' * 32}/views")).status == 404
        assert (await api.media(f"/{'0' * 32}/lifecycle")).status == 404


async def test_nothing_live_is_no_content() -> None:
    async with running() as api:
        uid = (await live_input(api))["uid"]
        answer = await api.media(f"/{uid}/manifest/video.m3u8")
        assert (answer.status, answer.body) == (204, b"")
        assert (await api.media(f"/{uid}/manifest/live/{uid}/stream.m3u8")).status == 404


async def test_without_recording_nothing_is_shown() -> None:
    async with running() as api:
        record = await live_input(api, recording={"mode": "off"})
        async with on_air(api, key_of(record), tags(3.0)) as publisher:
            assert (await status(api, record["uid"]))["current"]["state"] == "connected"
            assert (await api.media(f"/{record['uid']}/manifest/video.m3u8")).status == 204
            await publisher.leave()
        assert await videos(api, record["uid"]) == []


async def test_a_publisher_that_comes_back_in_time_goes_on_with_the_same_video() -> None:
    async with running() as api:
        record = await live_input(api, recording={"timeoutSeconds": 30})
        uid = record["uid"]
        async with on_air(api, key_of(record)) as publisher:
            await playlist(api, uid)
            publisher.pull()
        await in_state(api, uid, "reconnecting")
        (video,) = await videos(api, uid)
        assert video["status"]["state"] == "live-inprogress"
        assert (await lifecycle(api, uid))["live"] is True
        async with on_air(api, key_of(record)) as publisher:
            told = await status(api, uid)
            assert (told["current"]["state"], told["current"]["reason"]) == ("connected", "reconnected")
            await publisher.leave()
        api.emulator.clock.advance(29)
        assert (await videos(api, uid))[0]["status"]["state"] == "live-inprogress"
        api.emulator.clock.advance(2)
        done = await eventually(api, uid, "ready")
        assert len(await videos(api, uid)) == 1
        assert (await status(api, uid))["current"]["state"] == "disconnected"
    assert done["uid"] == video["uid"]
    assert 5 <= done["duration"] <= 6.2


async def test_without_patience_a_return_makes_a_new_video() -> None:
    async with running() as api:
        record = await live_input(api)
        for number in range(2):
            async with on_air(api, key_of(record)) as publisher:
                await playlist(api, record["uid"])
                await publisher.leave()
            await eventually(api, record["uid"], "ready", number)
        newest, oldest = await videos(api, record["uid"])
    assert newest["created"] > oldest["created"]


async def test_the_newest_publisher_takes_over() -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as first, on_air(api, key_of(record)):
            await first.gone()
            await eventually(api, record["uid"], "live-inprogress", 1)
        assert len(await videos(api, record["uid"])) == 2


async def test_another_picture_makes_another_video() -> None:
    async with running() as api:
        record = await live_input(api)
        other = [attrs.evolve(tag, time=tag.time + 3000) for tag in tags(2.0, size=(320, 180))]
        async with on_air(api, key_of(record), [*tags(), *other]) as publisher:
            await publisher.leave()
        last = await eventually(api, record["uid"], "ready", 1)
        assert last["input"] == {"width": 320, "height": 180}
        first = await api.until((await videos(api, record["uid"]))[1]["uid"], "ready")
    assert (first["input"], first["duration"]) == ({"width": 160, "height": 90}, 3.0)


async def test_many_inputs_at_once() -> None:
    async with running() as api:
        records = [await live_input(api) for _ in range(3)]

        async def broadcast(record: dict[str, Any]) -> str:
            async with on_air(api, key_of(record), tags(3.0)) as publisher:
                await playlist(api, record["uid"])
                await publisher.leave()
            return str((await eventually(api, record["uid"], "ready"))["uid"])

        made = await asyncio.gather(*map(broadcast, records))
    assert len(set(made)) == 3


async def test_a_recording_survives_a_restart(tmp_path: Path) -> None:
    async with running(data_dir=tmp_path) as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)):
            await playlist(api, record["uid"])
            video = await eventually(api, record["uid"], "live-inprogress")
            await api.emulator.close()
    async with running(data_dir=tmp_path) as api:
        assert (await status(api, record["uid"]))["current"]["state"] == "disconnected"
        done = await api.until(video["uid"], "ready")
    assert done["duration"] >= 2


async def test_after_a_crash_nobody_is_connected(tmp_path: Path) -> None:
    async with running(data_dir=tmp_path) as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)):
            video = await eventually(api, record["uid"], "live-inprogress")
            told = await status(api, record["uid"])
            document = api.emulator._running.library.store.get("live_input", record["uid"])
            await playlist(api, record["uid"])
        await eventually(api, record["uid"], "ready")
        # As a process leaves it that is killed: connected, live, and with what came in on the disk.
        library = api.emulator._running.library
        assert document is not None
        library.store.put("live_input", record["uid"], document)
        library.change(video["uid"], state="live-inprogress", ready_at=None)
        (library.live(video["uid"]) / "recording.flv").write_bytes(b"FLV\x01 cut off")
    async with running(data_dir=tmp_path) as api:
        after = await status(api, record["uid"])
        assert (after["current"]["state"], after["history"][0]["state"]) == ("disconnected", "connected")
        assert told["current"]["state"] == "connected"
        ended = (await api.until(video["uid"], "error"))["status"]
    assert ended["errorReasonCode"] == "ERR_MALFORMED_VIDEO"


async def test_what_left_nothing_behind_ends_in_an_error_after_a_restart(tmp_path: Path) -> None:
    async with running(data_dir=tmp_path) as api:
        record = await live_input(api)
        library = api.emulator._running.library
        uid = library.make(library.now(), state="live-inprogress", live_input=record["uid"]).uid
    async with running(data_dir=tmp_path) as api:
        assert (await api.until(uid, "error"))["status"]["errorReasonCode"] == "ERR_UNKNOWN"


async def test_private_broadcasts_need_a_token() -> None:
    async with running() as api:
        record = await live_input(api, recording={"requireSignedURLs": True})
        uid = record["uid"]
        assert (await api.media(f"/{uid}/manifest/video.m3u8")).status == 401
        async with on_air(api, key_of(record)) as publisher:
            video = await eventually(api, uid, "live-inprogress")
            assert video["requireSignedURLs"] is True
            for subject in (uid, video["uid"]):
                assert (await api.media(f"/{subject}/manifest/video.m3u8")).status == 401
                assert (await api.media(f"/{subject}/manifest/live/{video['uid']}/seg_00000.mp4")).status == 401
                token = await signed(api, subject)
                text = await playlist(api, token)
                piece = re.findall(r"seg_\d+\.mp4", text)[0]
                assert (await api.media(f"/{token}/manifest/live/{video['uid']}/{piece}")).status == 200
                assert (await lifecycle(api, token))["live"] is True
            await publisher.leave()


async def signed(api: Api, subject: str) -> str:
    import base64
    import time

    import jwt

    key = (await api.call("POST", "/keys")).result
    claims = {"sub": subject, "kid": key["id"], "exp": int(time.time()) + 600}
    return jwt.encode(claims, base64.b64decode(key["pem"]), "RS256", headers={"kid": key["id"]})


async def test_pieces_of_other_inputs_stay_where_they_are() -> None:
    async with running() as api:
        record, other = await live_input(api), await live_input(api)
        async with on_air(api, key_of(record)):
            await playlist(api, record["uid"])
            video = (await videos(api, record["uid"]))[0]["uid"]
            for path in (
                f"/{other['uid']}/manifest/live/{video}/seg_00000.mp4",
                f"/{record['uid']}/manifest/live/{video}/recording.flv",
                f"/{record['uid']}/manifest/live/{video}/../recording.flv",
                f"/{record['uid']}/manifest/video.mpd",
                f"/{record['uid']}/manifest/live/{video}/seg_99999.mp4",
            ):
                assert (await api.media(path)).status == 404, path


async def test_a_deleted_video_is_live_no_longer() -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            await playlist(api, record["uid"])
            video = (await videos(api, record["uid"]))[0]["uid"]
            assert (await api.call("DELETE", f"/{video}")).status == 200
            await publisher.gone()
        assert await videos(api, record["uid"]) == []
        assert not api.emulator._running.library.folder(video).exists()


async def test_a_reset_ends_all_broadcasts() -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            await playlist(api, record["uid"])
            await api.emulator.reset()
            await publisher.gone()
        assert (await api.call("GET", "")).result == []
        assert not any((api.emulator._running.library.root / "videos").iterdir())
        again = await live_input(api)
        async with on_air(api, key_of(again)):
            await playlist(api, again["uid"])


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 8])
async def test_a_cancelled_reset_goes_on_to_its_end(steps: int) -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            await playlist(api, record["uid"])
            reset = asyncio.create_task(api.emulator.reset())
            for _ in range(steps):
                await asyncio.sleep(0)
            reset.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reset
            await publisher.gone()
        assert (await api.call("GET", "")).result == []
        again = await live_input(api)
        async with on_air(api, key_of(again)):
            await playlist(api, again["uid"])


async def test_a_reset_that_waits_for_another_can_be_cancelled() -> None:
    async with running() as api:
        async with api.emulator._running.sweeping:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(api.emulator.reset(), 0.01)
        await api.emulator.reset()


async def test_changing_headers_have_one_worker_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once: list[int] = []
    workers: list[Process] = []
    begin = Feed.start

    async def watched(feed: Feed) -> None:
        await begin(feed)
        assert feed._process is not None
        workers.append(feed._process)
        at_once.append(sum(process.returncode is None for process in workers))

    monkeypatch.setattr(Feed, "start", watched)
    async with running() as api:
        record = await live_input(api)
        header, first = next(tag for tag in tags() if tag.kind == VIDEO), key_frame()
        flips = [
            each
            for number in range(6)
            for each in (attrs.evolve(header, body=header.body[:-1] + bytes([number])), first)
        ]
        async with on_air(api, key_of(record), flips) as publisher:
            await publisher.leave()
        assert len(await videos(api, record["uid"])) == 6
    assert at_once == [1] * 6


def key_frame() -> Tag:
    return next(tag for tag in tags() if tag.kind == VIDEO and tag.body[:2] == b"\x17\x01")


async def test_changed_headers_need_room_for_another_video() -> None:
    async with running() as api:
        record = await live_input(api)
        header = next(tag for tag in tags() if tag.kind == VIDEO)
        async with on_air(api, key_of(record)) as publisher:
            await playlist(api, record["uid"])
            api.emulator._running.disk.quota = 0
            await publisher.send([attrs.evolve(header, body=header.body[:-1] + b"x"), key_frame()])
            told = (await publisher.answer("onStatus"))[3]
            assert told["description"].startswith("Storage capacity exceeded")
        assert len(await videos(api, record["uid"])) == 1
        current = (await in_state(api, record["uid"], "errored"))["current"]
    assert current["reason"] == "ERR_STORAGE_QUOTA_EXHAUSTED"


async def test_what_came_in_is_kept_until_the_recording_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[bool] = []
    change = Library.change

    def watched(library: Library, uid: str, **changes: Any) -> Any:
        if changes.get("state") == "queued":
            there.append((library.live(uid) / "recording.flv").is_file())
        return change(library, uid, **changes)

    monkeypatch.setattr(Library, "change", watched)
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            await publisher.leave()
        done = await eventually(api, record["uid"], "ready")
        assert not (api.emulator._running.library.live(done["uid"]) / "recording.flv").exists()
    assert there == [True]


async def test_of_a_broadcast_that_failed_nothing_is_served() -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            await playlist(api, record["uid"])
            await publisher.leave()
        uid = (await eventually(api, record["uid"], "ready"))["uid"]
        names = ("stream.m3u8", "init.mp4", "seg_00000.mp4")
        paths = [f"/{shown}/manifest/live/{uid}/{name}" for shown in (uid, record["uid"]) for name in names]
        assert [(await api.media(path)).status for path in paths] == [200] * 6
        api.emulator._running.jobs.fail(uid, MediaError(MALFORMED))
        assert [(await api.media(path)).status for path in paths] == [424] * 6


async def test_a_leap_in_time_costs_only_what_comes_after_it() -> None:
    async with running() as api:
        record = await live_input(api)
        later = [attrs.evolve(tag, time=tag.time + 3_600_000) for tag in tags() if tag.time >= 2500]
        sent = [tag for tag in tags() if tag.time < 2500]
        async with on_air(api, key_of(record), [*sent, *later]) as publisher:
            await publisher.leave()
        done = await eventually(api, record["uid"], "ready")
    assert 2 <= done["duration"] <= 2.6


async def test_the_window_moves_on_and_old_pieces_go_away() -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record), tags(60.0, audio=False)) as publisher:
            text = await playlist(api, record["uid"], "seg_00028")
            folder = api.emulator._running.library.live((await videos(api, record["uid"]))[0]["uid"])
            names = re.findall(r"seg_\d+\.mp4", text)
            assert len(names) == 12
            assert f"#EXT-X-MEDIA-SEQUENCE:{int(names[0][4:9])}\n" in text
            assert all((folder / name).is_file() for name in names)
            assert 12 < len(list(folder.glob("seg_*"))) <= 25
            await publisher.leave()


async def test_players_may_end_what_they_began_before_the_pieces_go_away(tmp_path: Path) -> None:
    async with running(data_dir=tmp_path) as api:
        record = await live_input(api)
        pieces = []
        for number in range(3):
            api.emulator.clock.advance(61)
            async with on_air(api, key_of(record)) as publisher:
                await playlist(api, record["uid"])
                await publisher.leave()
            video = (await eventually(api, record["uid"], "ready", number))["uid"]
            pieces.append(f"/{video}/manifest/live/{video}/seg_00000.mp4")
        assert [(await api.media(piece)).status for piece in pieces] == [404, 200, 200]
    async with running(data_dir=tmp_path) as api:
        assert [(await api.media(piece)).status for piece in pieces] == [404, 404, 404]


async def test_the_port_is_that_which_was_asked_for() -> None:
    async with running() as api:
        port = int(api.emulator.live_url.split(":")[2].split("/")[0])
    async with running(live_port=port) as api:
        assert api.emulator.live_url == f"rtmp://127.0.0.1:{port}/live/"
        async with rtmp(api) as peer:
            await peer.connect()
            assert (await peer.answer("_result"))[3]["code"] == "NetConnection.Connect.Success"


async def test_frames_before_the_first_key_frame_are_passed_over() -> None:
    async with running() as api:
        record = await live_input(api)
        headers = [tag for tag in tags() if tag.body[1] == 0]
        late = [*headers, *(tag for tag in tags() if tag.time > 500)]
        async with on_air(api, key_of(record), late) as publisher:
            await publisher.leave()
        done = await eventually(api, record["uid"], "ready")
    assert 1.9 <= done["duration"] <= 2.1


def test_a_blocking_broadcast() -> None:
    with Emulator(limits=SMALL) as emulator, emulator.stream() as stream:
        made = stream.live_inputs.create(recording={"mode": "automatic"})
        with emulator.publish(made.uid, seconds=2, speed=None, size=(160, 90)) as publisher:
            publisher.wait()
        (video,) = stream.live_inputs.videos(made.uid)
        video = stream.wait_until_ready(video.uid)
        assert video.live_input == made.uid


async def test_a_broadcast_with_the_client() -> None:
    async with Emulator(limits=SMALL) as emulator, emulator.stream() as stream, connected(emulator) as api:
        made = await stream.live_inputs.create(recording={"mode": "automatic"})
        assert made.rtmps is not None
        async with emulator.publish(made.uid, size=(160, 90)):
            await playlist(api, made.uid)
            live = await stream.live_inputs.get(made.uid)
            assert live.status is not None
            assert live.status.current.state == "connected"
