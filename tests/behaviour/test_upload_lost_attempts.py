"""Attempts whose answer was lost are found whatever comes in between, and nothing else is taken for what they made."""

import contextlib
import os
import sqlite3
import time
from pathlib import Path

import pytest
from upload_kit import KIB, quick, stored, there, uids, unknown, walked
from virtual_clock import VirtualClock

from cfstream import (
    CopyJob,
    Hooks,
    InvalidInputError,
    PermissionDeniedError,
    ResponseEvent,
    Uploaded,
    UploadFailed,
    UploadJob,
    UploadJournal,
    UploadProgress,
)
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


@pytest.mark.parametrize("many", [False, True])
async def test_without_a_journal_a_lost_attempt_that_shows_late_is_cleared_away_when_its_upload_ends(
    emulator: Emulator, film: Path, many: bool
) -> None:
    emulator.list_lag = 3600.0  # longer than the upload is looked for before another one is made
    emulator.faults.add("STREAM_CREATE", LOST)
    looked: list[int] = []

    def catch_up(_: UploadProgress) -> None:
        looked.append(emulator.requests.count("STREAM_LIST"))
        emulator.list_lag = 0.0

    async with quick(emulator) as stream:
        if many:
            await stream.upload_many([film], on_progress=catch_up).run()
        else:
            await stream.upload(film, on_progress=catch_up)
    assert looked[0] > 1  # in vain
    assert emulator.requests.count("STREAM_CREATE") == 2
    assert await there(emulator) == [DATA]


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


# --- lists that lag further behind than anybody waits --------------------------------------------------------------

LONG = 3600.0


async def test_what_shows_before_the_run_ends_is_cleared_away(emulator: Emulator, film: Path, journal: Path) -> None:
    emulator.list_lag = LONG
    emulator.faults.add("COPY_CREATE", LOST)
    emulator.faults.add("STREAM_CREATE", LOST)

    def catch_up(_: object) -> None:
        emulator.list_lag = 0

    async with quick(emulator) as stream:
        uploads = stream.upload_many([CopyJob(URL), film], journal=journal, concurrency=1, on_progress=catch_up)
        report = await uploads.run()
        assert (report.done, report.unknown) == (2, 0)
        assert len(await uids(emulator)) == 2
        assert len([video async for video in stream.list()]) == 2


@pytest.mark.parametrize("kept", [True, False])
async def test_a_copy_that_shows_once_it_was_made_again_is_cleared_away(
    emulator: Emulator, journal: Path, kept: bool
) -> None:
    emulator.list_lag = LONG
    emulator.faults.add("COPY_CREATE", LOST)

    def catch_up(event: ResponseEvent) -> None:
        if event.row.endswith("/copy"):
            emulator.list_lag = 0

    async with quick(emulator, hooks=Hooks(on_response=catch_up)) as stream:
        (done,) = await walked(stream.upload_many([CopyJob(URL)], journal=journal if kept else None))
        assert emulator.requests.count("COPY_CREATE") == 2
    assert await uids(emulator) == [done.uid]
    assert not kept or UploadJournal(journal).report().unknown == 0


@pytest.mark.parametrize("copy", [True, False])
async def test_a_late_look_that_fails_fails_no_upload(emulator: Emulator, film: Path, copy: bool) -> None:
    emulator.list_lag = LONG
    emulator.faults.add("COPY_CREATE" if copy else "STREAM_CREATE", LOST)

    def refuse(event: ResponseEvent) -> None:
        if event.row.startswith("POST"):
            emulator.faults.add("STREAM_LIST", Fault.status(403))

    async with quick(emulator, hooks=Hooks(on_response=refuse)) as stream:
        (done,) = await walked(stream.upload_many([CopyJob(URL) if copy else film]))
    assert isinstance(done, Uploaded)


async def test_what_shows_after_the_run_is_reported_and_cleared_away_by_one_ten_minutes_later(
    emulator: Emulator, film: Path, journal: Path
) -> None:
    clock = VirtualClock(epoch=time.time())
    emulator.list_lag = LONG
    emulator.faults.add("COPY_CREATE", LOST)
    emulator.faults.add("STREAM_CREATE", LOST)
    sources: list[CopyJob | Path] = [CopyJob(URL), film]
    async with quick(emulator, clock) as stream:
        report = await stream.upload_many(sources, journal=journal).run()
        assert (report.done, report.failed, report.unknown) == (2, (), 2)
        emulator.list_lag = 0
        assert len(await uids(emulator)) == 4
        emulator.requests.clear()
        report = await stream.upload_many(sources, journal=journal).run()
        assert (report.done, report.unknown) == (2, 2)
        assert len(emulator.requests) == 0  # at once it would hardly see more
        clock.now += 601
        before = len(clock.slept)
        again = await walked(stream.upload_many(sources, journal=journal))
        assert clock.slept[before:] == []
    assert sorted(await uids(emulator)) == sorted(outcome.uid for outcome in again)
    assert UploadJournal(journal).report().unknown == 0


async def test_what_was_never_made_is_forgotten_ten_minutes_later(emulator: Emulator, journal: Path) -> None:
    clock = VirtualClock(epoch=time.time())
    emulator.faults.add("COPY_CREATE", Fault.drop())
    async with quick(emulator, clock) as stream:
        assert (await stream.upload_many([CopyJob(URL)], journal=journal).run()).unknown == 1
        clock.now += 601
        assert (await stream.upload_many([CopyJob(URL)], journal=journal).run()).unknown == 0
    assert len(await uids(emulator)) == 1


async def test_one_upload_by_itself_reports_it_too(emulator: Emulator, film: Path, journal: Path) -> None:
    emulator.list_lag = LONG
    emulator.faults.add("STREAM_CREATE", LOST)
    emulator.faults.add("TUS_PATCH", Fault.status(403))
    async with quick(emulator) as stream:
        with pytest.raises(PermissionDeniedError):
            await stream.upload(film, resume=journal)
        await stream.upload(film, resume=journal)
        assert UploadJournal(journal).report().unknown == 1
        emulator.list_lag = 0
        await stream.upload_many([], journal=journal).run()
        assert UploadJournal(journal).report().unknown == 1


async def test_what_was_looked_for_before_is_not_waited_for_by_one_upload_either(
    emulator: Emulator, film: Path, journal: Path
) -> None:
    clock = VirtualClock(epoch=time.time())
    emulator.faults.add("STREAM_CREATE", Fault.drop())
    async with quick(emulator, clock) as stream:
        await stream.upload_many([film], journal=journal).run()
        os.truncate(film, 50 * KIB)
        clock.now += 601
        before = len(clock.slept)
        await stream.upload(film, resume=journal)
        assert clock.slept[before:] == []
    assert unknown(journal) == 0


# --- attempts that left nothing, for certain -----------------------------------------------------------------------


async def test_of_what_was_never_sent_nothing_is_unknown(emulator: Emulator, film: Path, journal: Path) -> None:
    async with quick(emulator) as stream:
        await emulator.close()
        report = await stream.upload_many([CopyJob(URL), film], journal=journal).run()
    assert (len(report.failed), report.unknown) == (2, 0)


async def test_an_upload_whose_edit_is_refused_is_deleted_once_and_not_unknown(
    emulator: Emulator, film: Path, journal: Path
) -> None:
    emulator.faults.add("STREAM_EDIT", Fault.status(403), times=2)
    job = UploadJob(film, allowed_origins=["a.example"])
    async with quick(emulator) as stream:
        assert (await stream.upload_many([job], journal=journal).run()).unknown == 0
        assert emulator.requests.count("STREAM_DELETE") == 1
        assert emulator.requests.count("STREAM_LIST") == 0
        await stream.upload_many([job]).run()
    assert emulator.requests.count("STREAM_DELETE") == 2


async def test_a_copy_that_is_found_at_once_is_looked_for_once(emulator: Emulator) -> None:
    emulator.faults.add("COPY_CREATE", LOST)
    async with quick(emulator) as stream:
        await stream.upload_many([CopyJob(URL)]).run()
    assert emulator.requests.count("STREAM_LIST") == 1
