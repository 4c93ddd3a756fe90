"""Watermarks over HTTP: whichever way a video comes, its picture shows the image, and goes on doing so."""

import io
from typing import Any

import av
import pytest
from emulator_kit import Answer, Api, clip, file, form, metadata, png, running, site


async def profile(api: Api, **fields: str) -> str:
    sent = form(png(40, 20), "l.png", "image/png", **{"scale": "0.3", "padding": "0", "position": "center", **fields})
    return str((await api.call("POST", "/watermarks", data=sent)).result["uid"])


async def still(api: Api, uid: str, path: str = "thumbnail.jpg") -> Any:
    answer = await api.media(f"/{uid}/thumbnails/{path}?width=320&height=180")
    assert answer.status == 200
    with av.open(io.BytesIO(answer.body), "r") as container:
        return next(container.decode(video=0))


async def redness(api: Api, uid: str, path: str = "thumbnail.jpg") -> float:
    """How much more red than blue the middle of the picture has."""
    frame = (await still(api, uid, path)).reformat(format="rgb24")
    plane, total = bytes(frame.planes[0]), 0
    for y in range(80, 100):
        for x in range(150, 170):
            at = y * frame.planes[0].line_size + x * 3
            total += plane[at] - plane[at + 2]
    return total / 400


async def made(api: Api, uid: str) -> str:
    await api.until(uid, "ready")
    return uid


async def test_every_way_to_make_a_video_takes_it() -> None:
    async with site(video=file(clip())) as base, running(allow_private_fetch=True) as api:
        mark = await profile(api)
        plain = await made(api, await api.upload(clip()))
        tus = await api.upload(clip(), **{"Upload-Metadata": metadata(watermark=mark)})
        body = {"url": f"{base}/video", "watermark": {"uid": mark}}
        copied = (await api.call("POST", "/copy", json=body)).result["uid"]
        asked = {"maxDurationSeconds": 60, "watermark": {"uid": mark}}
        direct = (await api.call("POST", "/direct_upload", json=asked)).result
        assert (await api.call("POST", direct["uploadURL"], token=None, data=form(clip(), "a.mp4"))).status == 200
        base_line = await redness(api, plain)
        for uid in (tus, copied, direct["uid"]):
            await made(api, uid)
            for name in ("thumbnail.jpg", "thumbnail.gif"):
                assert await redness(api, uid, name) > base_line + 80, name


async def clipped(api: Api, uid: str, **body: Any) -> Answer:
    given = {"clippedFromVideoUID": uid, "startTimeSeconds": 0, "endTimeSeconds": 1, **body}
    return await api.call("POST", "/clip", json=given)


async def test_a_deleted_profile_stays_in_videos_and_in_clips_of_them() -> None:
    async with running() as api:
        mark = await profile(api)
        api.emulator.pause_encoding()
        uid = await api.upload(clip(), **{"Upload-Metadata": metadata(watermark=mark)})
        assert (await api.call("DELETE", f"/watermarks/{mark}")).status == 200
        api.emulator.resume_encoding()
        await made(api, uid)
        first = await redness(api, uid)
        assert first > 80
        inherited = (await clipped(api, uid)).result
        assert inherited["watermark"] is None, "the profile is that of the other video"
        await made(api, inherited["uid"])
        again = await made(api, (await clipped(api, inherited["uid"])).result["uid"])
        assert await redness(api, again) == pytest.approx(first, abs=12)


async def test_a_clip_has_a_watermark_of_its_own() -> None:
    async with running() as api:
        uid = await made(api, await api.upload(clip()))
        cut = (await clipped(api, uid, watermark={"uid": await profile(api)})).result
        await made(api, cut["uid"])
        assert await redness(api, cut["uid"]) > await redness(api, uid) + 80


async def test_a_clip_may_take_the_watermark_of_its_source_once_more() -> None:
    async with running() as api:
        mark = await profile(api)
        uid = await made(api, await api.upload(clip(), **{"Upload-Metadata": metadata(watermark=mark)}))
        cut = await clipped(api, uid, watermark={"uid": mark})
        assert cut.status == 200
        await made(api, cut.result["uid"])


async def test_an_image_that_cannot_be_read_ends_the_video_in_error() -> None:
    async with running() as api:
        sent = form(png(40, 20)[:40], "l.png", "image/png")
        mark = (await api.call("POST", "/watermarks", data=sent)).result["uid"]
        uid = await api.upload(clip(), **{"Upload-Metadata": metadata(watermark=mark)})
        status = (await api.until(uid, "error"))["status"]
        assert status["errorReasonCode"] == "ERR_UNKNOWN"
        assert status["errorReasonText"] == "The image of the watermark cannot be read."
