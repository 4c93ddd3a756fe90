"""Jobs given to the blocking client: their callbacks run in the caller's thread, outcomes name them as given."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cfstream import CopyJob, UploadFailed, UploadJob, UploadProgress
from cfstream.emulator import BlockingEmulator, Emulator
from cfstream.sync import Stream


@pytest.fixture(scope="module")
def emulator() -> Iterator[BlockingEmulator]:
    with Emulator() as running:
        running.pause_encoding()
        yield running


@pytest.fixture
def stream(emulator: BlockingEmulator) -> Iterator[Stream]:
    with emulator.stream() as client:
        yield client


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"film {number}.mp4" for number in range(4)]
    for path in paths:
        path.write_bytes(os.urandom(100_000))
    return paths


def test_callbacks_of_a_job_run_in_the_callers_thread(stream: Stream, files: list[Path]) -> None:
    seen: dict[str, set[threading.Thread]] = {}

    def note(event: UploadProgress) -> None:
        seen.setdefault(event.source, set()).add(threading.current_thread())

    jobs: list[Any] = [
        UploadJob(files[0], on_progress=note),
        files[1],
        UploadJob(files[2].open("rb"), on_progress=note),
    ]
    with jobs[2].source:
        report = stream.upload_many(iter(jobs), on_progress=note, concurrency=2).run()
    assert (report.done, report.failed) == (3, ())
    shown = (str(files[0]), str(files[1]), files[2].name)
    assert seen == {source: {threading.current_thread()} for source in shown}


def test_outcomes_name_the_jobs_that_were_given(stream: Stream, files: list[Path]) -> None:
    jobs: list[Any] = [
        UploadJob(files[0], on_progress=lambda _: None),
        UploadJob(files[1].with_name("none.mp4")),
        UploadJob(files[1], on_progress=5),  # type: ignore[arg-type]  # on purpose
        CopyJob("https://a.invalid/v.mp4"),
        files[2],
    ]
    options = [dict(job.options) for job in jobs[:3]]
    outcomes = list(stream.upload_many(jobs))
    assert {id(outcome.source) for outcome in outcomes} == set(map(id, jobs))
    failed = {id(outcome.source): str(outcome.error) for outcome in outcomes if isinstance(outcome, UploadFailed)}
    assert failed.keys() == {id(jobs[1]), id(jobs[2])}
    assert failed[id(jobs[2])] == "on_progress: expected a function, got int"
    assert [dict(job.options) for job in jobs[:3]] == options


def test_an_error_in_the_callback_of_a_job_ends_the_run_and_reaches_the_caller(
    stream: Stream, files: list[Path], tmp_path: Path
) -> None:
    def refuse(event: UploadProgress) -> None:
        raise ZeroDivisionError(event.source)

    jobs: list[Any] = [UploadJob(files[3], on_progress=refuse), *files[:3]]
    with pytest.raises(ZeroDivisionError):
        stream.upload_many(jobs, journal=tmp_path / "uploads.db").run()
    report = stream.upload_many(files, journal=tmp_path / "uploads.db").run()
    assert (report.done, report.pending, report.failed) == (4, 0, ())
