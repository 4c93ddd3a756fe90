"""Clips: cut by time from a video that is ready, and then videos of their own."""

import io
from fractions import Fraction
from typing import Any

import av
import pytest
from emulator_kit import Answer, Api, FixedClock, clip, form, metadata, png, running

NOW = 1_800_000_000
UNKNOWN = "0" * 32


async def ready_video(api: Api, **pairs: str | None) -> str:
    uid = await api.upload(clip(5.0), **{"Upload-Metadata": metadata(**pairs)})
    await api.until(uid, "ready")
    return uid


async def cut(api: Api, uid: str, start: int, end: int, **body: Any) -> Answer:
    given = {"clippedFromVideoUID": uid, "startTimeSeconds": start, "endTimeSeconds": end, **body}
    return await api.call("POST", "/clip", json=given)


async def played(api: Api, uid: str) -> bytes:
    return (await api.media(f"/{uid}/player/video.mp4")).body


def picture_at(body: bytes, time: float) -> bytes:
    with av.open(io.BytesIO(body), "r") as container:
        for frame in container.decode(video=0):
            if frame.time >= time - 0.001:
                return bytes(frame.reformat(32, 18, "gray").planes[0])
    raise AssertionError(time)


def difference(one: bytes, other: bytes) -> float:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


def lengths(body: bytes) -> dict[str, float]:
    with av.open(io.BytesIO(body), "r") as container:
        return {
            each.type: float(each.duration * each.time_base)
            for each in container.streams
            if each.duration is not None and each.time_base is not None
        }


async def test_a_clip_shows_that_part_of_the_video() -> None:
    async with running() as api:
        source = await ready_video(api)
        made = (await cut(api, source, 2, 4)).result
        done = await api.until(made["uid"], "ready")
        assert (done["duration"], done["clippedFrom"]) == (2, source)
        body, whole = await played(api, made["uid"]), await played(api, source)
        assert lengths(body) == {"video": pytest.approx(2, abs=0.04), "audio": pytest.approx(2, abs=0.04)}
        for time in (0.0, 1.0, 1.9):
            shown = picture_at(body, time)
            assert difference(shown, picture_at(whole, 2 + time)) < 2
            assert difference(shown, picture_at(whole, time)) > 5, "the parts differ, or this shows nothing"
        stills = [
            picture_at((await api.media(f"/{uid}/thumbnails/thumbnail.jpg?time={time}s")).body, 0)
            for uid, time in ((made["uid"], 1), (source, 3), (source, 1))
        ]
        assert difference(stills[0], stills[1]) < 2
        assert difference(stills[0], stills[2]) > 5


def slides() -> bytes:
    """Three pictures, black, grey and white, that come at 0, 3 and 9 seconds; without sound."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=1)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for second, light in ((0, 16), (3, 128), (9, 235)):
            frame = av.VideoFrame(320, 180, "yuv420p")
            for plane, value in zip(frame.planes, (light, 128, 128), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            frame.pts, frame.time_base = second, Fraction(1)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


async def test_a_picture_that_is_on_screen_when_a_clip_begins_is_shown() -> None:
    async with running() as api:
        source = await api.upload(slides())
        await api.until(source, "ready")
        for start, end, lights in ((4, 8, [128]), (2, 4, [16, 128]), (1, 2, [16])):
            uid = (await cut(api, source, start, end)).result["uid"]
            assert (await api.until(uid, "ready"))["duration"] == end - start
            body = await played(api, uid)
            assert lengths(body) == {"video": pytest.approx(end - start, abs=0.01)}
            with av.open(io.BytesIO(body), "r") as container:
                shown = [bytes(frame.reformat(1, 1, "gray").planes[0])[0] for frame in container.decode(video=0)]
            assert shown == [pytest.approx(light, abs=20) for light in lights], (start, end)


async def test_a_new_clip_waits_in_the_queue_with_settings_of_its_own() -> None:
    async with running(clock=FixedClock(NOW)) as api:
        deletion = "2027-03-15T08:00:00Z"
        source = await ready_video(api, requiresignedurls=None, name="Whole", scheduleddeletion=deletion)
        api.emulator.pause_encoding()
        video = (await cut(api, source, 0, 1)).result
        assert video["status"] == {"state": "queued", "errorReasonCode": "", "errorReasonText": ""}
        assert (video["clippedFrom"], video["meta"], video["size"]) == (source, {}, 0)
        assert (video["uploaded"], video["uploadExpiry"], video["scheduledDeletion"]) == (None, None, None)
        assert (video["requireSignedURLs"], video["creator"]) == (False, None)
        assert [each["uid"] for each in (await api.call("GET")).result] == [video["uid"], source]

        watermark = (await api.call("POST", "/watermarks", data=form(png(), "l.png", "image/png"))).result
        settings = {
            "meta": {"keyName": 1, "name": "Best"},
            "allowedOrigins": ["example.com"],
            "requireSignedURLs": True,
            "scheduledDeletion": "2027-04-15T08:00:00Z",
            "thumbnailTimestampPct": 0.5,
            "creator": "ann",
        }
        own = (await cut(api, source, 0, 1, **settings, watermark={"uid": watermark["uid"]}, unknown=1)).result
        assert {name: own[name] for name in settings} == settings
        assert own["watermark"] == watermark
        assert (await cut(api, source, 0, 1, name="Named")).result["meta"] == {"name": "Named"}


async def test_a_clip_of_a_clip() -> None:
    async with running() as api:
        source = await ready_video(api)
        first = (await cut(api, source, 1, 5)).result["uid"]
        await api.until(first, "ready")
        second = (await cut(api, first, 2, 3)).result
        assert second["clippedFrom"] == first
        assert (await api.until(second["uid"], "ready"))["duration"] == 1
        shown = picture_at(await played(api, second["uid"]), 0.5)
        assert difference(shown, picture_at(await played(api, source), 3.5)) < 2
        beyond = await cut(api, first, 3, 5)
        assert (beyond.status, beyond.codes) == (400, [10005])


async def test_a_clip_outlives_the_video_it_is_cut_from() -> None:
    async with running() as api:
        source = await ready_video(api)
        api.emulator.pause_encoding()
        uid = (await cut(api, source, 1, 2)).result["uid"]
        assert (await api.call("DELETE", f"/{source}")).status == 200
        api.emulator.resume_encoding()
        assert (await api.until(uid, "ready"))["duration"] == 1
        assert (await api.media(f"/{uid}/thumbnails/thumbnail.jpg")).status == 200


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"startTimeSeconds": 2, "endTimeSeconds": 2}, "endTimeSeconds"),
    ({"startTimeSeconds": 2, "endTimeSeconds": 1}, "endTimeSeconds"),
    ({"endTimeSeconds": 6}, "endTimeSeconds"),
    ({"endTimeSeconds": 10**30}, "endTimeSeconds"),
    ({"startTimeSeconds": -1}, "startTimeSeconds"),
    ({"startTimeSeconds": 0.5}, "startTimeSeconds"),
    ({"startTimeSeconds": None}, "startTimeSeconds"),
    ({"clippedFromVideoUID": None}, "clippedFromVideoUID"),
    ({"thumbnailTimestampPct": 2}, "thumbnailTimestampPct"),
    ({"watermark": 1}, "watermark"),
]


async def test_refused() -> None:
    async with running() as api:
        source = await ready_video(api)
        for body, named in REFUSED:
            given = {"clippedFromVideoUID": source, "startTimeSeconds": 0, "endTimeSeconds": 5, **body}
            answer = await api.call("POST", "/clip", json=given)
            assert (answer.status, answer.codes) == (400, [10005]), body
            assert answer.json["errors"][0]["message"].startswith(f"{named}: "), body
        assert len((await api.call("GET")).result) == 1


async def test_there_must_be_a_ready_video() -> None:
    async with running() as api:
        waiting = (await api.create(2000)).headers["stream-media-id"]
        early = await cut(api, waiting, 0, 1)
        assert (early.status, early.codes) == (400, [10005])
        for uid in (UNKNOWN, "x"):
            missing = await cut(api, uid, 0, 1)
            assert (missing.status, missing.codes) == (404, [10003])
