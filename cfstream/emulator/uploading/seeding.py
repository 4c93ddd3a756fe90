"""An account that is not empty: every media file of a folder becomes a video."""

import asyncio
import os
from pathlib import Path
from typing import Any, Final

from cfstream.emulator import checks
from cfstream.emulator.answers import Refused
from cfstream.emulator.control.sweeping import sweep
from cfstream.emulator.errors import EmulatorError, not_running
from cfstream.emulator.service import Service
from cfstream.emulator.storage.disk import open_own
from cfstream.emulator.storage.records import ERROR, PENDING, READY
from cfstream.emulator.uploading import incoming

_SUFFIXES: Final = frozenset(
    {".3gp", ".avi", ".flv", ".gxf", ".lxf", ".m2ts", ".m4v", ".mkv", ".mov"}
    | {".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ts", ".vob", ".webm"}
)
_KIND: Final = "seed"
_TASK: Final = "seed"
_FAILED: Final = (ERROR, PENDING)
"""States of no use: the second is that of a video whose file was not put into it any more."""
_BLOCK: Final = 1024 * 1024
# Far below where the interpreter gives up on a record.
_DEEPEST: Final = 100


async def seed(service: Service, folder: Path) -> dict[str, str]:
    """Take in the media files of a folder and wait until they are encoded.

    A file that was taken in before is left alone while it has the same size and time and its video is there and has not
    failed; otherwise it is taken in anew, and the video of before is deleted.

    Args:
        service: the emulator.
        folder: its files with a suffix that the service knows are taken; a JSON object in ``talk.json`` becomes the
            ``meta`` of ``talk.mp4``.

    Returns:
        The uids by the names of the files.

    Raises:
        EmulatorError: the folder or a file cannot be read, there is no room for one, one is no video, or the emulator
            was closed or reset meanwhile.
    """
    await sweep(service)
    if service.closing.is_set():
        raise not_running()
    # A task of its own, which a reset and the end cancel without cancelling the caller.
    task = asyncio.create_task(_seed(service, folder), name=_TASK)
    service.at_work.add(task)
    task.add_done_callback(service.at_work.discard)
    try:
        return await task
    except asyncio.CancelledError:
        caller = asyncio.current_task()
        if caller is not None and caller.cancelling():
            raise
    if service.closing.is_set():
        raise not_running()
    raise EmulatorError("The emulator was reset while it took in a folder: seed it again")


async def end(service: Service) -> None:
    """End what is being taken in, because the emulator ends."""
    service.closing.set()
    tasks = [task for task in service.at_work if task.get_name() == _TASK]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


async def _seed(service: Service, folder: Path) -> dict[str, str]:
    found = {path: _meta(path) for path in await asyncio.to_thread(_media, folder)}
    async with service.seeding:  # two at once would take in a file twice
        taken = {path: await _take(service, path, meta) for path, meta in found.items()}
    for path, uid in taken.items():
        await service.jobs.settled(uid)
        video = service.library.get(uid)
        if video is not None and video.state != READY:
            raise _unusable(path, f"it is {video.state} {video.error_code}".rstrip())
    return {path.name: uid for path, uid in taken.items()}


def _unusable(path: Path, why: object) -> EmulatorError:
    return EmulatorError(f"{checks.mended(path.name)} cannot be seeded: {why}")


def _media(folder: Path) -> list[Path]:
    try:
        listed = sorted(folder.iterdir())
    except OSError as error:
        raise EmulatorError(f"The folder {folder} cannot be read: {error.strerror}") from error
    return [path for path in listed if path.suffix.lower() in _SUFFIXES and path.is_file()]


def _meta(path: Path) -> dict[str, Any]:
    beside = path.with_suffix(".json")
    shown = checks.mended(str(beside))
    try:
        meta = checks.json_value(beside.read_bytes()) if beside.exists() else {}
    except OSError as error:
        raise EmulatorError(f"{shown} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise EmulatorError(f"{shown} cannot be read as JSON: {error}") from error
    if not isinstance(meta, dict):
        raise EmulatorError(f"{shown} must hold a JSON object")
    if not _shallow(meta, _DEEPEST):
        raise EmulatorError(f"{shown} cannot be read as JSON: it is nested too deeply")
    return {"name": checks.mended(path.name), **meta}


def _shallow(value: Any, left: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left > 0 and all(_shallow(each, left - 1) for each in inner)


async def _take(service: Service, path: Path, meta: dict[str, Any]) -> str:
    library = service.library
    # Names of files need not be text, which the database wants.
    key = ascii(path.name)
    known = library.store.get(_KIND, key)
    before = None if known is None else library.get(known["uid"])
    try:
        stamp = _stamp(path)
        if known is not None and before is not None and before.state not in _FAILED and known["stamp"] == stamp:
            return before.uid
        with incoming.place(library) as arriving:
            size = await _copied(service, path, arriving)
            if before is not None:
                await service.delete_video(before.uid)
            # Without a pause: whatever ends the emulator, there is never a second video of the file.
            now = library.now()
            video = library.make(now, meta=meta, uploaded=now)
            library.store.put(_KIND, key, {"uid": video.uid, "stamp": stamp})
            incoming.put(service, video.uid, arriving, size=size)
    except Refused as error:
        raise _unusable(path, error.errors[0][1]) from error
    except OSError as error:
        raise _unusable(path, error.strerror) from error
    return video.uid


def _stamp(path: Path) -> list[int]:
    """What a file has another of once it is changed."""
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns]


async def _copied(service: Service, source: Path, target: Path) -> int:
    """Copy a file, as far as there is room; gives its size."""
    size = 0
    with source.open("rb") as read, os.fdopen(open_own(target, os.O_WRONLY), "wb") as written:
        while block := await asyncio.to_thread(read.read, _BLOCK):
            service.disk.take(len(block))
            written.write(block)
            size += len(block)
    return size
