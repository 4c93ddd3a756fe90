"""A file that is no journal: refused in a line, and left as it was."""

import asyncio
import contextlib
import os
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cfstream import JournalError, Stream, UploadJournal
from cfstream.emulator import Emulator


@pytest.fixture
async def stream(emulator: Emulator) -> AsyncIterator[Stream]:
    async with emulator.stream() as client:
        yield client


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(100_000))
    path.chmod(0o644)
    return path


def database(path: Path, *, version: int, mode: str = "delete", table: str = "notes") -> Path:
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.executescript(
            f"PRAGMA journal_mode = {mode}; CREATE TABLE {table} (words TEXT); "
            f"INSERT INTO {table} VALUES ('mine'); PRAGMA user_version = {version};"
        )
    path.chmod(0o644)
    return path


def as_it_is(path: Path) -> tuple[bytes, int]:
    return path.read_bytes(), stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.parametrize("made", [{"version": 0}, {"version": 1}, {"version": 7}, {"version": 0, "table": "uploads"}])
async def test_somebody_elses_database_is_refused_and_left_as_it_was(
    emulator: Emulator, stream: Stream, film: Path, mode: str, made: dict[str, Any]
) -> None:
    path = database(film.with_name("theirs.db"), mode=mode, **made)
    before = as_it_is(path)
    for _ in range(2):
        with pytest.raises(JournalError) as caught:
            await stream.upload_many([film], journal=path).run()
        assert str(caught.value) == f"journal {path}: is no journal of uploads; give another file"
    with pytest.raises(JournalError, match="is no journal of uploads"):
        await stream.upload(film, resume=path)
    with pytest.raises(JournalError, match="is no journal of uploads"):
        UploadJournal(path).report()
    assert as_it_is(path) == before
    assert len(list(emulator.requests)) == 0


async def test_a_file_that_is_no_database_is_left_as_it_was(stream: Stream, film: Path) -> None:
    before = as_it_is(film)
    with pytest.raises(JournalError, match="is damaged"):
        await stream.upload_many([film], journal=film).run()
    assert as_it_is(film) == before


async def test_of_several_uploads_with_a_file_that_is_no_journal_none_gets_it(
    emulator: Emulator, stream: Stream, film: Path
) -> None:
    path = database(film.with_name("theirs.db"), version=7)
    runs = [stream.upload_many([film], journal=path).run() for _ in range(3)]
    results = await asyncio.gather(*runs, return_exceptions=True)
    assert [str(result) for result in results] == [f"journal {path}: is no journal of uploads; give another file"] * 3
    assert len(list(emulator.requests)) == 0
    with contextlib.closing(sqlite3.connect(path)) as theirs:
        assert theirs.execute("SELECT words FROM notes").fetchall() == [("mine",)]
