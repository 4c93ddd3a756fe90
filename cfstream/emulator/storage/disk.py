"""The room on disk: how much the data folder may take, and what keeps files in it to their owner."""

import asyncio
import errno
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Final

import attrs

from cfstream.emulator.answers import INTERNAL, STORAGE_FULL, Refused
from cfstream.emulator.errors import EmulatorError
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.files import whole

FOLDERS: Final = ("videos", "watermarks", "incoming")
"""What the data folder has, besides the database."""

_SPARE: Final = 1024**3
_SPARE_SHARE: Final = 0.05
# So much is written between two looks.
_STEP: Final = 16 * 1024**2
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@attrs.define(eq=False)
class Disk:
    """Room for what comes: within a quota where there is one, and never to the last byte of the disk."""

    root: Path
    quota: int | None = None
    """The most bytes in the folder, all that is made of videos included."""
    _promised: int = 0

    def check(self, size: int = 0) -> int:
        """Make sure that there is room for so many bytes, and give how many may come in all.

        Raises:
            Refused: 413, there is not.
        """
        room = self.room()
        if room <= 0 or size > room:
            raise Refused(413, (STORAGE_FULL, self._exceeded(room)), close=True)
        return room

    async def check_aside(self, size: int = 0) -> None:
        """Make sure of that while others are served: for a quota all files are counted, which takes its time.

        Raises:
            Refused: as above.
        """
        if self.quota is None:
            self.check(size)
        else:
            await asyncio.to_thread(self.check, size)

    def take(self, size: int) -> None:
        """Make sure of the same for bytes that are written next.

        Raises:
            Refused: as above.
        """
        if size > self._promised:
            self._promised = min(_STEP, self.check(size))
        self._promised -= size

    def write(self, path: Path, data: bytes) -> None:
        """Write a small file as a whole; a link in its place is replaced and not followed.

        Raises:
            Refused: 413, there is no room for it.
        """
        self.check(len(data))
        path.parent.mkdir(exist_ok=True)
        with whole(path) as part:
            part.unlink(missing_ok=True)
            with os.fdopen(open_own(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
                file.write(data)

    def left(self) -> int:
        """How many bytes may be written now to make something of a video; more than none.

        Raises:
            MediaError: there is no room.
        """
        # What is made takes from the room that was promised to uploads.
        self._promised = 0
        room = self.room()
        if room <= 0:
            raise MediaError(UNKNOWN, self._exceeded(room))
        return room

    def _exceeded(self, room: int) -> str:
        whose = "disk" if self.quota is None else "disk quota"
        return f"Storage capacity exceeded: the emulator's {whose} has {max(0, room)} bytes left."

    def room(self) -> int:
        """How many bytes may still come; less than none where there are too many already."""
        disk = shutil.disk_usage(self.root)
        room = disk.free - min(_SPARE, int(disk.total * _SPARE_SHARE))
        return room if self.quota is None else min(room, self.quota - _size(self.root))


def _size(folder: Path) -> int:
    found = 0
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                found += os.lstat(os.path.join(base, name)).st_size  # noqa: PTH118  # a folder may have many thousand
            except FileNotFoundError:
                continue  # deleted meanwhile
    return found


def is_full(error: BaseException) -> bool:
    """Whether an error says that the disk has no more room."""
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in _FULL


def full() -> Refused:
    """507: what could be written is kept, and the request may be made again."""
    return Refused(507, (INTERNAL, "The emulator's disk is full"), close=True)


def open_own(path: Path, flags: int) -> int:
    """Open a file of the data folder for writing: only its owner may read it, and no link leads out of the folder.

    Raises:
        OSError: it cannot be opened, or is a link.
    """
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def prepare(root: Path) -> None:
    """Make the folders, for their owner only.

    Raises:
        EmulatorError: one is a link, or cannot be made.
    """
    for path in (root / name for name in FOLDERS):
        try:
            if path.is_symlink():
                raise EmulatorError(f"The data folder {root} cannot be used: {path.name} is a link")
            path.mkdir(mode=0o700, exist_ok=True)
            path.chmod(0o700)
        except OSError as error:
            raise EmulatorError(f"The data folder {root} cannot be used: {path.name}: {error.strerror}") from error
