"""An upload that is cancelled, at whichever of its awaits, leaves nothing open and can be gone on with."""

import asyncio
import itertools
import random
import sqlite3
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
from fault_server import WHOLE, Planned, Where
from matrix_kit import BY_NAME, SIZES, C, Cell, Ground, Point, violations

from cfstream.uploads import single

_FEWEST = 40
"""Suspensions that every run has at least: fewer would mean that they are not met."""
_SECOND = 1.0
_FILLED = {"planned": (), "creating": ("op",), "created": ("op", "uid", "url"), "done": ("uid",)}
"""What a row of the journal holds in each state."""


@attrs.define
class Stepper:
    """Drives a coroutine, counts the suspensions of its task and of those it starts, and cancels it at one of them."""

    at: int
    points: int = 0
    task: asyncio.Task[Any] | None = None
    cancelled: float = 0.0
    took: float = 0.0

    async def __call__(self, work: Coroutine[Any, Any, str]) -> str:
        loop = asyncio.get_running_loop()
        self.task = asyncio.current_task()
        loop.set_task_factory(self._started)
        try:
            return str(await _Steps(self, work))
        except asyncio.CancelledError:
            self.took = time.perf_counter() - self.cancelled
            raise
        finally:
            loop.set_task_factory(None)

    def _started(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        ours = work if "FaultServer" in work.__qualname__ else _Steps(self, work)
        return asyncio.Task(ours, loop=loop, **options)

    def suspended(self) -> None:
        self.points += 1
        if self.points == self.at and self.task is not None:
            self.cancelled = time.perf_counter()
            self.task.cancel()


@attrs.define
class _Steps(Coroutine[Any, Any, Any]):
    """A coroutine whose suspensions are told."""

    stepper: Stepper
    work: Coroutine[Any, Any, Any]

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

    def __await__(self) -> Generator[Any, Any, Any]:
        step = partial(self.send, None)
        while True:
            try:
                waited = step()
            except StopIteration as end:
                return end.value
            try:
                yield waited
            except BaseException as error:  # noqa: BLE001  # handed on to the work
                step = partial(self.throw, error)
            else:
                step = partial(self.send, None)


def whole_row(ground: Ground) -> Iterator[str]:
    """Tell what is wrong with the journal's row: it must be as before or as after a change."""
    if not ground.journal.exists():
        return
    with closing(sqlite3.connect(ground.journal)) as database:
        if not database.execute("SELECT name FROM sqlite_master WHERE name = 'uploads'").fetchone():
            return
        rows = database.execute("SELECT state, op, uid, url FROM uploads").fetchall()
    for state, *values in rows:
        filled = {name for name, value in zip(("op", "uid", "url"), values, strict=True) if value is not None}
        if not filled >= set(_FILLED[state]) or (state == "planned" and filled):
            yield f"the journal has a row in state {state} with {filled}"


def faulty(name: str, where: Where, taken: int = 0) -> Callable[[], list[Planned]]:
    return lambda: [Planned(where, 1, BY_NAME[name].make(Point(where, 1, taken), random.Random(0)))]


BEFORE: dict[str, Callable[[], list[Planned]]] = {
    "clean": list,
    "lost create": faulty("RST, what came is kept", "create", WHOLE),
    "lost chunk": faulty("RST, what came is kept", "patch", 5000),
    "pause": faulty("429 seconds", "patch"),
    "unready": faulty("500", "get"),
}
"""What happens before or around the cancellation."""


@pytest.mark.parametrize("before", BEFORE)
async def test_a_cancelled_upload_ends_at_once_and_is_gone_on_with(
    before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single, "PIECE", C // 4)
    found: list[str] = []
    for point in itertools.count(1):
        stepper = Stepper(point)
        cell = Cell(f"{before}, cancelled at {point}", SIZES[-1], BEFORE[before](), asyncio.CancelledError)
        cell.step, cell.inspect, cell.unmet, cell.from_file = stepper, whole_row, True, True
        problems = await violations([cell], tmp_path)
        if stepper.points < point:
            break
        found += problems
        if stepper.took > _SECOND:
            found.append(f"{cell.name}: took {stepper.took:.2f} s")
    assert not found, "\n".join(found)
    assert point > _FEWEST
