"""Uploads to the emulator: every source, every byte, one connection, resumed where the server stands."""

import asyncio
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cfstream import (
    AuthenticationError,
    FileChangedError,
    Hooks,
    InvalidInputError,
    Stream,
    UploadError,
    UploadProgress,
)
from cfstream._retry import RetryPolicy
from cfstream.emulator import Emulator

KIB = 1024
QUICK = RetryPolicy(base=0.001, cap=0.002)


def stored(emulator: Emulator, uid: str) -> bytes:
    """Give the bytes the server holds."""
    return emulator._running.library.source(uid).read_bytes()


async def test_a_path_arrives_byte_for_byte(emulator: Emulator, stream: Stream, noise: bytes, tmp_path: Path) -> None:
    path = tmp_path / "talk ü.mp4"
    path.write_bytes(noise)
    video = await stream.upload(path, creator="alice", meta={"lecture": "7"}, require_signed_urls=True)
    assert hashlib.sha256(stored(emulator, video.uid)).digest() == hashlib.sha256(noise).digest()
    assert (video.name, video.creator, video.require_signed_urls) == ("talk ü.mp4", "alice", True)
    assert video.meta["lecture"] == "7"
    assert video.status.state == "queued"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO])
async def test_bytes_and_file_objects_arrive(
    emulator: Emulator, stream: Stream, noise: bytes, kind: Callable[[bytes], Any]
) -> None:
    video = await stream.upload(kind(noise), name="from memory")
    assert stored(emulator, video.uid) == noise
    assert video.name == "from memory"


async def test_a_file_object_is_read_from_where_it_stands_and_left_open(
    emulator: Emulator, stream: Stream, noise: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "tail.bin"
    path.write_bytes(noise)
    with path.open("rb") as file:  # a test may wait for a small file
        file.seek(1000)
        video = await stream.upload(file)
        assert not file.closed
    assert stored(emulator, video.uid) == noise[1000:]
    assert video.name == "tail.bin"


@pytest.mark.parametrize("size", [1, 64 * KIB - 1, 64 * KIB, 256 * KIB, 256 * KIB + 1, 512 * KIB])
async def test_sizes_around_the_chunk_borders(emulator: Emulator, stream: Stream, noise: bytes, size: int) -> None:
    video = await stream.upload(noise[:size], chunk_size=256 * KIB)
    assert stored(emulator, video.uid) == noise[:size]


async def test_the_chunks_are_as_asked_for_and_go_over_one_connection(
    emulator: Emulator, noise: bytes, through_proxy: Callable[..., Any]
) -> None:
    rows: list[str] = []
    hooks = Hooks(on_request=lambda event: rows.append(event.row))
    async with through_proxy() as (proxy, options), emulator.stream(hooks=hooks, **options) as stream:
        await stream.upload(noise, chunk_size=128 * KIB)
    assert rows.count("PATCH {upload_url}") == 8
    assert rows[0] == "POST /accounts/{account_id}/stream"
    assert "HEAD {upload_url}" not in rows
    assert proxy.connections == 1


@pytest.mark.parametrize("cut_at", [1000, 100 * KIB, 300 * KIB, 600 * KIB])
async def test_a_lost_connection_is_resumed_where_the_server_stands(
    emulator: Emulator, noise: bytes, through_proxy: Callable[..., Any], cut_at: int
) -> None:
    events: list[UploadProgress] = []
    async with (
        through_proxy(cut_at, 50 * KIB) as (proxy, options),
        emulator.stream(retry=QUICK, **options) as stream,
    ):
        video = await stream.upload(noise, on_progress=events.append)
    assert not proxy.cuts
    assert proxy.forwarded < len(noise) + 2 * 256 * KIB
    assert stored(emulator, video.uid) == noise
    assert events[-1].attempt > 1


async def test_progress_counts_every_byte_and_names_the_upload(stream: Stream, noise: bytes, tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(noise)
    events: list[UploadProgress] = []

    async def note(event: UploadProgress) -> None:
        await asyncio.sleep(0)
        events.append(event)

    video = await stream.upload(path, on_progress=note)
    first, last = events[0], events[-1]
    assert (first.bytes, first.source, first.uid) == (0, "talk.mp4", video.uid)
    assert (last.bytes, last.total, last.attempt) == (len(noise), len(noise), 1)
    assert [event.bytes for event in events] == sorted(event.bytes for event in events)
    assert last.rate > 0


async def test_a_file_that_changes_on_the_way_is_no_video(stream: Stream, noise: bytes, tmp_path: Path) -> None:
    path = tmp_path / "growing.mp4"
    path.write_bytes(noise)

    def write_more(event: UploadProgress) -> None:
        if 0 < event.bytes < event.total:
            with path.open("ab") as file:
                file.write(b"more")

    with pytest.raises(FileChangedError, match=r"growing\.mp4 was changed"):
        await stream.upload(path, on_progress=write_more)
    assert [video async for video in stream.list()] == []


async def test_a_file_that_shrinks_on_the_way_is_no_video(stream: Stream, noise: bytes, tmp_path: Path) -> None:
    path = tmp_path / "shrinking.mp4"
    path.write_bytes(noise)

    def cut(event: UploadProgress) -> None:
        if event.bytes:
            path.write_bytes(b"short")

    with pytest.raises(FileChangedError):
        await stream.upload(path, on_progress=cut, chunk_size=1024 * KIB)


async def test_allowed_origins_are_set_before_the_first_byte(stream: Stream, noise: bytes) -> None:
    seen: list[tuple[str, ...]] = []

    async def look(event: UploadProgress) -> None:
        if not seen:
            seen.append((await stream.get(event.uid)).allowed_origins)

    video = await stream.upload(noise, allowed_origins=["example.com"], on_progress=look)
    assert seen == [("example.com",)]
    assert video.allowed_origins == ("example.com",)


async def test_cancelling_leaves_nothing_running(stream: Stream, noise: bytes) -> None:
    started = asyncio.Event()

    async def stall(event: UploadProgress) -> None:
        started.set()
        await asyncio.Event().wait()

    before = asyncio.all_tasks()
    upload = asyncio.create_task(stream.upload(noise, on_progress=stall))
    await started.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    await asyncio.sleep(0)
    assert {task for task in asyncio.all_tasks() - before if "web_protocol" not in repr(task)} == set()


@pytest.mark.parametrize("delay", [0.001, 0.002, 0.005, 0.01, 0.02, 0.03])
async def test_cancelling_in_the_middle_of_a_read_is_a_plain_cancellation(
    stream: Stream, tmp_path: Path, delay: float
) -> None:
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(400_000_000)
    upload = asyncio.create_task(stream.upload(path, chunk_size=1024 * KIB))
    await asyncio.sleep(delay)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert (await stream.list()).items is not None


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("missing.mp4", "cannot open 'missing.mp4': No such file"),
        (".", "'.' is a directory; give the path of a file"),
        ("", "'' is not a path"),
        ("https://example.com/v.mp4", r"let the service fetch it: stream\.copy\.create"),
        (b"", "the data is empty"),
        (io.StringIO("text"), r"open it in binary mode \('rb'\)"),
        (17, "cannot upload int; give a path, bytes, a binary file object, an async iterator of bytes"),
        ("/dev/zero", "is not a regular file"),
    ],
)
async def test_what_cannot_be_uploaded_is_refused_before_any_request(
    emulator: Emulator, source: Any, problem: str
) -> None:
    asked: list[str] = []
    async with emulator.stream(hooks=Hooks(on_request=lambda event: asked.append(event.row))) as stream:
        with pytest.raises(InvalidInputError, match=problem):
            await stream.upload(source)
    assert asked == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"chunk_size": 100}, "chunk_size: 100 is refused by the service; give a multiple of 65536 from 65536 to"),
        ({"chunk_size": 64 * KIB + 1}, "give a multiple of"),
        ({"creator": "x" * 65}, "creator: takes at most 64 characters, not 65"),
        ({"creator": "a\r\nX-Evil: 1"}, "upload_creator: line breaks and control characters"),
        ({"meta": {"": "x"}}, "upload metadata: key ''"),
        ({"meta": {"a b": "x"}}, "upload metadata: key 'a b'"),
        ({"meta": {"n": 5}}, r"n must be text, got int; write str\(value\)"),
        ({"meta": {"RequireSignedURLs": "x"}}, "give it as require_signed_urls="),
        ({"meta": {"long": "x" * 9000}}, "above the limit of 8192"),
        ({"thumbnail_timestamp_pct": 1.5}, "thumbnail_timestamp_pct: must lie between 0 and 1, not 1.5"),
        ({"max_duration_seconds": 0}, "max_duration_seconds: must lie between 1 and 36000, not 0"),
    ],
)
async def test_options_the_service_would_refuse_are_refused_before_any_request(
    emulator: Emulator, options: dict[str, Any], problem: str
) -> None:
    asked: list[str] = []
    async with emulator.stream(hooks=Hooks(on_request=lambda event: asked.append(event.row))) as stream:
        with pytest.raises(InvalidInputError, match=problem):
            await stream.upload(b"bytes", **options)
    assert asked == []


async def test_a_wrong_token_is_one_attempt(emulator: Emulator, noise: bytes) -> None:
    asked: list[str] = []
    hooks = Hooks(on_request=lambda event: asked.append(event.row))
    async with emulator.stream(api_token="wrong" * 8, hooks=hooks) as stream:
        with pytest.raises(AuthenticationError):
            await stream.upload(noise)
    assert len(asked) == 1


async def test_a_server_that_takes_nothing_ends_in_an_error_that_names_the_place(
    emulator: Emulator, noise: bytes, through_proxy: Callable[..., Any]
) -> None:
    async with through_proxy(100 * KIB, *[0] * 30) as (_, options), emulator.stream(retry=QUICK, **options) as stream:
        with pytest.raises(UploadError, match="no progress after 8 attempts at byte") as caught:
            await stream.upload(noise, chunk_size=64 * KIB)
    assert caught.value.retryable
    assert caught.value.uid
    assert caught.value.offset > 0
