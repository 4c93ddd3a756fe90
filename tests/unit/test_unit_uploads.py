"""``uploads``: what can be uploaded, the options the service sees, and progress."""

import asyncio
import base64
import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from aioresponses_shim import mocked_http
from unit_kit import UID, VIDEOS_URL, client
from virtual_clock import VirtualClock

from cfstream import (
    FileChangedError,
    InvalidInputError,
    Limits,
    RetryPolicy,
    UnknownKeywordError,
    UploadError,
    UploadProgress,
)
from cfstream._tus import encode_metadata
from cfstream.uploads.options import UploadOptions
from cfstream.uploads.progress import Progress
from cfstream.uploads.sources import PIECE, open_source

LIMITS = Limits(file_max=5 * PIECE)
DATA = os.urandom(2 * PIECE + 17)


async def opened(source: Any) -> Any:
    return await open_source(source, LIMITS)


async def read(source: Any, offset: int, length: int) -> list[bytes]:
    pieces, end = [], offset + length
    while offset < end and (piece := await source.read(offset, min(PIECE, end - offset))):
        pieces.append(bytes(piece))
        offset += len(piece)
    return pieces


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "talk.mp4"
    path.write_bytes(DATA)
    return path


# --- sources -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "bytearray", "memoryview", "file", "buffer"])
async def test_every_source_gives_its_size_and_any_part_of_its_bytes_in_pieces(kind: str, path: Path) -> None:
    with path.open("rb") as file:
        source = await opened(
            {
                "path": path,
                "text": str(path),
                "bytes": DATA,
                "bytearray": bytearray(DATA),
                "memoryview": memoryview(DATA),
                "file": file,
                "buffer": io.BytesIO(DATA),
            }[kind]
        )
        assert source.size == len(DATA)
        assert source.name == ("talk.mp4" if kind in ("path", "text", "file") else None)
        for offset, length in ((0, len(DATA)), (5, 10), (PIECE - 3, 6), (len(DATA) - 1, 1), (0, PIECE + 1)):
            pieces = await read(source, offset, length)
            assert b"".join(pieces) == DATA[offset : offset + length]
            assert max(map(len, pieces)) <= PIECE
        await source.check_unchanged()
        await source.close()
        assert kind != "file" or not file.closed


async def test_a_view_of_wider_items_is_taken_by_its_bytes() -> None:
    import array

    numbers = array.array("H", range(100))
    source = await opened(memoryview(numbers))
    assert source.size == 200
    assert b"".join(await read(source, 0, 200)) == numbers.tobytes()


async def test_a_file_object_begins_where_it_stands() -> None:
    file = io.BytesIO(b"header" + DATA)
    file.seek(6)
    source = await opened(file)
    assert source.size == len(DATA)
    assert b"".join(await read(source, 0, 10)) == DATA[:10]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no/such.mp4", r"source: cannot open 'no/such\.mp4': No such file or directory"),
        (".", r"source: '\.' is a directory; give the path of a file"),
        ("", r"source: '' is not a path"),
        ("nul\0byte", r"embedded null (byte|character)"),
        (b"", "source: the data is empty; the service takes no empty videos"),
        (bytes(5 * PIECE + 1), "source: the data has 5242881 bytes; the service takes at most 5242880"),
        ("https://example.com/a.mp4", r"let the service fetch it: stream\.copy\.create"),
        (io.StringIO("x"), r"open it in binary mode \('rb'\)"),
        (5, "cannot upload int; give a path, bytes, a binary file object, an async iterator of bytes or a RangeSource"),
        (None, "cannot upload NoneType"),
        (["a.mp4"], "cannot upload list"),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_what_cannot_be_uploaded_is_refused_with_the_way_out(source: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said) as caught:
        await opened(source)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a POSIX matter")
async def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    async with asyncio.timeout(2):
        with pytest.raises(InvalidInputError, match="is not a regular file"):
            await opened(tmp_path / "pipe")


async def test_an_empty_file_is_refused_by_name(path: Path) -> None:
    os.truncate(path, 0)
    with pytest.raises(InvalidInputError, match=r"source: talk\.mp4 is empty"):
        await opened(path)


async def test_a_name_with_a_line_break_does_not_break_the_line_of_the_error(path: Path) -> None:
    os.truncate(path, 0)
    odd = path.rename(path.with_name("two\nlines.mp4"))  # noqa: ASYNC240  # nothing else runs
    with pytest.raises(InvalidInputError) as caught:
        await opened(odd)
    assert "\n" not in str(caught.value)


async def test_a_closed_file_object_is_refused_as_such(path: Path) -> None:
    file = path.open("rb")
    file.close()
    with pytest.raises(InvalidInputError, match=r"^source: "):
        await opened(file)


async def test_a_file_object_that_only_writes_is_refused_as_such(tmp_path: Path) -> None:
    with (tmp_path / "out.mp4").open("wb") as file, pytest.raises(InvalidInputError, match=r"^source: "):
        await opened(file)


@pytest.mark.parametrize("change", ["grown", "shrunk", "rewritten", "replaced"])
async def test_a_file_that_changes_is_noticed(path: Path, change: str) -> None:
    source = await opened(path)
    match change:
        case "grown":
            with path.open("ab") as file:
                file.write(b"more")
        case "shrunk":
            os.truncate(path, 100)
        case "rewritten":
            with path.open("r+b") as file:
                file.write(b"x" if DATA[:1] != b"x" else b"y")
            os.utime(path, ns=(0, 0))
        case _:
            other = path.with_suffix(".new")
            other.write_bytes(DATA)
            other.replace(path)
    with pytest.raises(FileChangedError, match=r"talk\.mp4 was changed while it was uploaded"):
        await source.check_unchanged()
    await source.close()


async def test_a_file_that_was_renamed_or_deleted_is_still_the_one_being_read(path: Path) -> None:
    source = await opened(path)
    path.unlink()  # noqa: ASYNC240  # nothing else runs
    await source.check_unchanged()
    assert b"".join(await read(source, 0, len(DATA))) == DATA
    await source.close()


async def test_bytes_that_are_gone_are_noticed_while_reading(path: Path) -> None:
    source = await opened(path)
    os.truncate(path, PIECE)
    assert await source.read(PIECE, 10) == b""
    await source.close()
    buffer = io.BytesIO(DATA)
    source = await opened(buffer)
    buffer.truncate(5)
    assert await source.read(5, 10) == b""
    with pytest.raises(FileChangedError, match="the file object was changed"):
        await source.check_unchanged()


# --- addresses the service gives -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "location",
    [
        "https://[bad/x",
        "https://[::1",
        "https://h:99999/x",
        "https://h:port/x",
        "https://evil.example\\@api.cloudflare.com/x",
        "http://upload.example/x",
        "ftp://upload.example/x",
        "file:///etc/passwd",
    ],
)
async def test_an_address_that_cannot_be_used_is_a_typed_error_and_gets_no_bytes(location: str) -> None:
    async with client(retry=RetryPolicy.none()) as stream:
        with mocked_http() as api:
            api.post(VIDEOS_URL, status=201, headers={"Location": location, "stream-media-id": UID})
            with pytest.raises(UploadError, match="address") as caught:
                await stream.upload(b"video")
            assert [method for method, _ in api.requests] == ["POST", "DELETE"]
    assert caught.value.uid == UID
    assert "\n" not in str(caught.value)


# --- options -----------------------------------------------------------------------------------------------------

DAY = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)


def test_options_become_the_metadata_the_service_acts_on() -> None:
    options = UploadOptions(
        name="Talk",
        meta={"speaker": "Zoë"},
        creator="alice",
        require_signed_urls=True,
        allowed_origins=["a.example"],
        thumbnail_timestamp_pct=0.25,
        watermark="5d" * 16,
        scheduled_deletion=DAY,
        max_duration_seconds=60,
        expiry=DAY,
    )
    assert options.metadata("file.mp4") == {
        "name": "Talk",
        "requiresignedurls": None,
        "thumbnailtimestamppct": "0.25",
        "watermark": "5d" * 16,
        "scheduleddeletion": f"{DAY:%Y-%m-%dT%H:%M:%SZ}",
        "maxdurationseconds": "60",
        "expiry": f"{DAY:%Y-%m-%dT%H:%M:%SZ}",
        "speaker": "Zoë",
    }
    assert options.edits() == {"allowed_origins": ["a.example"]}
    assert UploadOptions().edits() == {}
    assert UploadOptions(allowed_origins=[]).edits() == {"allowed_origins": []}


def test_the_file_gives_the_name_where_none_is_given() -> None:
    assert UploadOptions().metadata("file.mp4") == {"name": "file.mp4"}
    assert UploadOptions().metadata(None) == {}
    assert UploadOptions(name="").metadata("file.mp4") == {"name": ""}


def test_a_flag_that_is_off_is_not_sent_because_its_presence_alone_counts() -> None:
    assert UploadOptions(require_signed_urls=False).metadata(None) == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": 5}, "^name: expected text"),
        ({"creator": "x" * 65}, "^creator: takes at most 64 characters"),
        ({"require_signed_urls": "yes"}, "^require_signed_urls: expected True or False"),
        ({"thumbnail_timestamp_pct": 1.5}, "^thumbnail_timestamp_pct: must lie between 0 and 1"),
        ({"allowed_origins": "a.example"}, "^allowed_origins: expected a list"),
        ({"watermark": 5}, "^watermark: expected text"),
        ({"scheduled_deletion": "tomorrow"}, "^scheduled_deletion: expected a datetime"),
        ({"expiry": DAY.replace(tzinfo=None)}, "^expiry: .* has no time zone"),
        ({"max_duration_seconds": 0}, "^max_duration_seconds: must lie between 1 and 36000"),
        ({"meta": {"Name": "x"}}, "^meta: the service acts on 'Name'; give it as name="),
        ({"meta": {"requireSignedURLs": "x"}}, "give it as require_signed_urls="),
        ({"meta": {"maxDurationSeconds": "5"}}, "give it as max_duration_seconds="),
        ({"meta": {"size": 5}}, "upload metadata: size must be text"),
        ({"meta": {"two words": "x"}}, "upload metadata: key 'two words'"),
        ({"meta": {5: "x"}}, "upload metadata: key 5"),
        ({"meta": ["speaker"]}, "^meta: "),
        ({"meta": "speaker"}, "^meta: "),
    ],
    ids=str,
)
def test_options_the_service_would_refuse_or_ignore_are_refused(options: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        encode_metadata(UploadOptions(**options).metadata("file.mp4"))


def test_a_file_name_that_is_no_unicode_does_not_break_the_upload() -> None:
    header = encode_metadata(UploadOptions().metadata(os.fsdecode(b"caf\xe9.mp4")))
    key, _, value = header.partition(" ")
    assert key == "name"
    assert base64.b64decode(value).decode().startswith("caf")


def test_names_of_options_are_all_checked_by_one_set() -> None:
    from cfstream.models import UploadParams

    known = {field.name for field in attrs.fields(UploadOptions)}
    assert set(UploadParams.__annotations__) == known - {"meta", "chunk_size"}
    with pytest.raises(TypeError):
        UploadOptions(nonsense=1)  # type: ignore[call-arg]  # refused on purpose
    assert issubclass(UnknownKeywordError, TypeError)


MIB = 1024 * 1024


@pytest.mark.parametrize(("given", "size"), [(None, 50 * MIB), (5 * MIB, 5 * MIB), (200 * MIB, 200 * MIB)])
def test_chunks_are_50_mib_or_what_the_service_takes(given: int | None, size: int) -> None:
    assert UploadOptions(chunk_size=given).chunk(Limits()) == size


@pytest.mark.parametrize(
    "size", [0, -1, 1, 5 * MIB - 1, 5 * MIB + 1, 201 * MIB, 5.0 * MIB, "5 MiB", True, float("nan")]
)
def test_other_chunks_are_refused_with_the_rule(size: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"chunk_size: .* give a multiple of 262144 from 5242880 to 209715200"):
        UploadOptions(chunk_size=size).chunk(Limits())


# --- progress ----------------------------------------------------------------------------------------------------


async def test_progress_is_told_at_most_ten_times_a_second_and_always_when_it_counts() -> None:
    clock, seen = VirtualClock(), list[UploadProgress]()
    progress = Progress("talk.mp4", 1000, clock, seen.append)
    progress.uid = "u"
    await progress.at(0, now=True)
    for position in range(0, 1000, 10):
        clock.now += 0.01
        await progress.at(position)
    await progress.at(1000, now=True)
    assert [event.bytes for event in seen][0 :: len(seen) - 1] == [0, 1000]
    assert 10 <= len(seen) <= 13
    assert {(event.source, event.uid, event.total, event.attempt) for event in seen} == {("talk.mp4", "u", 1000, 1)}


async def test_the_rate_is_that_of_the_last_seconds() -> None:
    clock, seen = VirtualClock(), list[UploadProgress]()
    progress = Progress("x", 10_000, clock, seen.append)
    position = 0
    for speed in [100] * 20 + [10] * 20:
        clock.now += 1
        position += speed
        await progress.at(position, now=True)
    assert seen[18].rate == pytest.approx(100)
    assert seen[-1].rate == pytest.approx(10, rel=0.05)


async def test_going_back_does_not_make_the_rate_negative() -> None:
    clock, seen = VirtualClock(), list[UploadProgress]()
    progress = Progress("x", 1000, clock, seen.append)
    for position in (0, 500, 100, 200):
        clock.now += 1
        await progress.at(position, now=True)
    assert all(event.rate >= 0 for event in seen)
    assert seen[-1].rate == pytest.approx(100)


async def test_whoever_watches_may_be_async() -> None:
    seen = []

    async def watch(event: UploadProgress) -> None:
        await asyncio.sleep(0)
        seen.append(event.bytes)

    await Progress("x", 5, VirtualClock(), watch).at(5, now=True)
    assert seen == [5]


async def test_nobody_needs_to_watch() -> None:
    await Progress("x", 5, VirtualClock(), None).at(5, now=True)
