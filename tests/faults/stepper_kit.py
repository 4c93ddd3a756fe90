"""Counts the suspensions of a coroutine and of the tasks it starts, and cancels it at one of them."""

import asyncio
import time
from collections.abc import Coroutine, Generator
from functools import partial
from typing import Any, TypeVar, cast

import attrs

T = TypeVar("T")


@attrs.define
class Stepper:
    """Drives a coroutine, counts the suspensions of its task and of those it starts, and cancels it at one of them."""

    at: int
    points: int = 0
    task: asyncio.Task[Any] | None = None
    cancelled: float = 0.0
    took: float = 0.0

    async def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        loop = asyncio.get_running_loop()
        self.task = asyncio.current_task()
        loop.set_task_factory(self._started)
        try:
            return await _Steps(self, work)
        except asyncio.CancelledError:
            self.took = time.perf_counter() - self.cancelled
            raise
        finally:
            loop.set_task_factory(None)

    def _started(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        ours = work if "FaultServer" in getattr(work, "__qualname__", "") else _Steps(self, work)
        return asyncio.Task(ours, loop=loop, **options)

    def suspended(self) -> None:
        self.points += 1
        if self.points == self.at and self.task is not None:
            self.cancelled = time.perf_counter()
            self.task.cancel()


@attrs.define
class _Steps(Coroutine[Any, Any, T]):
    """A coroutine whose suspensions are told."""

    stepper: Stepper
    work: Coroutine[Any, Any, T]

    def send(self, value: Any) -> Any:
        waited = self.work.send(value)
        self.stepper.suspended()
        return waited

    def throw(self, *error: Any) -> Any:
        waited = self.work.throw(*error)
        self.stepper.suspended()
        return waited

    def close(self) -> None:
        self.work.close()

    def __await__(self) -> Generator[Any, Any, T]:
        step = partial(self.send, None)
        while True:
            try:
                waited = step()
            except StopIteration as end:
                return cast("T", end.value)
            try:
                yield waited
            except BaseException as error:  # noqa: BLE001  # handed on to the work
                step = partial(self.throw, error)
            else:
                step = partial(self.send, None)
