"""The emulator's database: one JSON document per object, with columns for what lists are filtered by."""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from cfstream.emulator.errors import EmulatorError
from cfstream.emulator.records import Video

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
CREATE TABLE IF NOT EXISTS objects (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  parent TEXT NOT NULL,
  id TEXT NOT NULL,
  doc TEXT NOT NULL,
  UNIQUE (kind, parent, id)
);
"""


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
        except sqlite3.DatabaseError as error:
            raise EmulatorError(f"{path} is not a database of the emulator: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def save_video(self, video: Video) -> None:
        """Insert a video or overwrite it."""
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
        condition, values = wanted.where()
        order = "ASC" if ascending else "DESC"
        rows = self._db.execute(
            f"SELECT doc FROM videos WHERE {condition} ORDER BY created {order}, seq {order} LIMIT ?",  # noqa: S608  # the condition holds column names of ours and marks
            [*values, limit],
        )
        return [Video.load(json.loads(document)) for (document,) in rows]

    def count_videos(self, wanted: VideoFilter) -> int:
        """How many there are."""
        condition, values = wanted.where()
        query = f"SELECT count(*) FROM videos WHERE {condition}"  # noqa: S608  # as above
        (count,) = self._db.execute(query, values).fetchone()
        return int(count)

    def delete_video(self, uid: str) -> None:
        """Forget a video and what belongs to it."""
        self._db.execute("DELETE FROM videos WHERE uid = ?", (uid,))
        self._db.execute("DELETE FROM objects WHERE parent = ?", (uid,))

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

    def all(self, kind: str, *, parent: str = "") -> list[dict[str, Any]]:
        """All smaller objects of a kind, oldest first."""
        query = "SELECT doc FROM objects WHERE kind = ? AND parent = ? ORDER BY seq"
        return [json.loads(document) for (document,) in self._db.execute(query, (kind, parent))]
