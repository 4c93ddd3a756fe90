"""The first calls against the emulator: what was sent is what is there afterwards."""

import asyncio
import base64
import io
import json
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cfstream import (
    AuthenticationError,
    ClientClosedError,
    Hooks,
    InvalidInputError,
    NotFoundError,
    RequestEvent,
    ResponseEvent,
    RetryPolicy,
    Stream,
    StreamError,
    UnknownKeywordError,
)
from cfstream.emulator import Emulator
from cfstream.models import AccessRule, Secret

MISSING = "0" * 32
VTT = "WEBVTT\n\n00:00.000 --> 00:01.000\nHällo & <b>welcome</b>\n"


def png() -> bytes:
    """Make the smallest picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = (2).to_bytes(4) + (2).to_bytes(4) + bytes([8, 2, 0, 0, 0])
    pixels = zlib.compress(b"\0" + b"\xff" * 6 + b"\0" + b"\xff" * 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


async def pending(stream: Stream, name: str = "pending") -> str:
    return (await stream.create(upload_length=10, upload_metadata={"name": name})).uid


async def test_create_gives_the_uid_and_a_masked_address(stream: Stream) -> None:
    created = await stream.create(upload_length=10, upload_creator="alice", upload_metadata={"name": "talk"})
    video = await stream.get(created.uid)
    assert (video.name, video.creator, video.status.state) == ("talk", "alice", "pendingupload")
    assert created.upload_url.startswith("http://127.0.0.1")
    assert str(created.upload_url) not in repr(created)


async def test_get_of_nothing_names_row_code_and_way_out(stream: Stream) -> None:
    with pytest.raises(NotFoundError, match="404 Not Found: 10003") as caught:
        await stream.get(MISSING)
    error = caught.value
    assert error.request == "GET /accounts/{account_id}/stream/{identifier}"
    assert (error.status, error.codes, error.attempts, error.retryable) == (404, (10003,), 1, False)
    assert error.ray_id
    assert "check the identifier" in str(error)
    assert "\n" not in str(error)


async def test_edit_changes_what_is_given_and_nothing_else(stream: Stream) -> None:
    uid = await pending(stream)
    deletion = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)
    edited = await stream.edit(uid, creator="bob", scheduled_deletion=deletion, allowed_origins=["a.example"])
    assert (edited.creator, edited.scheduled_deletion, edited.name) == ("bob", deletion, "pending")
    assert (await stream.edit(uid, meta={"k": {"deep": [1, None]}})).meta == {"k": {"deep": [1, None]}}
    after = await stream.get(uid)
    assert (after.creator, after.allowed_origins) == ("bob", ("a.example",))
    assert (await stream.edit(uid, scheduled_deletion=None)).scheduled_deletion is None


@pytest.mark.parametrize(
    ("keywords", "problem"),
    [
        ({"require_signed_url": True}, "unknown keyword require_signed_url: did you mean require_signed_urls"),
        ({"requireSignedURLs": True}, "did you mean require_signed_urls"),
        ({"creator": None}, "creator: None is not accepted; leave the keyword out"),
        ({"creator": 5}, "creator: expected text, got 5"),
        ({"scheduled_deletion": datetime(2030, 1, 1)}, "has no time zone; give an aware datetime"),  # noqa: DTZ001  # meant
        ({"thumbnail_timestamp_pct": 2}, "thumbnail_timestamp_pct: must lie between 0 and 1, not 2"),
        ({"meta": {"x": object()}}, "meta: not JSON"),
        ({"public_details": {"titel": "x"}}, r"unknown keyword public_details\.titel: did you mean title"),
    ],
)
async def test_edit_refuses_before_any_request(emulator: Emulator, keywords: dict[str, Any], problem: str) -> None:
    asked: list[str] = []
    async with emulator.stream(hooks=Hooks(on_request=lambda event: asked.append(event.row))) as stream:
        with pytest.raises(InvalidInputError, match=problem):
            await stream.edit(MISSING, **keywords)
    assert asked == []


def test_an_unknown_keyword_is_a_type_error_too() -> None:
    assert issubclass(UnknownKeywordError, TypeError)
    assert issubclass(InvalidInputError, ValueError)


@pytest.mark.parametrize("identifier", ["", "..", "a/b", "x?y", "a#b", "%2e%2e", "a" * 65, "a\0b", "a b", None, 5])
async def test_an_id_that_leads_elsewhere_is_refused(stream: Stream, identifier: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"identifier: .* cannot stand in a path"):
        await stream.delete(identifier)


async def test_a_language_and_a_uid_that_changed_places_are_told_apart(stream: Stream) -> None:
    with pytest.raises(InvalidInputError, match=rf'\("en", identifier="{MISSING}"\)'):
        await stream.captions.language.vtt.get(MISSING, identifier="en")
    with pytest.raises(InvalidInputError, match="looks like a language"):
        await stream.captions.language.vtt.get("en", identifier="en")
    with pytest.raises(NotFoundError):
        await stream.get("abc")


async def test_delete_removes_and_a_second_one_finds_nothing(stream: Stream) -> None:
    uid = await pending(stream)
    await stream.delete(uid)
    with pytest.raises(NotFoundError):
        await stream.delete(uid)


async def test_list_walks_all_pages_newest_first(stream: Stream) -> None:
    uids = [await pending(stream, f"n{number}") for number in range(7)]
    assert [video.uid async for video in stream.list(limit=2)] == uids[::-1]
    assert [video.uid async for video in stream.list(limit=3, asc=True)] == uids
    page = await stream.list(limit=3, include_counts=True)
    assert ([video.uid for video in page.items], page.total) == (uids[:3:-1], 7)
    assert [len(page.items) async for page in stream.list(limit=3).pages()] == [3, 3, 1]


async def test_list_filters(stream: Stream) -> None:
    await pending(stream, "talk one")
    uid = (await stream.create(upload_length=10, upload_creator="carol", upload_metadata={"name": "two"})).uid
    assert [video.uid async for video in stream.list(creator="carol")] == [uid]
    assert [video.name async for video in stream.list(search="talk")] == ["talk one"]
    assert [video async for video in stream.list(end=datetime(2020, 1, 1, tzinfo=UTC))] == []


async def test_a_wrong_keyword_of_a_list_is_refused_at_the_call(stream: Stream) -> None:
    with pytest.raises(UnknownKeywordError, match="did you mean limit"):
        stream.list(limt=5)  # type: ignore[call-arg]  # what is tested
    with pytest.raises(InvalidInputError, match="limit: must lie between 1 and 1000"):
        stream.list(limit=1001)


async def test_storage_usage_counts(stream: Stream) -> None:
    usage = await stream.videos.storage_usage()
    assert usage.total_storage_minutes is not None
    assert usage.total_storage_minutes_limit is not None


async def test_a_token_is_signed_and_masked(stream: Stream) -> None:
    uid = await pending(stream)
    rules = [AccessRule("ip.geoip.country", "allow", country=["DE"]), AccessRule("any", "block")]
    token = (await stream.token.create(uid, downloadable=True, access_rules=rules)).token
    assert isinstance(token, Secret)
    assert str(token) not in repr(token)
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["sub"], claims["downloadable"]) == (uid, True)
    assert claims["accessRules"][0] == {"type": "ip.geoip.country", "action": "allow", "country": ["DE"]}


@pytest.mark.parametrize("kind", ["path", "bytes", "file"])
async def test_captions_come_back_byte_for_byte(stream: Stream, tmp_path: Path, kind: str) -> None:
    uid = await pending(stream)
    path = tmp_path / "talk.vtt"
    path.write_text(VTT, encoding="utf-8")
    source: Any = {"path": path, "bytes": VTT.encode(), "file": io.BytesIO(VTT.encode())}[kind]
    caption = await stream.captions.language.update("de", identifier=uid, file=source)
    assert (caption.language, caption.status, caption.generated) == ("de", "ready", False)
    assert await stream.captions.language.vtt.get("de", identifier=uid) == VTT


async def test_a_missing_caption_is_not_found_although_text_was_promised(stream: Stream) -> None:
    uid = await pending(stream)
    with pytest.raises(NotFoundError):
        await stream.captions.language.vtt.get("fr", identifier=uid)


async def test_a_caption_file_that_is_none_is_refused(stream: Stream) -> None:
    with pytest.raises(InvalidInputError, match="is not WebVTT"):
        await stream.captions.language.update("de", identifier=MISSING, file=b"1\n00:00:00,000 --> ...")


async def test_a_watermark_is_made_from_a_real_picture(stream: Stream) -> None:
    mark = await stream.watermarks.create(file=png(), name="logo", opacity=0.5, position="lowerLeft")
    assert (mark.name, mark.opacity, mark.position, mark.width, mark.height) == ("logo", 0.5, "lowerLeft", 2, 2)
    assert mark.size == len(png())


@pytest.mark.parametrize(
    ("keywords", "problem"),
    [
        ({"file": b"GIF89a"}, "file: file is not a PNG image; watermarks must be PNG"),
        ({"file": b""}, "file: file is empty"),
        ({"file": "no/such.png"}, "file: cannot open 'no/such.png': No such file or directory"),
        ({"file": "."}, "file: '.' is a directory"),
        ({"file": io.StringIO("x")}, "open it in binary mode"),
        ({"file": 5}, "expected a path, bytes or a binary file object, got int"),
        ({"file": b"\x89PNG\r\n\x1a\n" + b"x" * 2**21}, "is larger than the limit of 2097152 bytes"),
        ({"file": png(), "opacity": float("nan")}, "opacity: expected a number, got nan"),
        ({"file": png(), "position": "middle"}, "position: expected one of 'upperRight'"),
        ({}, "give either file or url"),
    ],
)
async def test_a_watermark_that_would_be_refused_is_refused_here(
    stream: Stream, keywords: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        await stream.watermarks.create(**keywords)


async def test_the_escape_hatch_reaches_everything(stream: Stream, emulator: Emulator) -> None:
    uid = await pending(stream)
    answer = await stream.request("GET", f"/accounts/{{account_id}}/stream/{uid}")
    assert answer.status == 200
    assert json.loads(answer.body)["result"]["uid"] == uid
    listed = await stream.request("get", f"/accounts/{emulator.account_id}/stream", query={"limit": "1"})
    assert len(json.loads(listed.body)["result"]) == 1
    edited = await stream.request("POST", f"/accounts/{{account_id}}/stream/{uid}", json={"creator": "dora"})
    assert json.loads(edited.body)["result"]["creator"] == "dora"
    with pytest.raises(NotFoundError):
        await stream.request("GET", "/accounts/{account_id}/stream/no/such/place")


@pytest.mark.parametrize(
    "path", ["accounts", "/a/../b", "/a/./b", "/a?b=c", "/a#b", "//evil.example/x", "/%2e%2e/x", ""]
)
async def test_the_escape_hatch_does_not_lead_out_of_the_api(stream: Stream, path: str) -> None:
    with pytest.raises(InvalidInputError, match="path: "):
        await stream.request("GET", path)


async def test_hooks_see_rows_and_never_filled_addresses(emulator: Emulator) -> None:
    events: list[Any] = []
    hooks = Hooks(on_request=events.append, on_response=events.append)
    async with emulator.stream(hooks=hooks) as stream:
        with pytest.raises(NotFoundError):
            await stream.get(MISSING)
    row = "GET /accounts/{account_id}/stream/{identifier}"
    request, response = events
    assert request == RequestEvent(row=row, attempt=1)
    assert isinstance(response, ResponseEvent)
    assert (response.row, response.status) == (row, 404)
    assert response.elapsed > 0
    assert MISSING not in repr(events)


async def test_a_wrong_token_says_what_to_check(emulator: Emulator) -> None:
    async with emulator.stream(api_token="wrong" * 8) as stream:
        with pytest.raises(AuthenticationError, match="check that the API token is valid"):
            await stream.get(MISSING)


async def test_a_view_has_its_own_settings_and_shares_the_rest(stream: Stream) -> None:
    view = stream.with_options(account_id="b" * 32, timeout=None, retry=RetryPolicy.none(), hooks=None)
    assert repr(view) == f"cfstream.Stream(account_id={'b' * 32!r})"
    with pytest.raises(StreamError):
        await view.get(MISSING)
    await view.close()
    assert await stream.list() is not None


async def test_after_close_every_call_says_so_and_closing_again_is_fine(emulator: Emulator) -> None:
    stream = emulator.stream()
    await stream.list()
    await stream.close()
    await stream.close()
    with pytest.raises(ClientClosedError, match=r"cfstream\.Stream is closed; make a new one"):
        await stream.get(MISSING)


async def test_close_ends_the_calls_that_wait(emulator: Emulator) -> None:
    stream = emulator.stream()
    uid = await pending(stream)
    waiter = asyncio.create_task(stream.wait_until_ready(uid))
    await asyncio.sleep(0.05)
    await stream.close()
    with pytest.raises(ClientClosedError, match="was closed during the call"):
        await waiter
