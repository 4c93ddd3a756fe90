"""The work on videos: the encoder's queue, a few child processes at a time, and what else goes on behind a video."""

import asyncio
import logging
import os
import shutil
from collections.abc import Coroutine, Iterable
from typing import Any, Final

from cfstream.emulator.encoding.gate import Gate
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.jobs import EncodeJob, Mark, PresetName
from cfstream.emulator.media.runner import run_job
from cfstream.emulator.storage import records
from cfstream.emulator.storage.disk import Disk
from cfstream.emulator.storage.library import Library
from cfstream.emulator.storage.store import VideoFilter

_log = logging.getLogger("cfstream.emulator")

TOO_LONG: Final = "ERR_DURATION_EXCEED_CONSTRAINT"

_LOOK: Final = 5
"""Percent of an encoding between two looks at the room on disk, for which all files are counted."""

AT_ONCE: Final = max(1, (os.cpu_count() or 1) // 2)


class Jobs:
    """Encodes videos, first come, first served."""

    def __init__(self, library: Library, preset: PresetName, disk: Disk) -> None:
        self._library = library
        self._disk = disk
        self._preset: PresetName = preset
        self._tasks: dict[str, set[asyncio.Task[None]]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.aside = asyncio.Semaphore(AT_ONCE)
        """Places for smaller work, which a closed gate does not hold up."""
        self.gate = Gate()

    def add(self, uid: str) -> None:
        """Encode a video as soon as there is a place."""
        self.start(uid, self._wait_and_encode(uid))

    def start(self, uid: str, work: Coroutine[Any, Any, None], name: str = "") -> asyncio.Task[None]:
        """Do something else for a video, at once; it ends when the video is deleted or the emulator closes."""
        task = asyncio.create_task(work, name=name or f"work on {uid}")
        self._tasks.setdefault(uid, set()).add(task)
        task.add_done_callback(lambda task: self._forget(uid, task))
        return task

    def _forget(self, uid: str, task: asyncio.Task[None]) -> None:
        self._tasks[uid].discard(task)
        if not self._tasks[uid]:
            del self._tasks[uid]

    def works(self, uid: str, name: str) -> bool:
        """Whether the work of that name is being done for a video."""
        return any(task.get_name() == name and not task.done() for task in self._tasks.get(uid, ()))

    def restart(self) -> None:
        """Begin anew what was waiting or encoding when the emulator ended."""
        unfinished = [
            video
            for state in (records.QUEUED, records.ENCODING)
            for video in self._library.store.videos(VideoFilter(status=state))
        ]
        for video in sorted(unfinished, key=lambda video: video.created):
            self._library.change(video.uid, state=records.QUEUED, percent=None)
            self.add(video.uid)

    def room(self) -> int:
        """Give how many bytes what is being made may still take on the disk.

        Raises:
            MediaError: there is no room left: what is made fails as it would on a full disk.
        """
        return self._disk.left()

    def pause(self) -> None:
        """Let no further video into the encoder; those in it go on."""
        self.gate.close()

    def resume(self) -> None:
        """Open the encoder again."""
        self.gate.open()

    def step(self) -> None:
        """Let one video into a closed encoder: the one that waits longest, or the next that comes."""
        self.gate.step()

    async def settled(self, uid: str) -> None:
        """Wait until nothing is being done to a video."""
        while tasks := self._tasks.get(uid):
            await asyncio.wait(tuple(tasks))

    async def cancel(self, uid: str, name: str | None = None) -> None:
        """End the work on a video, or that of a name; afterwards none of its files is being written."""
        await self._end(task for task in self._tasks.get(uid, ()) if name in (None, task.get_name()))

    async def close(self) -> None:
        """End all work; the videos keep their state, so that a later start goes on with them."""
        await self._end(task for tasks in self._tasks.values() for task in tasks)

    @staticmethod
    async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
        ended = list(tasks)
        for task in ended:
            task.cancel()
        if ended:
            await asyncio.wait(ended)

    async def _wait_and_encode(self, uid: str) -> None:
        async with self._slots:
            await self.gate.enter()
            try:
                await self._encode(uid)
            except MediaError as error:
                await self._give_up(uid, error)
            except Exception:  # noqa: BLE001  # a video must end in some state, whatever went wrong
                _log.exception("encoding of %s", uid)
                await self._give_up(uid, MediaError(UNKNOWN))

    async def _give_up(self, uid: str, error: MediaError) -> None:
        # Half an encoding is of no use, and takes room.
        await asyncio.to_thread(shutil.rmtree, self._library.hls(uid), ignore_errors=True)
        self.fail(uid, error)

    async def _encode(self, uid: str) -> None:
        library = self._library
        video = library.get(uid)
        if video is None:
            return
        shutil.rmtree(library.hls(uid), ignore_errors=True)
        job = EncodeJob(
            source=library.source(uid),
            out_dir=library.hls(uid),
            preset=self._preset,
            start=video.clip_start,
            end=video.clip_end,
            marks=self._marks(video),
        )
        await run_job(job, on_event=lambda event: self._told(uid, event), most=self.room())
        library.change(uid, state=records.READY, percent=100.0, ready_at=library.now())

    def _marks(self, video: records.Video) -> tuple[Mark, ...]:
        profiles = [*video.inherited_marks, *([] if video.watermark is None else [video.watermark])]
        return tuple(
            Mark(
                image=self._library.mark(video.uid, profile["uid"]),
                **{name: profile[name] for name in ("position", "scale", "opacity", "padding")},
            )
            for profile in profiles
        )

    def _told(self, uid: str, event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            self._library.change(uid, percent=float(event["pct"]))
            if int(event["pct"]) % _LOOK == 0:
                # An encoding is many files: no bound of one file holds for all. An error ends the child process.
                self.room()
        if event["event"] == "probe":
            facts = {name: event[name] for name in ("duration", "width", "height")}
            video = self._library.change(uid, state=records.ENCODING, percent=0.0, **facts)
            if video is not None and video.max_duration is not None and video.duration > video.max_duration:
                # This ends the child process, too: nothing of a video that is too long is encoded.
                raise MediaError(TOO_LONG, "The video is longer than the upload was allowed to be.")

    def fail(self, uid: str, error: MediaError) -> None:
        """Put a video into its last state."""
        self._library.change(
            uid, state=records.ERROR, percent=None, error_code=error.code, error_text=error.text, ready_at=None
        )
