"""Files that are made when somebody first asks for them: stills and progressive MP4s."""

import asyncio
from pathlib import Path

from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.jobs import Mp4Job, ThumbnailJob
from cfstream.emulator.media.runner import run_job

_AT_ONCE = 2


class Made:
    """Makes each file once, however many ask for it at the same time."""

    def __init__(self) -> None:
        self._tasks: dict[Path, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def get(self, job: Mp4Job | ThumbnailJob) -> Path:
        """The file a job makes.

        Raises:
            MediaError: it cannot be made.
        """
        task = self.begin(job)
        if task is not None:
            await asyncio.wait([task])
            if task.cancelled():
                raise MediaError(UNKNOWN, "The video was deleted.")
            task.result()
        return job.target

    def begin(self, job: Mp4Job | ThumbnailJob) -> asyncio.Task[None] | None:
        """Start to make a file and return the work, which others may have begun; None if the file is there."""
        target = job.target
        if not self.makes(target) and target.exists():
            return None
        if not self.makes(target):
            task = self._tasks[target] = asyncio.create_task(self._make(job), name=f"make {target.name}")
            task.add_done_callback(lambda done: self._finished(target, done))
        return self._tasks[target]

    def makes(self, target: Path) -> bool:
        """Whether that file is being made."""
        return target in self._tasks

    def _finished(self, target: Path, task: asyncio.Task[None]) -> None:
        del self._tasks[target]
        if not task.cancelled():
            # Whoever asked may be gone; that the error is seen by nobody is no fault.
            task.exception()

    async def _make(self, job: Mp4Job | ThumbnailJob) -> None:
        async with self._slots:
            job.target.parent.mkdir(exist_ok=True)
            await run_job(job)

    async def cancel(self, folder: Path) -> None:
        """End what is being made in a folder."""
        await self._end([task for target, task in self._tasks.items() if target.is_relative_to(folder)])

    async def close(self) -> None:
        """End everything."""
        await self._end(list(self._tasks.values()))

    @staticmethod
    async def _end(tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
