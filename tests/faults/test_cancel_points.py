"""An upload that is cancelled, at whichever of its awaits, leaves nothing open and can be gone on with."""

import asyncio
import itertools
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fault_server import WHOLE, Planned, Where
from matrix_kit import BY_NAME, SIZES, C, Cell, Ground, Point, violations
from stepper_kit import Stepper

from cfstream.uploads import driver

_FEWEST = 40
"""Suspensions that every run has at least: fewer would mean that they are not met."""
_SECOND = 1.0
_FILLED = {"planned": (), "creating": ("op",), "created": ("op", "uid", "url"), "done": ("uid",)}
"""What a row of the journal holds in each state."""


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
    monkeypatch.setattr(driver, "PIECE", C // 4)
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
