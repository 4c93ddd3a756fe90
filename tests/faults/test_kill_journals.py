"""What a journal goes through besides kills: damage, a full disk, a second process, and signals that ask to end."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import attrs
import kill_child
import pytest
from kill_kit import PATIENCE, Account, account, copied, digest, look_inside, new_work, seeded, thinned

from cfstream.emulator.storage.records import Video
from cfstream.emulator.storage.store import VideoFilter

FEWEST_MOMENTS = 5
"""Changes that the log of the damaged journal holds at least."""
THEIRS = 3  # creates of the account's other users
LONG = int(os.environ.get("CFSTREAM_FAULTS", "0")) >= 300
DAMAGES = 500 if LONG else 100
MEETINGS = 13 if LONG else 5
"""How often four pairs of processes meet at a journal."""


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with account(monkeypatch) as running:
        yield running


# --- damage ------------------------------------------------------------------------------------------------------


@attrs.frozen
class Frozen:
    """An account and a journal in the middle of a run, to go back to."""

    made: Account
    folder: Path
    records: list[Video] = attrs.field(factory=list)

    def keep(self, journal: Path) -> None:
        self.folder.mkdir()
        copied(journal, self.folder)
        self.made.emulator._call(self._keep)

    def _keep(self) -> None:
        # in one go, for what the killed process had sent is still being taken in
        library = self.made.library
        shutil.copytree(library.root / "videos", self.folder / "videos")
        self.records.extend(library.store.videos(VideoFilter(), ascending=True))

    def go_back(self) -> None:
        self.made.emulator._call(self._go_back)

    def _go_back(self) -> None:
        library = self.made.library
        library.store.wipe()
        shutil.rmtree(library.root / "videos")
        shutil.copytree(self.folder / "videos", library.root / "videos")
        for record in self.records:
            library.store.save_video(record)


def damage(journal: Path, place: tuple[str, str, int]) -> None:
    part, how, offset = place
    path = journal.with_name(journal.name + part)
    content = bytearray(path.read_bytes())
    if how == "cut":
        del content[offset:]
    else:
        content[offset] ^= 0x55
    path.write_bytes(content)


def places_in(folder: Path) -> list[tuple[str, str, int]]:
    rng = seeded()
    places = []
    for part in ("", "-wal"):
        size = (folder / f"uploads.db{part}").stat().st_size
        page = 4096 + (24 if part else 0)  # a frame of the log has a header
        edges = [edge for start in range(0, size, page) for edge in (start, start + 24) if edge < size]
        randoms = [rng.randrange(size) for _ in range(DAMAGES)]
        for how in ("cut", "flip"):
            places += [(part, how, offset) for offset in thinned(edges + randoms, DAMAGES // 4)]
    return places


def told_by(journal: Path) -> frozenset[tuple[Any, ...]] | None:
    """Give all that a journal says, from a copy; None where it can say nothing."""
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(journal, Path(folder))
        with contextlib.closing(sqlite3.connect(copy)) as database:
            try:
                tables = [database.execute(f"SELECT * FROM {table}") for table in ("uploads", "creations")]
                return frozenset(row for rows in tables for row in rows)
            except sqlite3.DatabaseError:
                return None


def history_of(frozen: Path, scratch: Path) -> set[frozenset[tuple[Any, ...]] | None]:
    """Give what the journal has said after each of the changes in its log."""
    scratch.mkdir()
    journal = copied(frozen / "uploads.db", scratch)
    log = journal.with_name("uploads.db-wal")
    frames = range(_LOG_HEAD, log.stat().st_size + 1, _FRAME)
    said: set[frozenset[tuple[Any, ...]] | None] = {None}
    for end in reversed(frames):
        os.truncate(log, end)
        said.add(told_by(journal))
    return said


_LOG_HEAD = 32
_FRAME = 24 + 4096


def test_a_damaged_journal_is_refused_or_loses_no_file(made: Account, tmp_path: Path) -> None:
    work = new_work(tmp_path / "work", seeded(), files=6)
    made.start(attrs.evolve(work, files=work.files[:2])).told()
    with contextlib.closing(sqlite3.connect(work.journal)) as reader:  # keeps the log from being tidied away
        reader.execute("SELECT count(*) FROM uploads").fetchone()
        assert made.start(work, moment="TUS_PATCH.after", nth=5).was_killed()
        frozen = Frozen(made, tmp_path / "frozen")
        frozen.keep(work.journal)
    history = history_of(frozen.folder, tmp_path / "history")
    assert len(history) > FEWEST_MOMENTS
    refused = 0
    places = places_in(frozen.folder)
    for number, place in enumerate(places):
        frozen.go_back()
        trial = tmp_path / f"{number}"
        trial.mkdir()
        journal = copied(frozen.folder / "uploads.db", trial)
        damage(journal, place)
        if place[:2] != ("", "flip"):  # of those SQLite itself has no sums
            assert told_by(journal) in history, place
        told = made.start(work, journal=journal).told()
        if told.error is None:
            assert (told.failed, told.pending) == ((), 0), (place, told)
            whole = {digest(made.library.source(uid)) for uid in made.videos() if uid not in made.foreign}
            assert whole >= set(map(digest, work.files)), place
        else:
            refused += 1
            assert told.error.startswith("JournalError: journal "), (place, told)
            assert "\n" not in told.error
    assert 1 <= refused < len(places)


# --- a full disk -------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("only root may mount a small file system to fill")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("left", [0, 8, 36, 48, 64])
def test_a_full_disk_is_told_before_the_service_is_asked(
    made: Account, tmp_path: Path, small_disk: Path, left: int
) -> None:
    work = attrs.evolve(new_work(tmp_path / "work", seeded(), files=12), journal=small_disk / "uploads.db")
    made.start(attrs.evolve(work, files=work.files[:1])).told()
    disk = os.statvfs(small_disk)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(max(0, disk.f_bavail * disk.f_bsize - left * 1024)))
    told = made.start(work).told()
    assert told.error is not None
    assert told.error.startswith("JournalError: journal "), told
    assert "\n" not in told.error
    asked = made.emulator.requests.count("STREAM_CREATE") - THEIRS
    filler.unlink()
    with contextlib.closing(sqlite3.connect(work.journal)) as database:
        (intents,) = database.execute("SELECT count(*) FROM creations").fetchone()
    assert asked <= intents
    if left == 0:
        assert asked == 1
    made.finish(work)


# --- two processes, and signals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("start", range(MEETINGS))
def test_of_two_processes_with_one_journal_one_uploads(made: Account, tmp_path: Path, start: int) -> None:
    works = [new_work(tmp_path / f"{number}", seeded(), files=2) for number in range(4)]
    gates = [work.journal.with_name("gate") for work in works]
    for gate in gates:
        os.mkfifo(gate)
    pairs = [[made.start(work, gate=gate) for _ in range(2)] for work, gate in zip(works, gates, strict=True)]
    for work, gate, both in zip(works, gates, pairs, strict=True):
        ended = wait([child.process.sentinel for child in both], PATIENCE)
        (winner,) = [child for child in both if child.process.sentinel not in ended]
        (refused,) = [child for child in both if child is not winner]
        assert refused.told().error == (
            f"JournalLockedError: journal {work.journal}: another process uploads with it; "
            "wait for it or give another journal"
        )
        gate.write_bytes(b"")
        assert winner.told() == kill_child.Told(done=2)
    everything = tuple(path for work in works for path in work.files)
    made.check(attrs.evolve(works[0], files=everything))


@pytest.mark.parametrize(("sent", "blocking"), [("SIGTERM", False), ("SIGINT", False), ("SIGINT", True)])
def test_a_signal_ends_the_run_at_once_and_it_can_be_gone_on_with(
    made: Account, tmp_path: Path, sent: str, blocking: bool
) -> None:
    work = new_work(tmp_path / "work", seeded(), files=40, copies=2)
    child = made.start(work, answers_take=0.2, blocking=blocking, cancelled_by_sigterm=True)
    assert not child.ends_within(0.6)
    assert child.process.pid is not None
    os.kill(child.process.pid, getattr(signal, sent))
    assert child.ends_within(5.0)
    assert child.told().error in {"KeyboardInterrupt", "CancelledError"}
    assert look_inside(work.journal).state == "ok"
    made.finish(work)
