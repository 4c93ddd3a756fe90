"""Cloudflare's own Python SDK drives the emulator's videos, and reads there what cfstream reads, field by field."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from cloudflare import NotFoundError as SdkNotFoundError
from emulator_kit import metadata, png
from outsiders_sdk_kit import AREAS, DIFFERENCES, Both, known, web_folder

from cfstream import EncodingFailedError, NotFoundError

LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)
NEW: dict[str, Any] = {
    "allowed_origins": ["a.example", "*.b.example"],
    "meta": {"name": "Grüße", "page": "7"},
    "require_signed_urls": True,
    "scheduled_deletion": LATER,
    "thumbnail_timestamp_pct": 0.25,
}
"""What every way of making a video takes."""


async def _pending(both: Both) -> str:
    upload = await both.ours.create(upload_length=1000, upload_metadata={"name": "pending"}, direct_user=True)
    return upload.uid


async def _queued(both: Both) -> str:
    both.emulator.pause_encoding()
    return (await both.ours.upload(both.film, creator="someone", allowed_origins=["example.com"])).uid


async def _ready(both: Both) -> str:
    uid = (await both.ours.upload(both.film, thumbnail_timestamp_pct=0.5)).uid
    await both.ours.wait_until_ready(uid, timeout=30)
    return uid


async def _failed(both: Both) -> str:
    uid = (await both.ours.upload(b"this is not a video", name="failed")).uid
    with pytest.raises(EncodingFailedError):
        await both.ours.wait_until_ready(uid, timeout=30)
    return uid


def _holds(video: Any, settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        shown = getattr(video, name)
        assert (list(shown) if isinstance(shown, tuple) else shown) == value, name


async def test_every_call_of_the_sdk_belongs_to_an_area(both: Both) -> None:
    calls = known(both.sdk.stream)
    assert len(calls) == 43
    assert {call.split(".")[0] for call in calls} == {part for parts in AREAS.values() for part in parts}


@pytest.mark.parametrize(
    ("state", "make"), [("pendingupload", _pending), ("queued", _queued), ("ready", _ready), ("error", _failed)]
)
async def test_a_video_is_read_alike(both: Both, state: str, make: Callable[[Both], Awaitable[str]]) -> None:
    uid = await make(both)
    ours = await both.ours.get(uid)
    both.alike(ours, await both.theirs.get(uid, account_id=both.account))
    assert ours.status.state == state


async def test_lists_are_alike(both: Both) -> None:
    uids = [await make(both) for make in (_ready, _failed, _pending, _queued)]
    ours = [video async for video in both.ours.list()]
    theirs = [video async for video in both.theirs.list(account_id=both.account)]
    assert [video.uid for video in ours] == uids[::-1]
    for pair in zip(ours, theirs, strict=True):
        both.alike(*pair)


async def test_every_video_call_with_every_keyword(both: Both) -> None:
    watermark = (await both.ours.watermarks.create(file=png())).uid
    await _uploaded_and_listed(both, watermark)
    async with web_folder(both.film.parent) as folder:
        copied = await _copied(both, f"{folder}/{both.film.name}", watermark)
    await _clipped(both, copied, watermark)
    await _directly_uploaded(both, watermark)
    await _edited_and_deleted(both, copied)
    assert both.left_out("videos") == {}
    assert both.met == set(DIFFERENCES["videos"])


async def _uploaded_and_listed(both: Both, watermark: str) -> None:
    """The SDK drops the headers of a creation, so its upload is found by the list."""
    begun = datetime.now(UTC) - timedelta(seconds=1)
    given = await both.theirs.create(  # type: ignore[func-returns-value]  # that it gives nothing is what is shown
        account_id=both.account,
        tus_resumable="1.0.0",
        upload_length=1000,
        direct_user=True,
        upload_creator="ann",
        upload_metadata=metadata(name="film 1", watermark=watermark, requiresignedurls=None),
    )
    assert given is None
    (made,) = [video async for video in both.ours.list()]
    assert (made.name, made.creator, made.require_signed_urls, made.size) == ("film 1", "ann", True, 1000)
    assert made.watermark is not None
    chosen: dict[str, Any] = {
        "id": made.uid,
        "creator": "ann",
        "status": "pendingupload",
        "type": "vod",
        "search": "FILM",
        "name": "film 1",
        "video_name": "film 1",
        "asc": True,
        "limit": 10,
        "include_counts": True,
    }
    for since, until in (("start", "end"), ("after", "before")):
        window: dict[str, Any] = {since: begun, until: begun + timedelta(minutes=1)}
        page = await both.theirs.list(account_id=both.account, **chosen, **window)
        (theirs,) = page.result
        both.alike(made, theirs)
        assert (await both.ours.list(**chosen, **window)).total == 1
    recordings = await both.theirs.list(account_id=both.account, live_input_id="0" * 32)
    assert recordings.result == []


async def _copied(both: Both, address: str, watermark: str) -> str:
    settings = {**NEW, "creator": "ann"}
    theirs = await both.theirs.copy.create(
        account_id=both.account, input=address, name="copy", watermark={"uid": watermark}, **settings
    )
    assert theirs is not None
    assert theirs.uid is not None
    assert theirs.status is not None
    assert theirs.status.state == "downloading"
    assert theirs.watermark is not None
    assert theirs.watermark.uid == watermark
    _holds(theirs, {**settings, "meta": {**NEW["meta"], "downloaded-from": address}})
    named = await both.theirs.copy.create(account_id=both.account, url=address, name="copy", upload_creator="bob")
    assert named is not None
    assert (named.creator, named.meta) == ("bob", {"name": "copy", "downloaded-from": address})
    ready = await both.ours.wait_until_ready(theirs.uid, timeout=30)
    both.alike(ready, await both.theirs.get(theirs.uid, account_id=both.account))
    usage = await both.theirs.videos.storage_usage(account_id=both.account, creator="ann")
    both.alike(await both.ours.videos.storage_usage(creator="ann"), usage)
    assert usage is not None
    assert (usage.creator, usage.video_count, usage.total_storage_minutes) == ("ann", 1, 0.03)
    fragment = await both.theirs.embed.get(theirs.uid, account_id=both.account)
    assert fragment.startswith("<iframe ")
    assert fragment == await both.ours.embed.get(theirs.uid)
    return theirs.uid


async def _clipped(both: Both, source: str, watermark: str) -> None:
    both.emulator.pause_encoding()
    part: dict[str, Any] = {"clipped_from_video_uid": source, "start_time_seconds": 0, "end_time_seconds": 1}
    rest = {**NEW, **part, "creator": "ann", "name": "clip", "watermark": {"uid": watermark}}
    addresses: dict[str, Any] = dict.fromkeys(("input", "url"), "http://127.0.0.1:9/passed-over")
    theirs = await both.theirs.clip.create(account_id=both.account, **rest, **addresses)
    assert theirs is not None
    assert theirs.uid is not None
    assert theirs.clipped_from == source
    _holds(theirs, {**NEW, "creator": "ann"})
    both.alike(await both.ours.get(theirs.uid), theirs)
    ours = await both.ours.clip.create(**rest)
    both.alike(ours, await both.theirs.get(ours.uid, account_id=both.account))
    assert ours.clipped_from_video_uid == source


async def _directly_uploaded(both: Both, watermark: str) -> None:
    settings = {**NEW, "expiry": datetime.now(UTC) + timedelta(hours=1), "watermark": {"uid": watermark}}
    theirs = await both.theirs.direct_upload.create(
        account_id=both.account, max_duration_seconds=60, creator="ann", **settings
    )
    assert theirs is not None
    assert theirs.uid is not None
    assert theirs.watermark is not None
    assert (theirs.scheduled_deletion, theirs.watermark.uid) == (LATER, watermark)
    assert theirs.upload_url is not None
    form = aiohttp.FormData()
    form.add_field("file", both.film.read_bytes(), filename="film.mp4")
    async with aiohttp.ClientSession() as session, session.post(theirs.upload_url, data=form) as answer:
        assert answer.status == 200
    video = await both.ours.get(theirs.uid)
    assert (video.status.state, video.max_duration_seconds) == ("queued", 60)
    _holds(video, {**NEW, "creator": "ann"})
    await both.theirs.direct_upload.create(account_id=both.account, max_duration_seconds=60, upload_creator="bob")
    both.replay("DIRECT_UPLOAD_CREATE", "DirectUpload")
    ours = await both.ours.direct_upload.create(max_duration_seconds=60)
    both.alike(ours, await both.theirs.direct_upload.create(account_id=both.account, max_duration_seconds=60))


async def _edited_and_deleted(both: Both, uid: str) -> None:
    details: Any = dict.fromkeys(("title", "logo", "share_link", "channel_link"), "https://a.example/")
    changes: dict[str, Any] = {
        **NEW,
        "meta": {"name": "again"},
        "creator": "somebody else",
        "max_duration_seconds": 100,
        "upload_expiry": LATER,
    }
    theirs = await both.theirs.edit(uid, account_id=both.account, uid=uid, public_details=details, **changes)
    ours = await both.ours.get(uid)
    both.alike(ours, theirs)
    _holds(ours, changes)
    assert ours.public_details is not None
    _holds(ours.public_details, details)
    back: dict[str, Any] = {**changes, "allowed_origins": [], "require_signed_urls": False}
    ours = await both.ours.edit(uid, **back)
    both.alike(ours, await both.theirs.get(uid, account_id=both.account))
    _holds(ours, back)
    assert await both.theirs.delete(uid, account_id=both.account) is None  # type: ignore[func-returns-value]  # shown
    with pytest.raises(NotFoundError):
        await both.ours.get(uid)


async def test_what_one_deletes_is_gone_for_the_other(both: Both) -> None:
    first, second = await _pending(both), await _pending(both)
    await both.theirs.delete(first, account_id=both.account)
    with pytest.raises(NotFoundError) as ours:
        await both.ours.get(first)
    await both.ours.delete(second)
    with pytest.raises(SdkNotFoundError) as theirs:
        await both.theirs.get(second, account_id=both.account)
    assert list(ours.value.codes) == [error.code for error in theirs.value.errors]
