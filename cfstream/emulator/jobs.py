"""The work on videos: the encoder's queue, a few child processes at a time, and what else goes on behind a video."""

import asyncio
import logging
import os
import shutil
from collections.abc import Coroutine, Iterable
from typing import Any, Final

from cfstream.emulator import records
from cfstream.emulator.library import Library
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.jobs import EncodeJob, PresetName
from cfstream.emulator.media.runner import run_job
from cfstream.emulator.store import VideoFilter

_log = logging.getLogger("cfstream.emulator")

TOO_LONG: Final = "ERR_DURATION_EXCEED_CONSTRAINT"

AT_ONCE: Final = max(1, (os.cpu_count() or 1) // 2)


class Jobs:
    """Encodes videos, first come, first served."""

    def __init__(self, library: Library, preset: PresetName) -> None:
        self._library = library
        self._preset: PresetName = preset
        self._tasks: dict[str, set[asyncio.Task[None]]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._open = asyncio.Event()
        self._open.set()

    def add(self, uid: str) -> None:
        """Encode a video as soon as there is a place."""
        self.start(uid, self._wait_and_encode(uid))

    def start(self, uid: str, work: Coroutine[Any, Any, None]) -> None:
        """Do something else for a video, at once; it ends when the video is deleted or the emulator closes."""
        task = asyncio.create_task(work, name=f"work on {uid}")
        self._tasks.setdefault(uid, set()).add(task)
        task.add_done_callback(lambda task: self._forget(uid, task))

    def _forget(self, uid: str, task: asyncio.Task[None]) -> None:
        self._tasks[uid].discard(task)
        if not self._tasks[uid]:
            del self._tasks[uid]

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

    def pause(self) -> None:
        """Let no further video into the encoder; those in it go on."""
        self._open.clear()

    def resume(self) -> None:
        """Open the encoder again."""
        self._open.set()

    async def cancel(self, uid: str) -> None:
        """End the work on a video; afterwards none of its files is being written."""
        await self._end(self._tasks.get(uid, ()))

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
            await self._open.wait()
            try:
                await self._encode(uid)
            except MediaError as error:
                self.fail(uid, error)
            except Exception:  # noqa: BLE001  # a video must end in some state, whatever went wrong
                _log.exception("encoding of %s", uid)
                self.fail(uid, MediaError(UNKNOWN))

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
        )
        await run_job(job, on_event=lambda event: self._told(uid, event))
        library.change(uid, state=records.READY, percent=100.0, ready_at=library.now())

    def _told(self, uid: str, event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            self._library.change(uid, percent=float(event["pct"]))
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
