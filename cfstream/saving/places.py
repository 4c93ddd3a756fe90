"""Where a file goes: checked before anything is asked for, taken in one step once the file is whole."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from cfstream._redact import shown
from cfstream.errors import InvalidInputError, StreamError

NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
MODE = 0o666
"""Less the umask, as of any file that a program writes."""


def place_for(path: Any, name: str, *, overwrite: bool) -> Path:
    """Give the place of the new file, which has the name given where the path is a folder.

    Raises:
        InvalidInputError: the folder is missing, or something is there that is not to be replaced.
    """
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise InvalidInputError(f"path: expected the path of a file or a folder, got {shown(path)}")
    place = Path(text)
    if place.is_dir():
        place = place / name
    folder = text if text.endswith(os.sep) else os.fspath(place.parent)
    if not os.path.isdir(folder):  # noqa: PTH112  # a Path would lose the slash at the end
        raise InvalidInputError(f"path: there is no folder {shown(folder)}")
    if os.path.lexists(place):
        _check_replaceable(place, overwrite=overwrite)
    return place


def _check_replaceable(place: Path, *, overwrite: bool) -> None:
    named = f"path: {shown(os.fspath(place))}"
    if not overwrite:
        raise InvalidInputError(f"{named} is there already; overwrite=True replaces it")
    if not place.is_file():
        raise InvalidInputError(f"{named} is not a regular file and is not replaced")


def put_in_place(written: Path, place: Path, *, overwrite: bool) -> None:
    """Give a file that is on the disk its final name in one step.

    Raises:
        StreamError: without ``overwrite``, when another file has taken the name in the meantime.
    """
    if overwrite:
        written.replace(place)
    else:
        try:
            _rename_unless_there(written, place)
        except FileExistsError as error:
            raise StreamError(f"{shown(os.fspath(place))} has come into being meanwhile and is kept") from error
    _sync_folder(place.parent)


def _rename_unless_there(written: Path, place: Path) -> None:
    try:
        place.hardlink_to(written)  # a rename would replace what is there
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(place):
            raise FileExistsError from None
        written.rename(place)
    else:
        written.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the new name outlive a power cut, where the file system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_whole(place: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a small file so that nobody sees half of it."""
    written = place.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with os.fdopen(os.open(written, NEW_FILE | os.O_EXCL, MODE), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(written, place, overwrite=overwrite)
    finally:
        written.unlink(missing_ok=True)
