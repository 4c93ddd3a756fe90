"""Files that are made when somebody first asks for them: stills, animations and progressive MP4s."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.jobs import GifJob, Mp4Job, ThumbnailJob
from cfstream.emulator.media.runner import run_job
from cfstream.emulator.storage.disk import Disk

_AT_ONCE = 2
_KEPT: Final = 100
"""So many pictures of a video stay; the oldest go, and are made again for who asks."""


@attrs.define(eq=False)
class _Work:
    task: asyncio.Task[None]
    waiting: int = 0
    """How many wait for it; when the last one leaves it ends."""
    kept: bool = False
    """Whether it goes on all the same."""


class Made:
    """Makes each file once, however many ask for it at the same time."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._works: dict[Path, _Work] = {}
        # Also those that nobody wants any more, until they have ended.
        self._tasks: dict[asyncio.Task[None], Path] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        # An animation takes as long as many stills, which do not wait for it.
        self._moving = asyncio.Semaphore(1)

    async def get(self, job: Mp4Job | ThumbnailJob) -> Path:
        """The file a job makes; cancelling the last one that waits for it ends the work.

        Raises:
            MediaError: it cannot be made.
        """
        work = self._work(job)
        if work is not None:
            work.waiting += 1
            try:
                await asyncio.wait([work.task])
            finally:
                work.waiting -= 1
                if not work.waiting and not work.kept:
                    self._abandon(job.target, work)
            if work.task.cancelled():
                raise MediaError(UNKNOWN, "The video was deleted.")
            work.task.result()
        return job.target

    def begin(self, job: Mp4Job | ThumbnailJob) -> asyncio.Task[None] | None:
        """Start to make a file and return the work, which others may have begun; None if the file is there.

        It goes on when nobody waits for it.
        """
        work = self._work(job)
        if work is None:
            return None
        work.kept = True
        return work.task

    def makes(self, target: Path) -> bool:
        """Whether that file is being made."""
        return target in self._works

    def _work(self, job: Mp4Job | ThumbnailJob) -> _Work | None:
        target = job.target
        if not self.makes(target):
            if target.exists():
                return None
            ending = [task for task, made in self._tasks.items() if made == target]
            task = asyncio.create_task(self._make(job, ending), name=f"make {target.name}")
            self._tasks[task] = target
            self._works[target] = _Work(task)
            task.add_done_callback(self._finished)
        return self._works[target]

    def _abandon(self, target: Path, work: _Work) -> None:
        # Who asks from now on begins anew.
        if self._works.get(target) is work:
            del self._works[target]
        work.task.cancel()

    def _finished(self, task: asyncio.Task[None]) -> None:
        target = self._tasks.pop(task)
        if self.makes(target) and self._works[target].task is task:
            del self._works[target]
        if not task.cancelled():
            # Whoever asked may be gone; that the error is seen by nobody is no fault.
            task.exception()

    async def _make(self, job: Mp4Job | ThumbnailJob, ending: list[asyncio.Task[None]]) -> None:
        if ending:
            await asyncio.wait(ending)
        async with self._moving if isinstance(job, GifJob) else self._slots:
            most = self._disk.left()
            job.target.parent.mkdir(exist_ok=True)
            try:
                await run_job(job, most=most)
            finally:
                # A child process that is killed leaves what it has.
                _remove(job.target.parent.glob(f"{job.target.name}.*.part"))
        if isinstance(job, ThumbnailJob):
            _forget_oldest(job.target.parent)

    async def cancel(self, folder: Path) -> None:
        """End what is being made in a folder."""
        await self._end([task for task, target in self._tasks.items() if target.is_relative_to(folder)])

    async def close(self) -> None:
        """End everything."""
        await self._end(list(self._tasks))

    @staticmethod
    async def _end(tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _forget_oldest(folder: Path) -> None:
    # The folder may go away with its video meanwhile.
    with suppress(FileNotFoundError):
        made = [path for path in folder.iterdir() if path.suffix != ".part"]
        _remove(sorted(made, key=lambda path: path.stat().st_mtime_ns)[:-_KEPT])


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
