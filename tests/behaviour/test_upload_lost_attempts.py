"""Attempts whose answer was lost are found whatever comes in between, and nothing else is taken for what they made."""

import contextlib
import os
import sqlite3
import time
from pathlib import Path

import pytest
from upload_kit import KIB, quick, stored, uids, unknown, walked
from virtual_clock import VirtualClock

from cfstream import CopyJob, InvalidInputError, Uploaded, UploadFailed
from cfstream.emulator import Emulator, Fault

URL = "https://a.invalid/film.mp4"
LOST = Fault.drop(after_commit=True)
DATA = os.urandom(100 * KIB)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "uploads.db"


@pytest.mark.parametrize("status", [403, 500])
async def test_a_copy_that_could_not_be_looked_for_is_found_by_the_next_run(
    emulator: Emulator, journal: Path, status: int
) -> None:
    emulator.faults.add("COPY_CREATE", LOST)
    emulator.faults.add("STREAM_LIST", Fault.status(status), times=100)
    async with quick(emulator) as stream:
        (failed,) = await walked(stream.upload_many([CopyJob(URL)], journal=journal))
        assert isinstance(failed, UploadFailed)
        assert unknown(journal) == 1
        emulator.faults.clear()
        (done,) = await walked(stream.upload_many([CopyJob(URL)], journal=journal))
    assert await uids(emulator) == [done.uid]
    assert emulator.requests.count("COPY_CREATE") == 1
    assert unknown(journal) == 0


async def test_of_a_copy_whose_options_are_refused_the_journal_hears_no_attempt(
    emulator: Emulator, journal: Path
) -> None:
    async with quick(emulator) as stream:
        await stream.upload_many([], journal=journal).run()
        with contextlib.closing(sqlite3.connect(journal)) as database:
            database.executescript(
                "CREATE TABLE heard (op TEXT); "
                "CREATE TRIGGER hear AFTER INSERT ON creations BEGIN INSERT INTO heard VALUES (new.op); END;"
            )
        refused = CopyJob(URL, creater="alice")  # type: ignore[call-arg]  # on purpose
        (outcome,) = await walked(stream.upload_many([refused], journal=journal))
    assert isinstance(outcome.error, InvalidInputError)
    with contextlib.closing(sqlite3.connect(journal)) as database:
        assert database.execute("SELECT * FROM heard").fetchall() == []


@pytest.mark.parametrize("kept", [True, False])
async def test_a_copy_of_an_address_that_is_no_text_harms_no_neighbour(
    emulator: Emulator, film: Path, journal: Path, kept: bool
) -> None:
    jobs: list[CopyJob | Path] = [CopyJob("https://a.invalid/\ud800.mp4"), film]
    async with quick(emulator) as stream:
        outcomes = await walked(stream.upload_many(jobs, journal=journal if kept else None, concurrency=1))
    assert [type(outcome) for outcome in outcomes] == [UploadFailed, Uploaded]


async def test_a_run_of_another_account_leaves_lost_attempts_alone(
    emulator: Emulator, film: Path, journal: Path
) -> None:
    emulator.faults.add("COPY_CREATE", LOST)
    emulator.faults.add("STREAM_LIST", Fault.drop(), times=100)
    async with Emulator(account_id="b" * 32) as other, quick(emulator) as first, quick(other) as second:
        other.pause_encoding()
        await first.upload_many([CopyJob(URL)], journal=journal).run()
        emulator.faults.clear()
        assert unknown(journal) == 1
        (done,) = await walked(second.upload_many([film], journal=journal))
        assert isinstance(done, Uploaded)
        assert unknown(journal) == 1
        (found,) = await walked(first.upload_many([CopyJob(URL)], journal=journal))
    assert await uids(emulator) == [found.uid]


async def test_an_empty_upload_is_not_taken_for_the_video_whatever_its_state(
    emulator: Emulator, film: Path, journal: Path
) -> None:
    emulator.faults.add("STREAM_CREATE", LOST)
    emulator.faults.add("STREAM_LIST", Fault.drop(), times=100)
    async with quick(emulator) as stream:
        await stream.upload_many([film], journal=journal).run()
        emulator.faults.clear()
        (empty,) = await uids(emulator)
        emulator._running.library.change(empty, state="error")
        (done,) = await walked(stream.upload_many([film], journal=journal))
    assert isinstance(done, Uploaded)
    assert not done.from_journal
    assert stored(emulator, done.uid) == DATA


async def test_a_clock_that_is_hours_ahead_hides_no_lost_attempt(emulator: Emulator, film: Path, journal: Path) -> None:
    emulator.faults.add("STREAM_CREATE", LOST)
    emulator.faults.add("COPY_CREATE", LOST)
    ahead = VirtualClock(epoch=time.time() + 5 * 3600)
    async with quick(emulator, ahead) as stream:
        outcomes = await walked(stream.upload_many([film, CopyJob(URL)], journal=journal, concurrency=1))
    assert all(isinstance(outcome, Uploaded) for outcome in outcomes)
    assert emulator.requests.count("COPY_CREATE") == 1
    assert sorted(await uids(emulator)) == sorted(outcome.uid for outcome in outcomes)
    assert unknown(journal) == 0
