"""Downloads: asked for by type, made from what is encoded, served as files."""

import asyncio
import io
from typing import Any

import av
import pytest
from emulator_kit import Api, FixedClock, clip, metadata, running

UNKNOWN = "0" * 32


async def ready_video(api: Api, data: bytes = b"", **pairs: str | None) -> str:
    uid = await api.upload(data or clip(), **{"Upload-Metadata": metadata(**pairs)})
    await api.until(uid, "ready")
    return uid


async def settled(api: Api, uid: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            shown: dict[str, Any] = (await api.call("GET", f"/{uid}/downloads")).result
            if all(each["status"] != "inprogress" for each in shown.values()):
                return shown
            await asyncio.sleep(0.01)


def streams(body: bytes) -> dict[str, float]:
    with av.open(io.BytesIO(body)) as container:
        return {
            each.type: float(each.duration * each.time_base)
            for each in container.streams
            if each.duration is not None and each.time_base is not None
        }


async def test_a_download_is_made_and_served() -> None:
    async with running() as api:
        uid = await ready_video(api)
        assert (await api.call("GET", f"/{uid}/downloads")).result == {}
        assert (await api.media(f"/{uid}/downloads/default.mp4")).status == 404
        url = api.emulator.url(f"/{uid}/downloads/default.mp4")
        begun = (await api.call("POST", f"/{uid}/downloads")).result
        assert begun == {"default": {"status": "inprogress", "url": url, "percentComplete": 0}}
        done = {"default": {"status": "ready", "url": url, "percentComplete": 100}}
        assert await settled(api, uid) == done
        assert (await api.call("POST", f"/{uid}/downloads/default")).result == done

        plain = await api.media(f"/{uid}/downloads/default.mp4")
        assert (plain.status, plain.headers["Content-Type"]) == (200, "video/mp4")
        assert plain.headers["Content-Disposition"] == 'attachment; filename="default.mp4"'
        assert streams(plain.body) == {"video": pytest.approx(1, abs=0.05), "audio": pytest.approx(1, abs=0.05)}
        named = await api.media(f"/{uid}/downloads/default.mp4?filename=My_talk-1")
        assert named.headers["Content-Disposition"] == 'attachment; filename="My_talk-1.mp4"'
        part = await api.media(f"/{uid}/downloads/default.mp4", Range="bytes=0-9")
        assert (part.status, part.body) == (206, plain.body[:10])
        for odd in ("", "a" * 121, "a.b", "a%22b", "%ff"):
            assert (await api.media(f"/{uid}/downloads/default.mp4?filename={odd}")).status == 400

        assert (await api.call("DELETE", f"/{uid}/downloads")).result == "ok"
        assert (await api.call("GET", f"/{uid}/downloads")).result == {}
        assert (await api.media(f"/{uid}/downloads/default.mp4")).status == 404
        gone = await api.call("DELETE", f"/{uid}/downloads/default")
        assert (gone.status, gone.codes) == (404, [10003])


async def test_the_sound_alone() -> None:
    async with running() as api:
        uid = await ready_video(api)
        begun = (await api.call("POST", f"/{uid}/downloads/audio")).result
        assert list(begun) == ["audio"]
        await api.call("POST", f"/{uid}/downloads")
        shown = await settled(api, uid)
        assert {kind: each["status"] for kind, each in shown.items()} == {"default": "ready", "audio": "ready"}
        assert shown["audio"]["url"] == api.emulator.url(f"/{uid}/downloads/audio.m4a")
        file = await api.media(f"/{uid}/downloads/audio.m4a?filename=sound")
        assert file.headers["Content-Disposition"] == 'attachment; filename="sound.m4a"'
        assert streams(file.body) == {"audio": pytest.approx(1, abs=0.05)}
        assert (await api.call("DELETE", f"/{uid}/downloads/audio")).result == "ok"
        assert list((await api.call("GET", f"/{uid}/downloads")).result) == ["default"]


def silent() -> bytes:
    buffer = io.BytesIO()
    with av.open(io.BytesIO(clip()), "r") as source, av.open(buffer, "w", format="mp4") as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    return buffer.getvalue()


async def test_of_a_silent_video_there_is_no_sound() -> None:
    async with running() as api:
        uid = await ready_video(api, silent())
        await api.call("POST", f"/{uid}/downloads/audio")
        shown = await settled(api, uid)
        assert (shown["audio"]["status"], shown["audio"]["percentComplete"]) == ("error", 0)
        assert (await api.media(f"/{uid}/downloads/audio.m4a")).status == 404
        assert (await api.call("GET", f"/{uid}")).result["status"]["state"] == "ready"


async def test_only_a_ready_video_can_be_downloaded() -> None:
    async with running() as api:
        uid = (await api.create(2000)).headers["stream-media-id"]
        for tail in ("", "/default", "/audio"):
            early = await api.call("POST", f"/{uid}/downloads{tail}")
            assert (early.status, early.codes) == (400, [10005])
        assert (await api.call("GET", f"/{uid}/downloads")).result == {}
        broken = await api.upload(b"x" * 2000)
        await api.until(broken, "error")
        assert (await api.call("POST", f"/{broken}/downloads")).status == 400
        assert (await api.media(f"/{broken}/downloads/default.mp4")).status == 424
        for verb in ("POST", "DELETE"):
            odd = await api.call(verb, f"/{uid}/downloads/gif")
            assert (odd.status, odd.codes) == (400, [10005])
        assert (await api.call("GET", f"/{UNKNOWN}/downloads")).codes == [10003]


async def test_a_protected_video_needs_a_token_that_says_downloadable() -> None:
    async with running(clock=FixedClock(1_800_000_000)) as api:
        uid = await ready_video(api, requiresignedurls=None)
        await api.call("POST", f"/{uid}/downloads")
        await settled(api, uid)
        plain = (await api.call("POST", f"/{uid}/token")).result["token"]
        good = (await api.call("POST", f"/{uid}/token", json={"downloadable": True})).result["token"]

        async def status(key: str) -> int:
            return (await api.media(f"/{key}/downloads/default.mp4")).status

        assert [await status(uid), await status(plain), await status(good)] == [401, 403, 200]


async def test_a_download_that_was_being_made_is_made_after_a_restart(tmp_path: Any) -> None:
    async with running(data_dir=tmp_path) as api:
        uid = await ready_video(api)
        api.emulator._running.library.store.put("download", "default", {"type": "default"}, parent=uid)
    async with running(data_dir=tmp_path) as api:
        assert (await settled(api, uid))["default"]["status"] == "ready"
