"""An account for processes that get killed, and what must hold for it afterwards whatever the moment was."""

import contextlib
import hashlib
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import attrs
import kill_child
import pytest

from cfstream import Limits
from cfstream.emulator import BlockingEmulator, Emulator
from cfstream.emulator.uploading import uploads

KIB = 1024
CHUNK = 32 * KIB
SMALL = Limits(
    chunk_min=CHUNK,
    chunk_default=CHUNK,
    chunk_max=CHUNK,
    chunk_multiple=CHUNK,
    encoding_max=1_000_000,
    storage_minutes=1_000_000,
    list_lag=0.3,
)
LISTS_LAG = 0.1
"""What lists lag behind in truth: less than clients reckon with."""
FOREIGN = "f" * 32
PATIENCE = 60.0

_processes = multiprocessing.get_context("forkserver")  # imports once, then each process starts in milliseconds
_processes.set_forkserver_preload(["kill_child"])


def _warm() -> None:
    """Start the server that forks; Python 3.11 does not tell it where to import from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        forkserver.ensure_running()


@attrs.define
class Process:
    """A started child."""

    process: BaseProcess
    _out: Connection

    def ends_within(self, seconds: float) -> bool:
        self.process.join(seconds)
        return self.process.exitcode is not None

    def kill(self) -> bool:
        """SIGKILL it; tells whether it was still at work."""
        self.process.kill()
        return self.was_killed()

    def was_killed(self) -> bool:
        assert self.ends_within(PATIENCE)
        return self.process.exitcode == -signal.SIGKILL

    def told(self) -> kill_child.Told:
        """How it was, of a process that ends by itself."""
        assert self.ends_within(PATIENCE), "the process hangs"
        assert self.process.exitcode == 0, f"the process ended with {self.process.exitcode}"
        told: kill_child.Told = self._out.recv()
        return told


@attrs.define
class Account:
    """An emulator with things of others in it."""

    emulator: BlockingEmulator
    library: Any
    received: Counter[str] = attrs.field(factory=Counter)
    """Bytes that came in bodies of uploads, by uid, whether kept or not."""
    foreign: dict[str, Any] = attrs.field(factory=dict)

    def seed(self) -> None:
        """Put in what belongs to others: nobody may touch it."""
        with self.emulator.stream() as stream:
            for meta in ({"name": "theirs"}, {"cfstream_op": FOREIGN}, {"cfstream_op": ""}):
                stream.create(upload_length=70_000, upload_metadata=meta)
            stream.copy.create(input="http://127.0.0.1:9/theirs.mp4", meta={"cfstream_op": FOREIGN[::-1]})
        self.foreign = {uid: video.meta for uid, video in self.videos().items()}

    def videos(self) -> dict[str, Any]:
        self.emulator.list_lag = 0.0
        with self.emulator.stream() as stream:
            found = {video.uid: video for video in stream.list()}
        self.emulator.list_lag = LISTS_LAG
        return found

    def start(self, errand: "Work", **changes: Any) -> Process:
        emulator = self.emulator
        client = {"api_token": emulator.api_token, "account_id": emulator.account_id, "base_url": emulator.base_url}
        given = {"files": errand.files, "copies": errand.copies, "journal": errand.journal, **changes}
        _warm()
        back, out = multiprocessing.Pipe(duplex=False)
        process = _processes.Process(
            target=kill_child.run, args=(kill_child.Errand(client=client, limits=SMALL, **given), out), daemon=True
        )
        process.start()
        out.close()
        return Process(process, back)

    def finish(self, work: "Work") -> None:
        """Run to the end and hold everything against what was promised."""
        told = self.start(work).told()
        assert told == kill_child.Told(done=len(work.files) + len(work.copies)), told
        self.check(work)

    def check(self, work: "Work") -> None:
        videos = self.videos()
        assert {uid: videos[uid].meta for uid in self.foreign if uid in videos} == self.foreign
        ours = [video for video in videos.values() if video.uid not in self.foreign]
        fetched = sorted(video.meta["downloaded-from"] for video in ours if "downloaded-from" in video.meta)
        assert fetched == sorted(work.copies), fetched
        uploaded = [video for video in ours if "downloaded-from" not in video.meta]
        assert [video.uid for video in uploaded if video.status.state == "pendingupload"] == []
        stored = sorted(digest(self.library.source(video.uid)) for video in uploaded)
        assert stored == sorted(map(digest, work.files)), (len(stored), len(work.files))
        assert look_inside(work.journal).state == "ok"

    def sent_again(self, work: "Work") -> int:
        """How many bytes came more than once, whatever became of them."""
        return self.received.total() - sum(path.stat().st_size for path in work.files)


@attrs.frozen
class Work:
    """Files and copies with a journal."""

    files: tuple[Path, ...]
    copies: tuple[str, ...]
    journal: Path


def new_work(folder: Path, rng: random.Random, *, files: int, copies: int = 0) -> Work:
    """Make files of one part of a chunk up to five chunks, all different."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"film {number}.mp4" for number in range(files))
    for path in paths:
        path.write_bytes(rng.randbytes(rng.randint(CHUNK // 5, 5 * CHUNK)))
    # refused by the emulator's fetcher at once, which is as good a video as any here
    urls = tuple(f"http://127.0.0.1:9/{folder.name}/{number}.mp4?signature=s" for number in range(copies))
    return Work(paths, urls, folder / "uploads.db")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def account(monkeypatch: pytest.MonkeyPatch) -> Generator[Account]:
    emulator = Emulator(limits=SMALL)
    with emulator as running:
        running.pause_encoding()
        made = Account(running, emulator._running.library)
        _count_bytes(monkeypatch, made)
        made.seed()
        yield made
        running.faults.clear()


def _count_bytes(monkeypatch: pytest.MonkeyPatch, made: Account) -> None:
    receive = uploads.receive

    async def counting(content: Any, target: Path, *rest: Any) -> int:
        return await receive(_Counted(content, made.received, target.parent.name), target, *rest)

    monkeypatch.setattr(uploads, "receive", counting)


@attrs.frozen
class _Counted:
    content: Any
    received: Counter[str]
    uid: str

    async def iter_any(self) -> Any:
        async for block in self.content.iter_any():
            self.received[self.uid] += len(block)
            yield block


@attrs.frozen(kw_only=True)
class Inside:
    """What a journal holds."""

    state: str
    """``ok``, or what SQLite has against it."""
    unknown: tuple[str, ...] = ()
    """The op ids of attempts whose outcome it does not know."""


def look_inside(journal: Path) -> Inside:
    """Look at a copy: looking at the journal itself would tidy its log away."""
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(journal, Path(folder))
        with contextlib.closing(sqlite3.connect(copy)) as database:
            (state,) = database.execute("PRAGMA quick_check").fetchone()
            try:
                rows = database.execute("SELECT op FROM creations WHERE uid IS NULL").fetchall()
            except sqlite3.OperationalError:  # killed before there were tables
                rows = []
    return Inside(state=state, unknown=tuple(op for (op,) in rows))


def copied(journal: Path, folder: Path) -> Path:
    """Copy a journal as a crash leaves it: the database with its log."""
    for path in (journal, journal.with_name(f"{journal.name}-wal")):
        if path.exists():
            shutil.copy(path, folder / path.name)
    return folder / journal.name


def ambiguous(made: Account, work: Work) -> int:
    """How many attempts the service carried out of which the journal knows no outcome."""
    if not work.journal.exists():
        return 0
    unknown = set(look_inside(work.journal).unknown)
    return sum(video.meta.get("cfstream_op") in unknown for video in made.videos().values())


def seeded(seed: int | None = None) -> random.Random:
    """Give random numbers, and print how to have them again."""
    chosen = random.SystemRandom().randrange(2**32) if seed is None else seed
    print(f"seed {chosen}")  # noqa: T201  # pytest shows it with a failure
    return random.Random(chosen)


def thinned(places: Sequence[Any], most: int) -> list[Any]:
    """Pick so many, evenly."""
    step = max(1.0, len(places) / most)
    return [places[int(number * step)] for number in range(min(most, len(places)))]
