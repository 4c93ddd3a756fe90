"""Additional audio tracks: added from a file or an address, named, chosen, deleted."""

import asyncio
import io
import wave
from typing import Any

import aiohttp
import attrs
import pytest
from emulator_kit import SMALL, Answer, Api, clip, file, form, running, site

UNKNOWN = "0" * 32


def sound(seconds: float = 0.1) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(8000)
        written.writeframes(b"\x00\x10" * round(8000 * seconds))
    return buffer.getvalue()


async def made(api: Api) -> str:
    return (await api.create(2000)).headers["stream-media-id"]


async def ready_video(api: Api) -> str:
    uid = await api.upload(clip())
    await api.until(uid, "ready")
    return uid


async def add(api: Api, uid: str, label: str, data: bytes = b"") -> dict[str, Any]:
    answer = await api.call("POST", f"/{uid}/audio", data=form(data or sound(), "a.wav", "audio/wav", label=label))
    return dict(answer.result)


async def tracks(api: Api, uid: str) -> list[dict[str, Any]]:
    return list((await api.call("GET", f"/{uid}/audio")).result["audio"])


async def settled(api: Api, uid: str) -> list[dict[str, Any]]:
    async with asyncio.timeout(20):
        while True:
            listed = await tracks(api, uid)
            if all(track["status"] != "queued" for track in listed):
                return listed
            await asyncio.sleep(0.01)


async def test_a_file_becomes_a_track() -> None:
    async with running() as api:
        uid = await ready_video(api)
        assert (await api.call("GET", f"/{uid}/audio")).result == {"audio": []}
        track = await add(api, uid, "Commentary")
        assert track == {"uid": track["uid"], "label": "Commentary", "default": False, "status": "queued"}
        assert await settled(api, uid) == [{**track, "status": "ready"}]
        await add(api, uid, "From a video", clip())
        assert [each["status"] for each in await settled(api, uid)] == ["ready", "ready"]


async def test_what_holds_no_sound_ends_in_error() -> None:
    async with running() as api:
        uid = await ready_video(api)
        await add(api, uid, "Text", b"no sound at all" * 100)
        assert [each["status"] for each in await settled(api, uid)] == ["error"]


async def test_a_track_comes_from_an_address() -> None:
    async with site(good=file(sound()), bad=file(b"x" * 100)) as base, running(allow_private_fetch=True) as api:
        uid = await ready_video(api)
        body = {"url": f"{base}/good", "label": "Fetched", "unknown": 1}
        track = (await api.call("POST", f"/{uid}/audio/copy", json=body)).result
        assert track == {"uid": track["uid"], "label": "Fetched", "default": False, "status": "queued"}
        await api.call("POST", f"/{uid}/audio/copy", json={"url": f"{base}/bad", "label": "Bad"})
        await api.call("POST", f"/{uid}/audio/copy", json={"url": f"{base}/none", "label": "None"})
        assert [each["status"] for each in await settled(api, uid)] == ["ready", "error", "error"]


async def test_this_machine_is_not_asked_for_tracks() -> None:
    asked = 0

    async def page(_: aiohttp.web.Request) -> aiohttp.web.Response:
        nonlocal asked
        asked += 1
        return aiohttp.web.Response(body=sound())

    async with site(good=page) as base, running() as api:
        uid = await ready_video(api)
        await api.call("POST", f"/{uid}/audio/copy", json={"url": f"{base}/good", "label": "a"})
        assert [each["status"] for each in await settled(api, uid)] == ["error"]
    assert asked == 0


async def test_one_default_and_labels_of_their_own() -> None:
    async with running() as api:
        uid = await made(api)
        first, second = await add(api, uid, "one"), await add(api, uid, "two")

        async def edit(track: dict[str, Any], **body: Any) -> Answer:
            return await api.call("PATCH", f"/{uid}/audio/{track['uid']}", json=body)

        assert (await edit(first, default=True)).result["default"] is True
        changed = (await edit(second, default=True, label="zwei", unknown=1)).result
        assert (changed["default"], changed["label"]) == (True, "zwei")
        assert [(each["label"], each["default"]) for each in await tracks(api, uid)] == [("one", False), ("zwei", True)]
        assert (await edit(second, label="zwei")).status == 200
        taken = await edit(first, label="zwei")
        assert (taken.status, taken.codes) == (400, [10005])
        for body in ({"label": 1}, {"label": " "}, {"default": "yes"}, {"default": None}):
            assert (await edit(first, **body)).codes == [10005]
        assert (await edit(second, default=False)).result["default"] is False
        assert not any(each["default"] for each in await tracks(api, uid))


async def test_the_default_track_cannot_be_deleted() -> None:
    async with running() as api:
        uid = await ready_video(api)
        track, other = await add(api, uid, "one"), await add(api, uid, "two")
        where = f"/{uid}/audio/{track['uid']}"
        await api.call("PATCH", where, json={"default": True})
        refused = await api.call("DELETE", where)
        assert (refused.status, refused.codes) == (400, [10005])
        await api.call("PATCH", f"/{uid}/audio/{other['uid']}", json={"default": True})
        assert (await api.call("DELETE", where)).result == "ok"
        assert [each["label"] for each in await settled(api, uid)] == ["two"]
        for verb in ("DELETE", "PATCH"):
            gone = await api.call(verb, where, json={})
            assert (gone.status, gone.codes) == (404, [10003])
        assert not api.emulator._running.library.audio_track(uid, track["uid"]).exists()


async def test_refused() -> None:
    async with running(limits=attrs.evolve(SMALL, basic_upload_max=5000)) as api:
        uid = await made(api)
        await add(api, uid, "taken")

        async def codes(tail: str, **options: Any) -> tuple[int, list[int]]:
            answer = await api.call("POST", f"/{uid}/audio{tail}", **options)
            return answer.status, answer.codes

        assert await codes("", data=form(sound(), label="taken")) == (400, [10005])
        assert await codes("", data=form(sound())) == (400, [10005])
        assert await codes("", data=form(b"\0" * 5001, label="large")) == (413, [10005])
        assert await codes("", json={"label": "a"}) == (400, [10004])
        good = "https://example.com/a.mp3"
        assert await codes("/copy", json={"url": good, "label": "taken"}) == (400, [10005])
        assert await codes("/copy", json={"url": good}) == (400, [10005])
        assert await codes("/copy", json={"label": "a"}) == (400, [10005])
        assert await codes("/copy", json={"url": "file:///etc/passwd", "label": "a"}) == (400, [10010])
        assert await codes("/copy", data=b"{") == (400, [10005])
        assert len(await tracks(api, uid)) == 1
        folder = api.emulator._running.library.audio_track(uid, "x").parent
        assert len(list(folder.iterdir())) == 1
        assert (await api.call("POST", f"/{UNKNOWN}/audio/copy", json={"url": good, "label": "a"})).status == 404


@pytest.mark.parametrize("name", [UNKNOWN, "x", "%ff", "copy"])
async def test_an_unknown_track_is_not_found(name: str) -> None:
    async with running() as api:
        uid = await made(api)
        answer = await api.call("DELETE", f"/{uid}/audio/{name}")
        assert answer.status in (404, 405)


async def test_a_track_that_was_waiting_is_encoded_after_a_restart(tmp_path: Any) -> None:
    async with running(data_dir=tmp_path) as api:
        uid = await ready_video(api)
        track = await add(api, uid, "one")
        await settled(api, uid)
        library = api.emulator._running.library
        stored = library.store.get("audio", track["uid"], parent=uid)
        assert stored is not None
        # As a kill in the middle leaves it.
        library.store.put("audio", track["uid"], {**stored, "status": "queued", "rendition": None}, parent=uid)
        (library.audio_segments(uid, track["uid"]) / "seg_00000.mp4").write_bytes(b"half")
    async with running(data_dir=tmp_path) as api:
        assert [each["status"] for each in await settled(api, uid)] == ["ready"]
        address = f"/{uid}/manifest/audio-{track['uid']}/seg_00000.mp4"
        assert len((await api.media(address)).body) > 100


async def test_a_track_waits_for_its_video_and_fails_with_it() -> None:
    async with running() as api:
        created = await api.create(2000)
        uid = created.headers["stream-media-id"]
        await add(api, uid, "one")
        assert [each["status"] for each in await tracks(api, uid)] == ["queued"]
        await api.patch(created.headers["Location"], 0, b"x" * 2000)
        await api.until(uid, "error")
        assert [each["status"] for each in await settled(api, uid)] == ["error"]


async def test_a_track_for_a_video_that_has_failed_fails_too() -> None:
    async with site(good=file(sound())) as base, running(allow_private_fetch=True) as api:
        uid = await api.upload(b"x" * 2000)
        await api.until(uid, "error")
        await add(api, uid, "one")
        await api.call("POST", f"/{uid}/audio/copy", json={"url": f"{base}/good", "label": "two"})
        assert [each["status"] for each in await settled(api, uid)] == ["error", "error"]


async def test_a_track_is_deleted_while_it_is_being_made() -> None:
    async with running() as api:
        uid = await ready_video(api)
        track = await add(api, uid, "long", sound(600))
        assert (await api.call("DELETE", f"/{uid}/audio/{track['uid']}")).result == "ok"
        library = api.emulator._running.library
        assert not library.audio_track(uid, track["uid"]).exists()
        assert not library.audio_segments(uid, track["uid"]).exists()
        assert await tracks(api, uid) == []
