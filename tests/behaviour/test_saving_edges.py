"""Downloads that were killed at the worst moment, and connections that break again and again."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from raw_server import Behaviour, RawServer, answers, http
from unit_kit import UID, client, envelope
from upload_kit import KIB

from cfstream import NotFoundError, RetryPolicy, Stream
from cfstream.saving import part

DATA = os.urandom(1000 * KIB)
TAG = '"v1"'
NOTE = json.dumps({"video": UID, "type": "default", "validator": TAG, "total": len(DATA)})
GONE = answers("404 Not Found")


def serves(most: int = len(DATA)) -> Behaviour:
    """Serve the file from where it is asked for, and hang up after so many bytes."""

    async def behave(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
        start = first_byte(head)
        shown = {"Content_Range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"} if start else {}
        body = DATA[start:]
        answer = http("206 Partial Content" if start else "200 OK", body, content_type="video/mp4", ETag=TAG, **shown)
        writer.write(answer[: len(answer) - len(body) + most])
        await writer.drain()
        writer.close()

    return behave


def first_byte(head: bytes) -> int:
    return int((head.partition(b"Range: bytes=")[2] or b"0").partition(b"-")[0])


@asynccontextmanager
async def media(*behaviours: Behaviour) -> AsyncIterator[tuple[Stream, RawServer]]:
    """Give a client whose video has a download, and the host where that is."""
    async with RawServer(*behaviours) as host:
        made: Any = {"default": {"status": "ready", "url": f"{host.url}/{UID}/downloads/default.mp4"}}
        waits = RetryPolicy(base=0.001, cap=0.002)
        async with (
            RawServer(answers("200 OK", envelope(made))) as api,
            client(base_url=f"{api.url}/client/v4", retry=waits) as stream,
        ):
            yield stream, host


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def inode(path: Path) -> int:
    return path.stat().st_ino


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A file whose download was killed right after it had got its final name."""
    (tmp_path / "a.mp4.part").write_bytes(DATA)
    (tmp_path / "a.mp4.part.json").write_text(NOTE)
    (tmp_path / "a.mp4").hardlink_to(tmp_path / "a.mp4.part")
    return tmp_path / "a.mp4"


async def test_a_finished_file_whose_download_was_killed_survives_a_later_one_that_fails(killed: Path) -> None:
    async with media(GONE) as (stream, _):
        with pytest.raises(NotFoundError):
            await stream.downloads.save(UID, killed, overwrite=True)
    assert files(killed.parent) == {"a.mp4": DATA}


async def test_a_finished_file_whose_download_was_killed_is_replaced_by_a_later_one(killed: Path) -> None:
    before = inode(killed)
    async with media(serves()) as (stream, host):
        assert await stream.downloads.save(UID, killed, overwrite=True) == killed
    assert files(killed.parent) == {"a.mp4": DATA}
    assert inode(killed) != before
    assert [first_byte(request) for request in host.requests] == [0]


async def test_whatever_comes_before_a_connection_breaks_counts(tmp_path: Path) -> None:
    async with media(serves(300 * KIB)) as (stream, host):
        saved = await stream.downloads.save(UID, tmp_path / "a.mp4")
    assert saved.read_bytes() == DATA
    assert [first_byte(request) for request in host.requests] == [0, 300 * KIB, 600 * KIB, 900 * KIB]


@pytest.mark.parametrize(("there", "trusted"), [(2047, 1024), (2048, 1024), (2049, 2048)])
async def test_a_block_counts_once_a_byte_of_the_next_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: int, trusted: int
) -> None:
    monkeypatch.setattr(part, "_BLOCK", 1024)
    (tmp_path / "a.mp4.part").write_bytes(DATA[:trusted] + bytes(there - trusted))
    (tmp_path / "a.mp4.part.json").write_text(NOTE)
    async with media(serves()) as (stream, host):
        saved = await stream.downloads.save(UID, tmp_path / "a.mp4")
    assert [first_byte(request) for request in host.requests] == [trusted]
    assert saved.read_bytes() == DATA
