"""The same source twice at once, sources that are gone for a while, and failures that no journal can keep."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cfstream import CopyJob, InvalidInputError, RetryPolicy, Stream, Uploaded, UploadFailed
from cfstream.emulator import Emulator, Fault


@pytest.fixture
async def stream(emulator: Emulator) -> AsyncIterator[Stream]:
    async with emulator.stream(retry=RetryPolicy(base=0.001, cap=0.002)) as client:
        yield client


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(300_000))
    return path


async def test_a_source_that_is_given_twice_at_once_is_uploaded_once(stream: Stream, film: Path) -> None:
    journal = film.with_name("uploads.db")
    jobs: list[Any] = [film, film, str(film), CopyJob("https://a.invalid/v.mp4"), CopyJob("https://a.invalid/v.mp4")]
    outcomes = [outcome async for outcome in stream.upload_many(jobs, journal=journal)]
    assert all(isinstance(outcome, Uploaded) for outcome in outcomes)
    assert sum(not outcome.from_journal for outcome in outcomes if isinstance(outcome, Uploaded)) == 2
    assert len([video async for video in stream.list()]) == 2
    videos = await asyncio.gather(*(stream.upload(film, resume=film.with_name("other.db")) for _ in range(3)))
    assert len({video.uid for video in videos}) == 1


async def test_runs_with_one_journal_leave_each_other_alone(emulator: Emulator, stream: Stream, tmp_path: Path) -> None:
    files = [tmp_path / f"film {number}.mp4" for number in range(20)]
    for path in files:
        path.write_bytes(os.urandom(100_000))

    async def run(part: list[Path], turns: int) -> None:
        for _ in range(turns * 40):
            await asyncio.sleep(0)
        await stream.upload_many(part, journal=tmp_path / "uploads.db", concurrency=4).run()

    await asyncio.gather(*(run(files[number::10], number) for number in range(10)))
    assert len([video async for video in stream.list()]) == 20
    assert emulator.requests.count("STREAM_DELETE") == 0


async def test_a_file_that_is_gone_for_a_while_is_gone_on_with(emulator: Emulator, stream: Stream, film: Path) -> None:
    journal, away = film.with_name("uploads.db"), film.with_name("away.mp4")
    emulator.faults.add("TUS_PATCH", Fault.status(413))
    assert (await stream.upload_many([film], journal=journal).run()).done == 0
    await asyncio.to_thread(film.rename, away)
    assert (await stream.upload_many([film], journal=journal).run()).done == 0
    await asyncio.to_thread(away.rename, film)
    assert (await stream.upload_many([film], journal=journal).run()).done == 1
    assert emulator.requests.count("STREAM_CREATE") == 1


async def test_a_report_tells_also_of_what_no_journal_can_keep(stream: Stream, film: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 1000

    jobs: list[Any] = [film, pieces(), 5]
    report = await stream.upload_many(jobs, journal=film.with_name("uploads.db")).run()
    assert (report.done, sorted(entry.source for entry in report.failed)) == (1, ["async_generator", "int"])


async def test_a_copy_with_wrong_options_harms_no_neighbour(stream: Stream, film: Path) -> None:
    wrong = CopyJob("https://a.invalid/v.mp4", meta=5)  # type: ignore[arg-type]  # on purpose
    outcomes = [outcome async for outcome in stream.upload_many([wrong, film])]
    assert sorted(type(outcome) is Uploaded for outcome in outcomes) == [False, True]
    (failed,) = [outcome for outcome in outcomes if isinstance(outcome, UploadFailed)]
    assert isinstance(failed.error, InvalidInputError)
