"""Many uploads: every file once, outcomes as values, a journal that survives whatever ends the run."""

import asyncio
import os
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from virtual_clock import VirtualClock

import cfstream
from cfstream import (
    APIError,
    ClientClosedError,
    CopyJob,
    InvalidInputError,
    JournalError,
    JournalLockedError,
    RetryPolicy,
    Stream,
    Uploaded,
    UploadError,
    UploadFailed,
    UploadJob,
    UploadJournal,
)
from cfstream.emulator import Emulator, Fault

KIB = 1024
QUICK = RetryPolicy(base=0.001, cap=0.002)
OP = "cfstream_op"


@pytest.fixture
def clock() -> VirtualClock:
    import time

    return VirtualClock(epoch=time.time())


@pytest.fixture
async def stream(emulator: Emulator, clock: VirtualClock) -> AsyncIterator[Stream]:
    """A client whose waits take no time."""
    async with emulator.stream(retry=QUICK, _clock=clock) as client:
        yield client


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"film {number}.mp4" for number in range(6)]
    for number, path in enumerate(paths):
        path.write_bytes(os.urandom(100 * KIB * (number + 1) + number))
    return paths


async def all_outcomes(uploads: AsyncIterator[Any]) -> list[Any]:
    return [outcome async for outcome in uploads]


def stored(emulator: Emulator, uid: str) -> bytes:
    return emulator._running.library.source(uid).read_bytes()


async def there(emulator: Emulator) -> dict[str, bytes]:
    async with emulator.stream() as client:
        return {video.uid: stored(emulator, video.uid) async for video in client.list()}


async def each_once(emulator: Emulator, files: list[Path]) -> bool:
    return sorted((await there(emulator)).values()) == sorted(path.read_bytes() for path in files)


async def test_every_file_arrives_once_and_is_told_once(emulator: Emulator, stream: Stream, files: list[Path]) -> None:
    outcomes = await all_outcomes(stream.upload_many(files, creator="alice", concurrency=3))
    assert sorted(outcome.source for outcome in outcomes) == files
    for outcome in outcomes:
        assert isinstance(outcome, Uploaded)
        assert outcome.video is not None
        assert (outcome.video.creator, outcome.video.name) == ("alice", outcome.source.name)
        assert stored(emulator, outcome.uid) == outcome.source.read_bytes()
    assert await each_once(emulator, files)


async def test_a_job_has_options_of_its_own(stream: Stream, files: list[Path]) -> None:
    jobs: list[Any] = [files[0], UploadJob(files[1], name="second", creator="bob"), UploadJob(b"x" * 100, name="bytes")]
    outcomes = await all_outcomes(stream.upload_many(jobs, creator="alice", meta={"run": "7"}))
    seen = {outcome.video.name: (outcome.video.creator, outcome.video.meta["run"]) for outcome in outcomes}
    assert seen == {"film 0.mp4": ("alice", "7"), "second": ("bob", "7"), "bytes": ("alice", "7")}


async def test_one_failure_harms_no_neighbour(emulator: Emulator, stream: Stream, files: list[Path]) -> None:
    bad: list[Any] = [
        files[0].with_name("none.mp4"),
        5,
        UploadJob(files[1], creator="x" * 65),
        UploadJob(files[1], chunk_size=1),
    ]
    outcomes = await all_outcomes(stream.upload_many([files[0], *bad, files[2]]))
    failed = [outcome for outcome in outcomes if isinstance(outcome, UploadFailed)]
    assert sorted(repr(outcome.source) for outcome in failed) == sorted(map(repr, bad))
    assert all(isinstance(outcome.error, InvalidInputError) for outcome in failed)
    assert await each_once(emulator, [files[0], files[2]])


async def test_run_gives_a_report(stream: Stream, files: list[Path]) -> None:
    report = await stream.upload_many([*files[:2], "/nowhere.mp4"]).run()
    assert (report.done, report.pending) == (2, 0)
    assert report.bytes == sum(path.stat().st_size for path in files[:2])
    assert [entry.source for entry in report.failed] == ["/nowhere.mp4"]
    assert "cannot open" in report.failed[0].reason


async def test_a_run_ends_after_more_failures_than_wanted(stream: Stream) -> None:
    uploads = stream.upload_many((f"/nowhere/{number}" for number in range(100)), max_failures=2, concurrency=1)
    with pytest.raises(UploadError, match="stopped: failures 3, at most 2 wanted; uploads done 0"):
        await uploads.run()


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"creater": "a"}, "unknown keyword creater: did you mean creator?"),
        ({"concurrency": 0}, "concurrency: expected"),
        ({"journal": ""}, "journal: '.' is not the path of a file|journal: '' is not"),
        ({"journal": "a\0b"}, "journal: .* is not the path of a file"),
        ({"journal": 5}, "journal: expected a path or an UploadJournal"),
        ({"max_failures": "1"}, "max_failures: expected"),
        ({"max_failures": -1}, "max_failures: expected"),
        ({"on_progress": 5}, "on_progress: expected a function"),
    ],
)
async def test_wrong_arguments_are_refused_at_once(stream: Stream, keywords: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        stream.upload_many([], **keywords)
    with pytest.raises(InvalidInputError, match="sources: expected something to iterate over"):
        stream.upload_many("film.mp4")


async def test_the_source_is_read_only_as_far_as_there_are_places(stream: Stream) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"%d" % read

    async with stream.upload_many(endless(), concurrency=2) as uploads:
        for _ in range(5):
            await anext(uploads)
    assert read <= 5 + 2 + 2 + 2
    assert not [task for task in asyncio.all_tasks() if "cfstream" in str(task.get_coro())]


# --- the journal -------------------------------------------------------------------------------------------------


async def test_a_second_run_asks_nobody_for_what_is_done(
    emulator: Emulator, stream: Stream, files: list[Path], tmp_path: Path
) -> None:
    journal = tmp_path / "state" / "uploads.db"
    first = await all_outcomes(stream.upload_many(files, journal=journal))
    files[0].unlink()
    emulator.requests.clear()
    second = await all_outcomes(stream.upload_many(files, journal=journal))
    assert len(list(emulator.requests)) == 0
    assert {outcome.source: outcome.uid for outcome in second} == {outcome.source: outcome.uid for outcome in first}
    assert all(outcome.from_journal and outcome.video is None for outcome in second)
    report = UploadJournal(journal).report()
    assert (report.done, report.failed, report.pending) == (6, (), 0)


async def test_the_journal_is_for_its_owner_alone(stream: Stream, files: list[Path], tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        await stream.upload_many(files[:1], journal=tmp_path / "made" / "uploads.db").run()
    finally:
        os.umask(before)
    kept = list((tmp_path / "made").iterdir())
    assert kept
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700


async def test_a_journal_that_leads_elsewhere_is_refused(stream: Stream, files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "uploads.db").symlink_to(tmp_path / "other.db")
    with pytest.raises(JournalError, match=r"journal .*uploads\.db: "):
        await stream.upload_many(files, journal=tmp_path / "uploads.db").run()
    assert not (tmp_path / "other.db").exists()


async def test_a_file_that_changed_since_it_was_done_is_uploaded_anew(
    emulator: Emulator, stream: Stream, files: list[Path], tmp_path: Path
) -> None:
    journal = tmp_path / "uploads.db"
    await stream.upload_many(files[:2], journal=journal).run()
    old, new = files[0].read_bytes(), os.urandom(len(files[0].read_bytes()))
    files[0].write_bytes(new)
    os.utime(files[1])  # touched, but the same
    outcomes = await all_outcomes(stream.upload_many(files[:2], journal=journal))
    assert {outcome.source: outcome.from_journal for outcome in outcomes} == {files[0]: False, files[1]: True}
    assert sorted((await there(emulator)).values()) == sorted([old, new, files[1].read_bytes()])


async def test_what_was_begun_goes_on_where_the_server_stands(
    emulator: Emulator, stream: Stream, tmp_path: Path
) -> None:
    path, journal = tmp_path / "film.mp4", tmp_path / "uploads.db"
    path.write_bytes(os.urandom(900 * KIB))
    emulator.faults.add("TUS_PATCH", Fault.status(413))  # an error that ends the upload
    first = await all_outcomes(stream.upload_many([path], journal=journal, chunk_size=256 * KIB))
    assert isinstance(first[0], UploadFailed)
    assert UploadJournal(journal).report().failed[0].source == str(path)
    sent: list[int] = []
    second = await all_outcomes(
        stream.upload_many(
            [path], journal=journal, chunk_size=256 * KIB, on_progress=lambda event: sent.append(event.bytes)
        )
    )
    assert isinstance(second[0], Uploaded)
    assert emulator.requests.count("STREAM_CREATE") == 1
    assert await each_once(emulator, [path])
    assert UploadJournal(journal).report().done == 1


async def test_a_cancelled_run_goes_on_where_the_server_stands(
    emulator: Emulator, stream: Stream, files: list[Path], tmp_path: Path
) -> None:
    journal = tmp_path / "uploads.db"
    began = asyncio.Event()

    def on_progress(event: cfstream.UploadProgress) -> None:
        if event.uid and event.bytes:
            began.set()

    task = asyncio.create_task(
        stream.upload_many(files, journal=journal, concurrency=3, chunk_size=64 * KIB, on_progress=on_progress).run()
    )
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    report = await stream.upload_many(files, journal=journal, chunk_size=64 * KIB).run()
    assert (report.done, report.pending, report.failed) == (6, 0, ())
    assert await each_once(emulator, files)


async def test_a_second_process_is_told_at_once(stream: Stream, files: list[Path], tmp_path: Path) -> None:
    journal = tmp_path / "uploads.db"
    script = (
        "import asyncio, sys\n"
        "from cfstream.uploads.journal import JournalWriter, UploadJournal\n"
        "asyncio.run(JournalWriter(UploadJournal(sys.argv[1])).open())\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    import subprocess
    import sys

    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(journal), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"open\n"
    with pytest.raises(JournalLockedError, match="another process uploads with it"):
        await stream.upload_many(files, journal=journal).run()
    assert UploadJournal(journal).report().done == 0  # reading goes on
    await other.communicate(b"")
    assert (await stream.upload_many(files, journal=journal).run()).done == 6


async def test_several_uploads_of_one_process_share_a_journal(
    emulator: Emulator, stream: Stream, files: list[Path], tmp_path: Path
) -> None:
    journal = tmp_path / "uploads.db"
    async with asyncio.TaskGroup() as group:
        for path in files:
            group.create_task(stream.upload(path, resume=journal))
    assert await each_once(emulator, files)
    assert UploadJournal(journal).report().done == 6


async def test_one_upload_is_resumed_by_a_later_one(emulator: Emulator, stream: Stream, tmp_path: Path) -> None:
    path, journal = tmp_path / "film.mp4", tmp_path / "uploads.db"
    path.write_bytes(os.urandom(900 * KIB))
    emulator.faults.add("TUS_PATCH", Fault.drop(after_bytes=300 * KIB), Fault.status(413))
    with pytest.raises(cfstream.StreamError):
        await stream.upload(path, resume=journal)
    video = await stream.upload(path, resume=journal)
    again = await stream.upload(path, resume=journal)
    assert again.uid == video.uid
    assert emulator.requests.count("STREAM_CREATE") == 1
    assert await each_once(emulator, [path])


async def test_a_file_that_changed_before_it_was_whole_is_never_spliced(
    emulator: Emulator, stream: Stream, tmp_path: Path
) -> None:
    path, journal = tmp_path / "film.mp4", tmp_path / "uploads.db"
    path.write_bytes(os.urandom(900 * KIB))
    emulator.faults.add("TUS_PATCH", Fault.drop(after_bytes=300 * KIB), Fault.status(413))
    with pytest.raises(cfstream.StreamError):
        await stream.upload(path, resume=journal)
    path.write_bytes(os.urandom(900 * KIB))
    await stream.upload(path, resume=journal)
    assert await each_once(emulator, [path])


async def test_what_cannot_be_found_again_needs_no_journal(stream: Stream, tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 1000

    with pytest.raises(InvalidInputError, match="no journal can find it again"):
        await stream.upload(pieces(), length=1000, resume=tmp_path / "uploads.db")
    with pytest.raises(InvalidInputError, match="resume: expected True, False or the path of a journal, got int"):
        await stream.upload(b"x", resume=5)  # type: ignore[arg-type]  # on purpose


async def test_the_default_journal_is_in_the_users_state_folder(
    stream: Stream, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("sys.platform", "linux")
    await stream.upload(files[0], resume=True)
    assert UploadJournal(tmp_path / "state" / "cfstream" / "uploads.db").report().done == 1


@pytest.mark.parametrize("damage", ["garbage", "cut", "version"])
async def test_a_damaged_journal_is_said_to_be_so_before_anything_is_sent(
    emulator: Emulator, stream: Stream, files: list[Path], tmp_path: Path, damage: str
) -> None:
    journal = tmp_path / "uploads.db"
    await stream.upload_many(files, journal=journal).run()
    if damage == "garbage":
        journal.write_bytes(b"no database" * 500)
    elif damage == "cut":
        journal.write_bytes(journal.read_bytes()[:5000])
    else:
        with sqlite3.connect(journal) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
    emulator.requests.clear()
    with pytest.raises(JournalError, match=r"journal .*uploads\.db: is (damaged|of version 99)"):
        await stream.upload_many(files, journal=journal).run()
    with pytest.raises(JournalError):
        UploadJournal(journal).report()
    assert len(list(emulator.requests)) == 0


def test_there_is_no_report_of_a_journal_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no such file"):
        UploadJournal(tmp_path / "uploads.db").report()
    assert not (tmp_path / "uploads.db").exists()


# --- lost answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.drop(after_commit=True), Fault.drop(), Fault.status(502), Fault.cut(0)])
@pytest.mark.parametrize("kept", [True, False])
async def test_a_lost_answer_makes_no_second_upload(
    emulator: Emulator, stream: Stream, files: list[Path], fault: Fault, kept: bool
) -> None:
    emulator.faults.add("STREAM_CREATE", fault, times=3)
    journal = files[0].with_name("uploads.db") if kept else None
    report = await stream.upload_many(files, journal=journal, concurrency=2).run()
    assert (report.done, report.failed) == (6, ())
    assert await each_once(emulator, files)


async def test_an_upload_that_shows_late_is_cleared_away_in_the_end(
    emulator: Emulator, clock: VirtualClock, files: list[Path], tmp_path: Path
) -> None:
    emulator.list_lag = 3600.0
    emulator.faults.add("STREAM_CREATE", Fault.drop(after_commit=True))

    def catch_up(event: cfstream.UploadProgress) -> None:
        emulator.list_lag = 0.0

    async with emulator.stream(retry=QUICK, _clock=clock) as stream:
        await stream.upload_many(files, journal=tmp_path / "u.db", on_progress=catch_up, concurrency=1).run()
    assert await each_once(emulator, files)


async def test_nothing_that_is_not_ours_is_touched(
    emulator: Emulator, stream: Stream, files: list[Path], tmp_path: Path
) -> None:
    others = [(await stream.create(upload_length=70_000, upload_metadata={OP: "f" * 32})).uid for _ in range(3)]
    emulator.faults.add("STREAM_CREATE", Fault.drop(after_commit=True), times=2)
    await stream.upload_many(files, journal=tmp_path / "u.db").run()
    assert set(others) <= (await there(emulator)).keys()
    assert len(await there(emulator)) == 9


# --- copies ------------------------------------------------------------------------------------------------------


async def test_copies_are_made_once_also_when_the_answer_is_lost(
    emulator: Emulator, stream: Stream, files: list[Path], tmp_path: Path
) -> None:
    jobs = [CopyJob(f"https://a.invalid/{number}.mp4?signature=s", creator="alice") for number in range(3)]
    emulator.faults.add("COPY_CREATE", Fault.drop(after_commit=True), Fault.drop(), Fault.status(502))
    outcomes = await all_outcomes(stream.upload_many([*jobs, files[0]], journal=tmp_path / "u.db"))
    assert all(isinstance(outcome, Uploaded) for outcome in outcomes)
    assert len([video async for video in stream.list()]) == 4
    emulator.requests.clear()
    again = await all_outcomes(stream.upload_many(jobs, journal=tmp_path / "u.db"))
    assert all(outcome.from_journal for outcome in again)
    assert len(list(emulator.requests)) == 0
    assert b"signature" not in (tmp_path / "u.db").read_bytes()


async def test_a_copy_that_is_refused_is_an_outcome(stream: Stream, tmp_path: Path) -> None:
    outcomes = await all_outcomes(stream.upload_many([CopyJob("ftp://a.example/v.mp4")], journal=tmp_path / "u.db"))
    assert isinstance(outcomes[0].error, InvalidInputError)


# --- room on the service -----------------------------------------------------------------------------------------


async def test_new_videos_wait_while_the_encoder_is_full(
    emulator: Emulator, clock: VirtualClock, files: list[Path]
) -> None:
    emulator.limits = attrs.evolve(emulator.limits, encoding_max=2)  # encoding is paused: only deleting makes room
    done: list[str] = []
    async with emulator.stream(retry=QUICK, _clock=clock, _limits=emulator.limits) as stream:
        async for outcome in stream.upload_many(files, concurrency=4):
            assert isinstance(outcome, Uploaded)
            done.append(outcome.uid)
            if len(done) < len(files):
                await stream.delete(outcome.uid)
    assert len(done) == 6


async def test_a_full_storage_ends_the_run_with_a_line_that_says_so(
    emulator: Emulator, stream: Stream, files: list[Path], tmp_path: Path
) -> None:
    emulator.limits = attrs.evolve(emulator.limits, storage_minutes=0)
    with pytest.raises(APIError, match=r"413 .*Storage capacity exceeded"):
        await stream.upload_many(files * 50, journal=tmp_path / "u.db", concurrency=2).run()
    assert emulator.requests.count("STREAM_CREATE") <= 4
    emulator.limits = attrs.evolve(emulator.limits, storage_minutes=1000)
    assert (await stream.upload_many(files, journal=tmp_path / "u.db").run()).done == 6


async def test_closing_the_client_ends_the_run_and_the_journal_can_be_gone_on_with(
    emulator: Emulator, files: list[Path], tmp_path: Path
) -> None:
    stream = emulator.stream(retry=QUICK)
    uploads = stream.upload_many(files, journal=tmp_path / "u.db", concurrency=2)
    await anext(uploads)
    await stream.close()
    with pytest.raises(ClientClosedError):
        await all_outcomes(uploads)
    async with emulator.stream(retry=QUICK) as again:
        assert (await again.upload_many(files, journal=tmp_path / "u.db").run()).done == 6
    assert await each_once(emulator, files)


def test_the_blocking_twin_has_it_too(tmp_path: Path, files: list[Path]) -> None:
    with Emulator() as emulator, emulator.stream() as stream:
        threads = set()
        with stream.upload_many(
            iter(files),
            journal=tmp_path / "u.db",
            concurrency=2,
            on_progress=lambda _: threads.add(threading.current_thread()),
        ) as uploads:
            outcomes = list(uploads)
        assert threads == {threading.current_thread()}
        assert sorted(outcome.source for outcome in outcomes) == files
        assert stream.upload_many(files, journal=tmp_path / "u.db").run().done == 6
