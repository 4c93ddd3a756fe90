"""Cloudflare's own Python SDK drives the emulator, and reads there what cfstream reads, field by field."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import jwt
import pytest
from cloudflare import AsyncCloudflare
from cloudflare import NotFoundError as SdkNotFoundError
from pydantic import BaseModel

from cfstream import EncodingFailedError, NotFoundError, Stream, Video
from cfstream.emulator import Emulator


@attrs.frozen
class Both:
    """Two clients of one emulator."""

    emulator: Emulator
    ours: Stream
    theirs: AsyncCloudflare
    film: Path

    @property
    def account(self) -> str:
        return self.emulator.account_id


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from cfstream.emulator.media.testvideo import make_test_video

    path = tmp_path_factory.mktemp("film") / "film.mp4"
    make_test_video(path, seconds=1, size=(320, 180))
    return path


@pytest.fixture
async def both(film: Path) -> AsyncIterator[Both]:
    async with (
        Emulator() as emulator,
        emulator.stream() as ours,
        AsyncCloudflare(api_token=emulator.api_token, base_url=emulator.base_url, max_retries=0) as theirs,
    ):
        yield Both(emulator, ours, theirs, film)


def differences(ours: Any, theirs: Any, name: str = "") -> dict[str, Any]:
    """Give what cfstream reads otherwise than the SDK; its None for -1 and its numbers for texts are meant so."""
    if isinstance(theirs, BaseModel) and attrs.has(type(ours)):
        known = [field.name for field in attrs.fields(type(ours)) if field.name != "extra"]
        lost = {f"{name}.{field}": "is not there" for field in type(theirs).model_fields if field not in known}
        return lost | {
            path: pair
            for field in known
            for path, pair in differences(getattr(ours, field), getattr(theirs, field, None), f"{name}.{field}").items()
        }
    if isinstance(theirs, list):
        same = list(ours) == theirs
    elif theirs == -1:
        same = ours is None
    elif isinstance(theirs, str) and isinstance(ours, float):
        same = ours == float(theirs)
    else:
        same = ours == theirs
    return {} if same else {name: (ours, theirs)}


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


@pytest.mark.parametrize(
    ("state", "make"), [("pendingupload", _pending), ("queued", _queued), ("ready", _ready), ("error", _failed)]
)
async def test_a_video_is_read_alike(both: Both, state: str, make: Callable[[Both], Awaitable[str]]) -> None:
    uid = await make(both)
    ours = await both.ours.get(uid)
    theirs = await both.theirs.stream.get(uid, account_id=both.account)
    assert theirs is not None
    assert ours.status.state == state
    assert differences(ours, theirs) == {}


async def test_lists_are_alike(both: Both) -> None:
    uids = [await make(both) for make in (_ready, _failed, _pending, _queued)]
    ours = [video async for video in both.ours.list()]
    theirs = [video async for video in both.theirs.stream.list(account_id=both.account)]
    assert [video.uid for video in ours] == uids[::-1]
    assert [differences(*pair) for pair in zip(ours, theirs, strict=True)] == [{}] * len(uids)
    chosen = [video.uid async for video in both.theirs.stream.list(account_id=both.account, status="ready", asc=True)]
    assert chosen == uids[:1]


async def test_each_sees_what_the_other_changed(both: Both) -> None:
    uid = await _queued(both)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)
    changes: dict[str, Any] = {
        "allowed_origins": ["a.example", "*.b.example"],
        "creator": "somebody else",
        "meta": {"name": "Grüße", "page": "7"},
        "public_details": {"title": "Title", "logo": "https://a.example/logo.png"},
        "require_signed_urls": True,
        "scheduled_deletion": later,
        "thumbnail_timestamp_pct": 0.25,
    }
    theirs = await both.theirs.stream.edit(uid, account_id=both.account, **changes)
    ours = await both.ours.get(uid)
    assert differences(ours, theirs) == {}
    _holds(ours, changes)

    back = changes | {"allowed_origins": [], "meta": {"name": "again"}, "require_signed_urls": False}
    ours = await both.ours.edit(uid, **back)
    theirs = await both.theirs.stream.get(uid, account_id=both.account)
    assert differences(ours, theirs) == {}
    _holds(ours, back)


def _holds(video: Video, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        if name == "public_details":
            assert video.public_details is not None
            assert (video.public_details.title, video.public_details.logo) == (value["title"], value["logo"])
        else:
            shown = getattr(video, name)
            assert (list(shown) if isinstance(shown, tuple) else shown) == value


async def test_what_one_deletes_is_gone_for_the_other(both: Both) -> None:
    first, second = await _pending(both), await _pending(both)
    await both.theirs.stream.delete(first, account_id=both.account)
    with pytest.raises(NotFoundError) as ours:
        await both.ours.get(first)
    await both.ours.delete(second)
    with pytest.raises(SdkNotFoundError) as theirs:
        await both.theirs.stream.get(second, account_id=both.account)
    assert list(ours.value.codes) == [error.code for error in theirs.value.errors]


async def test_storage_is_counted_alike(both: Both) -> None:
    await _ready(both)
    await _pending(both)
    ours = await both.ours.videos.storage_usage()
    theirs = await both.theirs.stream.videos.storage_usage(account_id=both.account)
    assert differences(ours, theirs) == {}
    assert (ours.video_count, ours.total_storage_minutes) == (1, 0.02)


async def test_tokens_say_the_same_and_open_the_same(both: Both) -> None:
    uid = await _ready(both)
    await both.theirs.stream.edit(uid, account_id=both.account, require_signed_urls=True)
    now = int(time.time())
    asked: dict[str, Any] = {"exp": now + 600, "nbf": now - 60, "downloadable": True}
    theirs = await both.theirs.stream.token.create(uid, account_id=both.account, **asked)
    assert theirs is not None
    tokens = [str((await both.ours.token.create(uid, **asked)).token), str(theirs.token)]
    ours, other = (jwt.decode(token, options={"verify_signature": False}) for token in tokens)
    assert ours == other
    assert ours["sub"] == uid
    assert [await _status(both, f"/{key}/manifest/video.m3u8") for key in (uid, *tokens)] == [401, 200, 200]


async def _status(both: Both, path: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(both.emulator.url(path)) as answer:
        return answer.status


async def test_captions_are_read_alike(both: Both) -> None:
    uid = await _pending(both)
    text = "WEBVTT\n\n00:00.000 --> 00:01.000\nGrüße, 世界\n"
    await both.ours.captions.language.update("de", identifier=uid, file=text.encode())
    theirs = await both.theirs.stream.captions.language.vtt.get("de", account_id=both.account, identifier=uid)
    assert await both.ours.captions.language.vtt.get("de", identifier=uid) == theirs == text
