"""The emulator's database: one JSON document per object, with columns for what lists are filtered by."""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from cfstream.emulator.errors import EmulatorError
from cfstream.emulator.storage.lengths import Lengths
from cfstream.emulator.storage.records import PENDING, Video

_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS videos (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  uid TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  state TEXT NOT NULL,
  creator TEXT,
  name TEXT,
  live_input TEXT,
  doc TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS videos_created ON videos (created, seq);
CREATE INDEX IF NOT EXISTS videos_state ON videos (state);
CREATE INDEX IF NOT EXISTS videos_expiry ON videos (state, json_extract(doc, '$.upload_expiry'));
CREATE INDEX IF NOT EXISTS videos_deletion ON videos (json_extract(doc, '$.scheduled_deletion'));
CREATE TABLE IF NOT EXISTS objects (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  parent TEXT NOT NULL,
  id TEXT NOT NULL,
  doc TEXT NOT NULL,
  UNIQUE (kind, parent, id)
);
CREATE TEMP TABLE graves AS SELECT *, 0 AS deleted FROM videos WHERE 0;
"""
_SHOWN = "seq, uid, created, state, creator, name, live_input, doc"


@attrs.frozen(kw_only=True)
class VideoFilter:
    """Which videos a list is about; ``since`` is inclusive, ``until`` is not."""

    status: str | None = None
    creator: str | None = None
    search: str | None = None
    video_name: str | None = None
    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    live: bool | None = None
    live_input: str | None = None
    since: int | None = None
    until: int | None = None
    seen: int | None = None
    """The videos that there were at that instant; those that there are, unless given."""

    def table(self) -> tuple[str, list[Any]]:
        """The SQL table and its values."""
        if self.seen is None:
            return "videos", []
        return f"(SELECT {_SHOWN} FROM videos UNION ALL SELECT {_SHOWN} FROM graves WHERE deleted > ?)", [self.seen]  # noqa: S608  # no value is among it

    def where(self) -> tuple[str, list[Any]]:
        """The SQL condition and its values."""
        tests: list[tuple[str, Any]] = [
            ("state = ?", self.status),
            ("creator = ?", self.creator),
            ("instr(lower(name), lower(?)) > 0", self.search),
            ("name = ?", self.video_name),
            ("(live_input IS NOT NULL) = ?", self.live),
            ("live_input = ?", self.live_input),
            ("created >= ?", self.since),
            ("created < ?", self.until),
            ("created <= ?", self.seen),
        ]
        conditions = [condition for condition, value in tests if value is not None]
        values = [value for _, value in tests if value is not None]
        if self.names:
            conditions.append(f"(name IN {_marks(self.names)} OR uid IN {_marks(self.names)})")
            values += [*self.names, *self.names]
        if self.ids:
            conditions.append(f"uid IN {_marks(self.ids)}")
            values += self.ids
        return " AND ".join(conditions) or "1", values


def _marks(values: tuple[str, ...]) -> str:
    return f"({', '.join('?' * len(values))})"


class Store:
    """Videos and the smaller objects around them; every write is its own transaction."""

    def __init__(self, path: Path | None) -> None:
        try:
            self._db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
        except sqlite3.Error as error:
            raise EmulatorError(f"{path} cannot be opened: {error}") from error
        self.lengths = Lengths()
        try:
            self._open(path)
        except BaseException:
            self._db.close()
            raise

    def _open(self, path: Path | None) -> None:
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                raise EmulatorError(f"{path} was written by another version of the emulator; use a new data folder")
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA user_version = {_VERSION}")
            for video in self.videos(VideoFilter()):
                self.lengths.note(video)
        except sqlite3.DatabaseError as error:
            raise EmulatorError(f"{path} is not a database of the emulator: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def save_video(self, video: Video) -> None:
        """Insert a video or overwrite it."""
        self.lengths.note(video)
        self._db.execute(
            "INSERT INTO videos (uid, created, state, creator, name, live_input, doc) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (uid) DO UPDATE SET created = excluded.created, state = excluded.state,"
            " creator = excluded.creator, name = excluded.name, live_input = excluded.live_input, doc = excluded.doc",
            (
                video.uid,
                video.created,
                video.state,
                video.creator,
                video.name,
                video.live_input,
                json.dumps(attrs.asdict(video)),
            ),
        )

    def video(self, uid: str) -> Video | None:
        """The video of that uid."""
        row = self._db.execute("SELECT doc FROM videos WHERE uid = ?", (uid,)).fetchone()
        return None if row is None else Video.load(json.loads(row[0]))

    def videos(self, wanted: VideoFilter, *, ascending: bool = False, limit: int = -1) -> list[Video]:
        """The videos of a list, by creation; those of one instant in the order in which they were made."""
        table, first = wanted.table()
        condition, values = wanted.where()
        order = "ASC" if ascending else "DESC"
        rows = self._db.execute(
            f"SELECT doc FROM {table} WHERE {condition} ORDER BY created {order}, seq {order} LIMIT ?",  # noqa: S608  # the condition holds column names of ours and marks
            [*first, *values, limit],
        )
        return [Video.load(json.loads(document)) for (document,) in rows]

    def count_videos(self, wanted: VideoFilter) -> int:
        """How many there are."""
        table, first = wanted.table()
        condition, values = wanted.where()
        query = f"SELECT count(*) FROM {table} WHERE {condition}"  # noqa: S608  # as above
        (count,) = self._db.execute(query, [*first, *values]).fetchone()
        return int(count)

    def due(self, now: int) -> list[str]:
        """The videos to be deleted by now, and the uploads that expired."""
        rows = self._db.execute(
            "SELECT uid FROM videos WHERE json_extract(doc, '$.scheduled_deletion') <= ?"
            " UNION SELECT uid FROM videos WHERE state = ? AND json_extract(doc, '$.upload_expiry') <= ?",
            (now, PENDING, now),
        )
        return [uid for (uid,) in rows]

    def bury(self, uid: str, now: int, lag: int) -> None:
        """Keep a video that is to be deleted for lists that are so much behind."""
        self._db.execute("DELETE FROM graves WHERE deleted <= ?", (now - lag,))
        self._db.execute("INSERT INTO graves SELECT *, ? FROM videos WHERE uid = ?", (now, uid))

    def wipe(self) -> None:
        """Forget everything."""
        self.lengths.clear()
        for table in ("videos", "objects", "graves"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608  # names of ours

    def delete_video(self, uid: str) -> None:
        """Forget a video and what belongs to it."""
        self.lengths.forget(uid)
        self._db.execute("DELETE FROM videos WHERE uid = ?", (uid,))
        self.delete_children(uid)

    def put(self, kind: str, name: str, document: Mapping[str, Any], *, parent: str = "") -> None:
        """Insert a smaller object or overwrite it in its place."""
        self._db.execute(
            "INSERT INTO objects (kind, parent, id, doc) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, parent, id) DO UPDATE SET doc = excluded.doc",
            (kind, parent, name, json.dumps(document)),
        )

    def get(self, kind: str, name: str, *, parent: str = "") -> dict[str, Any] | None:
        """A smaller object."""
        query = "SELECT doc FROM objects WHERE kind = ? AND parent = ? AND id = ?"
        row = self._db.execute(query, (kind, parent, name)).fetchone()
        return None if row is None else json.loads(row[0])

    def delete(self, kind: str, name: str, *, parent: str = "") -> bool:
        """Forget a smaller object; says whether it was there."""
        query = "DELETE FROM objects WHERE kind = ? AND parent = ? AND id = ?"
        return self._db.execute(query, (kind, parent, name)).rowcount > 0

    def delete_children(self, parent: str) -> None:
        """Forget all smaller objects of a larger one."""
        self._db.execute("DELETE FROM objects WHERE parent = ?", (parent,))

    def everywhere(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """All smaller objects of a kind with what they belong to, oldest first."""
        rows = self._db.execute("SELECT parent, doc FROM objects WHERE kind = ? ORDER BY seq", (kind,))
        return [(parent, json.loads(document)) for parent, document in rows]

    def all(self, kind: str, *, parent: str = "") -> list[dict[str, Any]]:
        """All smaller objects of a kind, oldest first."""
        query = "SELECT doc FROM objects WHERE kind = ? AND parent = ? ORDER BY seq"
        return [json.loads(document) for (document,) in self._db.execute(query, (kind, parent))]
