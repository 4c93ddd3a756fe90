"""The journal of uploads: one SQLite file that knows at every moment what was begun and what is done."""

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

import attrs

from cfstream._redact import shown
from cfstream._types import PathSource, Secret
from cfstream.errors import InvalidInputError, JournalError, JournalLockedError

T = TypeVar("T")

State = Literal["planned", "creating", "created", "done", "failed"]

_SCHEMA = 1
_OURS = frozenset({"uploads", "creations"})
_BUSY = 5.0  # seconds that a reader waits for a commit
_PATIENCE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.0)  # seconds between looks whether a writer that just ended let go
_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE uploads (
    key TEXT PRIMARY KEY, source TEXT NOT NULL, state TEXT NOT NULL, size INTEGER, stat TEXT, sample TEXT,
    op TEXT, uid TEXT, url TEXT, reason TEXT
) WITHOUT ROWID;
CREATE TABLE creations (
    op TEXT PRIMARY KEY, key TEXT NOT NULL, since REAL NOT NULL, looked REAL, uid TEXT
) WITHOUT ROWID;
CREATE INDEX unknown ON creations (since) WHERE uid IS NULL;
PRAGMA user_version = {_SCHEMA};
COMMIT;
"""


@attrs.frozen(kw_only=True)
class FailedEntry:
    """A file that was not uploaded, and why."""

    source: str
    """The path, or what else can be shown of the source; no bytes, and of an address no query."""
    reason: str
    """The error on one line."""


@attrs.frozen(kw_only=True)
class UploadReport:
    """What a journal knows: how many uploads stand where."""

    done: int
    """How many videos are whole."""
    failed: tuple[FailedEntry, ...]
    """What a later run with the same journal tries again."""
    pending: int
    """Begun or planned, and neither done nor failed."""
    bytes: int
    """Of the files that are done."""
    unknown: int = 0
    """Attempts whose answer is due, as of an upload at work, or was lost and that no list has shown yet: each of these
    may have left an empty upload or a second copy. A run ten minutes later, or more, clears away what there is of them,
    and is sure of the rest."""


@attrs.frozen(kw_only=True)
class Entry:
    """One upload as the journal has it."""

    key: str
    """Account and source."""
    source: str
    """The source as it can be shown."""
    state: State = "planned"
    size: int | None = None
    stat: str | None = None
    """What tells without reading that a file is still the same."""
    sample: str | None = None
    """A hash of parts of the file."""
    op: str | None = None
    uid: str | None = None
    url: Secret | None = attrs.field(default=None, converter=attrs.converters.optional(Secret))
    reason: str | None = None

    @property
    def done_uid(self) -> str | None:
        """The video, where it is whole."""
        return self.uid if self.state == "done" else None


@attrs.frozen(kw_only=True)
class Creation:
    """An attempt to make an upload; without a uid nobody knows what became of it."""

    op: str
    key: str
    since: float
    """Seconds since the epoch."""
    looked: float | None = None
    """When it was looked for in vain."""
    uid: str | None = None


class UploadJournal:
    """Uploads across processes: `stream.upload_many` writes a journal, `report` tells what it knows.

    The file holds upload addresses, which let whoever has them write to those uploads: only its owner may read it. It
    belongs on a local disk, because network file systems do not lock reliably.
    """

    def __init__(self, path: PathSource) -> None:
        self.path = Path(path)
        if not self.path.name or "\0" in str(self.path):
            raise InvalidInputError(f"journal: {shown(str(path))} is not the path of a file")

    def __repr__(self) -> str:
        return f"cfstream.UploadJournal({str(self.path)!r})"

    def report(self) -> UploadReport:
        """Tell how many uploads are done, failed and pending; works while another process uploads, too.

        Raises:
            JournalError: there is no such journal, or it is damaged.
        """
        if not self.path.is_file():
            raise JournalError(f"journal {self.path}: there is no such file")
        with _explained(self.path), contextlib.closing(_connected(self.path, mode="ro")) as database:
            _check_schema(self.path, database)
            return _report(database)


class JournalWriter:
    """The one writer of a journal; every change is on disk when its call returns."""

    def __init__(self, journal: UploadJournal) -> None:
        self.users = 0
        self._path = journal.path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cfstream-journal")
        self._lock = -1
        self._database: sqlite3.Connection | None = None
        self._busy: dict[str, Future[None]] = {}

    async def open(self) -> None:
        """Open the journal, made if need be.

        Raises:
            JournalLockedError: another process writes it.
            JournalError: it cannot be opened, or it is damaged.
        """
        await self._run(self._open)

    async def close(self) -> None:
        """Let go of the journal."""
        try:
            await self._run(self._close)
        finally:
            self._thread.shutdown(wait=False)

    @contextlib.asynccontextmanager
    async def alone(self, key: str) -> AsyncGenerator[None]:
        """Have an upload to oneself: whoever comes with the same source waits, and then finds it done."""
        mine: Future[None] = Future()  # not asyncio's, because blocking clients bring loops of their own
        while (other := self._busy.setdefault(key, mine)) is not mine:
            await asyncio.shield(asyncio.wrap_future(other))
        try:
            yield
        finally:
            del self._busy[key]
            mine.set_result(None)

    def is_busy(self, key: str) -> bool:
        """Tell whether somebody has the upload to themselves."""
        return key in self._busy

    async def find(self, key: str) -> Entry | None:
        """Give what is known of an upload."""
        return await self._run(lambda: self._find(key))

    async def write(self, entry: Entry) -> None:
        """Keep an upload as it stands now."""
        await self._run(lambda: self._commit((_UPSERT, attrs.asdict(entry))))

    async def creating(self, entry: Entry, creation: Creation) -> None:
        """Keep the intent, before the service hears of it."""
        await self._run(lambda: self._commit((_UPSERT, attrs.asdict(entry)), (_INTEND, attrs.asdict(creation))))

    async def created(self, entry: Entry, op: str) -> None:
        """Keep where the bytes go, before the first is sent."""
        known = {"op": op, "uid": entry.uid}
        await self._run(lambda: self._commit((_UPSERT, attrs.asdict(entry)), (_LEARN, known)))

    async def settled(self, ops: Sequence[str]) -> None:
        """Forget attempts of which nothing is left on the service."""
        if ops:
            await self._run(lambda: self._commit(*((_SETTLE, {"op": op}) for op in ops)))

    async def looked(self, ops: Sequence[str], now: float) -> None:
        """Keep that attempts were looked for in vain."""
        if ops:
            await self._run(lambda: self._commit(*((_LOOK, {"op": op, "looked": now}) for op in ops)))

    async def unknown(self, *, looked_before: float) -> list[Creation]:
        """Give the attempts whose outcome is not known, without those that were looked for since then in vain."""
        query = "SELECT op, key, since, looked FROM creations WHERE uid IS NULL AND (looked IS NULL OR looked < ?)"
        rows = await self._run(lambda: self._rows(query, looked_before))
        return [Creation(op=op, key=key, since=since, looked=looked) for op, key, since, looked in rows]

    async def is_unknown(self, op: str) -> bool:
        """Tell whether the outcome of an attempt is still not known."""
        query = "SELECT 1 FROM creations WHERE op = ? AND uid IS NULL"
        return bool(await self._run(lambda: self._rows(query, op)))

    async def report(self) -> UploadReport:
        """Tell how many uploads are done, failed and pending."""
        return await self._run(lambda: _report(self._connection))

    # --- on the journal's own thread -----------------------------------------------------------------------------

    async def _run(self, function: Callable[[], T]) -> T:
        # shielded, so that a cancelled caller leaves no half of a change behind
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, function))

    def _open(self) -> None:
        if self._database is not None:
            return
        try:
            with _explained(self._path):
                self._open_file()
        except BaseException:
            self._close()  # or whoever shares it would find it open
            raise

    def _open_file(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _locked(self._path)
        # made by us, so that it is never readable by others, not even for a moment
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        self._database = _connected(self._path, mode="rw")
        is_new = _is_empty(self._database)
        if not is_new:
            _check_schema(self._path, self._database)  # before anything is written: it may be somebody else's
        self._path.chmod(0o600)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        if is_new:
            self._database.executescript(_TABLES)

    def leave_to_parent(self) -> None:
        """Give up the child's share of the lock, or it would outlive the parent; the parent's own stays."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._database is None:
            raise JournalError(f"journal {self._path}: is not open")
        return self._database

    def _find(self, key: str) -> Entry | None:
        rows = self._rows(_FIND, key)
        return Entry(**dict(zip(attrs.fields_dict(Entry), rows[0], strict=True))) if rows else None

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with _explained(self._path):
            return self._connection.execute(query, values).fetchall()

    def _commit(self, *changes: tuple[str, dict[str, Any]]) -> None:
        with _explained(self._path), self._connection:
            for statement, values in changes:
                self._connection.execute(statement, values)


_FIND = "SELECT key, source, state, size, stat, sample, op, uid, url, reason FROM uploads WHERE key = ?"
_UPSERT = (
    "INSERT OR REPLACE INTO uploads (key, source, state, size, stat, sample, op, uid, url, reason) "
    "VALUES (:key, :source, :state, :size, :stat, :sample, :op, :uid, :url, :reason)"
)
_INTEND = "INSERT INTO creations (op, key, since, looked, uid) VALUES (:op, :key, :since, :looked, :uid)"
_LOOK = "UPDATE creations SET looked = :looked WHERE op = :op"
_LEARN = "UPDATE creations SET uid = :uid WHERE op = :op"
_SETTLE = "DELETE FROM creations WHERE op = :op"


def _connected(path: Path, *, mode: Literal["ro", "rw"]) -> sqlite3.Connection:
    # one thread at a time uses it, though not always the same one: the executor may replace its thread
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY, check_same_thread=False)


def _is_empty(database: sqlite3.Connection) -> bool:
    return database.execute("PRAGMA user_version").fetchone()[0] == 0 and not _tables(database)


def _tables(database: sqlite3.Connection) -> set[str]:
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _check_schema(path: Path, database: sqlite3.Connection) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if not _tables(database) >= _OURS:
        raise JournalError(f"journal {path}: is no journal of uploads; give another file")
    if version != _SCHEMA:
        raise JournalError(
            f"journal {path}: is of version {version}, and this cfstream knows {_SCHEMA}; give another file, or update"
        )
    problem = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise _damaged(path)


def _damaged(path: Path) -> JournalError:
    return JournalError(
        f"journal {path}: is damaged; put a copy of it back, or move it away: then all is uploaded anew"
    )


def _report(database: sqlite3.Connection) -> UploadReport:
    counts = dict(database.execute("SELECT state, COUNT(*) FROM uploads GROUP BY state"))
    size = database.execute("SELECT COALESCE(SUM(size), 0) FROM uploads WHERE state = 'done'").fetchone()[0]
    failed = database.execute("SELECT source, reason FROM uploads WHERE state = 'failed' ORDER BY source")
    entries = tuple(FailedEntry(source=source, reason=reason or "") for source, reason in failed)
    (unknown,) = database.execute("SELECT COUNT(*) FROM creations WHERE uid IS NULL").fetchone()
    done = counts.get("done", 0)
    pending = sum(counts.values()) - done - len(entries)
    return UploadReport(done=done, failed=entries, pending=pending, bytes=size, unknown=unknown)


def _locked(path: Path) -> int:
    """Be the only writer. A file of its own, because closing the database's would end SQLite's locks on it."""
    lock = path.with_name(f"{path.name}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    for patience in _PATIENCE:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(patience)
        else:
            return descriptor
    os.close(descriptor)
    raise JournalLockedError(f"journal {path}: another process uploads with it; wait for it or give another journal")


@contextlib.asynccontextmanager
async def writing(journal: UploadJournal) -> AsyncGenerator[JournalWriter]:
    """Write a journal; all uploads of this process that name it share one writer."""
    # a folder has many names; the file itself may be no link
    path = journal.path.parent.resolve() / journal.path.name
    with _sharing:
        writer = _writers.setdefault(path, JournalWriter(journal))
        writer.users += 1
    try:
        await writer.open()
        yield writer
    finally:
        with _sharing:
            writer.users -= 1
            if writer.users == 0:
                del _writers[path]
        if writer.users == 0:
            await writer.close()


_sharing = threading.Lock()
_writers: dict[Path, JournalWriter] = {}
# What a forked child must not let the garbage collector close: the parent still writes it.
_left_to_parent: list[JournalWriter] = []


def _forget_all() -> None:
    """Start anew in a forked child: the threads of the writers stayed behind."""
    global _sharing  # noqa: PLW0603  # the parent may have held it at the fork
    _sharing = threading.Lock()
    for writer in _writers.values():
        writer.leave_to_parent()
        _left_to_parent.append(writer)
    _writers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


@contextlib.contextmanager
def _explained(path: Path) -> Generator[None]:
    """Put failures of the disk and of SQLite into a line."""
    problem: str | None = None
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            problem = f"journal {path}: {error}"
        else:
            raise _damaged(path) from error
    except OSError as error:
        problem = f"journal {path}: {error.strerror}"
    if problem:
        raise JournalError(problem)
