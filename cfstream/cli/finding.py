"""Which files an upload is about: those named, the videos in folders, and what a list on standard input names."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Iterable, Sequence
from itertools import groupby
from pathlib import Path

import attrs

from cfstream.cli.failures import SetupError

STANDARD_INPUT = "-"

VIDEOS = frozenset(
    {
        *(".3gp", ".avi", ".flv", ".gxf", ".lxf", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
        *(".mts", ".mxf", ".qt", ".ts", ".vob", ".webm"),
    }
)
"""The names, by their end, of the containers that Cloudflare documents as accepted."""

_DESCRIPTOR = 0
_PIECE = 64 * 1024
_LONGEST = 64 * 1024  # bytes of a name; far above what a system takes
_AT_ONCE = 1000  # names looked at in one go


@attrs.frozen
class Unread:
    """A folder that could not be looked into."""

    path: str
    error: OSError


@attrs.define
class Files:
    """What was named on the command line, walked as files are wanted, so that a list may be of any length.

    A folder stands for the videos in it and below, told by their names' ends and sorted; what begins with a dot is
    left out, and links to folders are not followed.
    """

    arguments: Sequence[str]
    null: bool = False
    """Whether a zero byte ends each name of the list on standard input, instead of the end of a line."""
    others: int = attrs.field(default=0, init=False)
    """Files in folders that were left out because they are no videos by name."""

    @property
    def listed(self) -> bool:
        """Whether names come from standard input, which can be read once only."""
        return STANDARD_INPUT in self.arguments

    @property
    def several(self) -> bool:
        """Whether it can be about more than one file."""
        return len(self.arguments) > 1 or self.listed or _is_folder(self.arguments[0])

    async def walk(self) -> AsyncGenerator[str | Unread]:
        """Give path after path.

        Raises:
            SetupError: standard input cannot be read, or is no list.
        """
        async for names in self._names():
            places = await asyncio.to_thread(_places, names)
            places.reverse()
            while places:
                path, is_folder = places.pop()
                if not is_folder:
                    yield path
                    continue
                try:
                    inside, others = await asyncio.to_thread(_inside, path)
                except OSError as error:
                    yield Unread(path, error)
                else:
                    self.others += others
                    places += reversed(inside)

    async def _names(self) -> AsyncGenerator[Sequence[str]]:
        for is_list, arguments in groupby(self.arguments, STANDARD_INPUT.__eq__):
            if is_list:
                async for names in _listed(b"\0" if self.null else b"\n"):
                    yield names
            else:
                for names in _in_groups(list(arguments)):
                    yield names


def _in_groups(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE))


def _places(names: Sequence[str]) -> list[tuple[str, bool]]:
    return [(name, _is_folder(name)) for name in names]


def _is_folder(name: str) -> bool:
    return os.path.isdir(name)  # noqa: PTH112  # for a Path, no name at all is this folder


def _inside(folder: str) -> tuple[list[tuple[str, bool]], int]:
    """Give the folders and videos in a folder, and how many other files there are."""
    found, others = list[tuple[str, bool]](), 0
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                found.append((entry.path, True))
            elif entry.is_symlink() and _is_folder(entry.path):
                continue
            elif Path(entry.name).suffix.lower() in VIDEOS:
                found.append((entry.path, False))  # also a link that leads nowhere, so that its failure is told
            else:
                others += 1
    return found, others


async def _listed(ending: bytes) -> AsyncGenerator[Sequence[str]]:
    """Read names from standard input as they come."""
    if sys.stdin is None:  # closed; what has its number now is something else
        raise SetupError("standard input is closed")
    rest = b""
    while piece := await _piece():
        *names, rest = (rest + piece).split(ending)
        if len(rest) > _LONGEST:
            wanted = "zero byte" if ending == b"\0" else "line end"
            raise SetupError(f"standard input is no list of paths: {_LONGEST:,} bytes without a {wanted}")
        yield [os.fsdecode(name) for name in names if name]
    if rest:
        yield [os.fsdecode(rest)]


async def _piece() -> bytes:
    """Read what there is, without holding up the loop or leaving a thread behind that nobody can stop."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    try:
        try:
            loop.add_reader(_DESCRIPTOR, readable.set)
        except PermissionError:  # a plain file, which never makes anybody wait
            readable.set()
        try:
            await readable.wait()
        finally:
            loop.remove_reader(_DESCRIPTOR)
        return os.read(_DESCRIPTOR, _PIECE)
    except OSError as error:
        raise SetupError(f"standard input cannot be read: {error.strerror}") from error
