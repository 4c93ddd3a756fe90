"""Videos that are deleted after their upload, and journals that go by two names."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cfstream import Stream, Uploaded
from cfstream.emulator import Emulator


@pytest.fixture
async def stream(emulator: Emulator) -> AsyncIterator[Stream]:
    async with emulator.stream() as client:
        yield client


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(100_000))
    return path


async def uploaded(stream: Stream, film: Path, journal: Path) -> Uploaded:
    (outcome,) = [outcome async for outcome in stream.upload_many([film], journal=journal)]
    assert isinstance(outcome, Uploaded)
    return outcome


async def test_a_video_deleted_since_is_uploaded_again_by_upload_or_with_another_journal(
    stream: Stream, film: Path
) -> None:
    journal = film.with_name("uploads.db")
    first = await uploaded(stream, film, journal)
    await stream.delete(first.uid)
    same = await uploaded(stream, film, journal)
    assert (same.uid, same.from_journal) == (first.uid, True)
    assert [video.uid async for video in stream.list()] == []
    again = await stream.upload(film, resume=journal)
    assert [video.uid async for video in stream.list()] == [again.uid]
    assert (await uploaded(stream, film, journal)).uid == again.uid
    other = await uploaded(stream, film, film.with_name("other.db"))
    assert not other.from_journal


async def test_a_journal_that_goes_by_two_names_is_one(stream: Stream, film: Path) -> None:
    folder = film.parent / "state"
    folder.mkdir()
    (film.parent / "linked").symlink_to(folder)
    names = [folder / "uploads.db", film.parent / "linked" / "uploads.db", folder / ".." / "state" / "uploads.db"]
    videos = await asyncio.gather(*(stream.upload(film, resume=name) for name in names))
    assert len({video.uid for video in videos}) == 1
