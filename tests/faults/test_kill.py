"""Processes killed at any moment: run again, every file is there once, and nothing of anybody else's is touched."""

import itertools
import os
import random
from pathlib import Path

import pytest
from kill_kit import CHUNK, Account, account, ambiguous, new_work, seeded

from cfstream.emulator import Fault

KILLS = int(os.environ.get("CFSTREAM_FAULTS", "30"))
PER_RUN = 15
CONCURRENCY = 8


def test_random_kills_lose_nothing_and_make_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = seeded()
    kills = unknown = 0
    for campaign in itertools.count():
        with monkeypatch.context() as patch, account(patch) as made:
            killed, met = kill_often(made, tmp_path / f"{campaign}", rng, min(PER_RUN, KILLS - kills))
        kills += killed
        unknown += met
        if kills >= KILLS:
            break
    print(f"{kills} kills, {unknown} ambiguous creates")  # noqa: T201  # says that the test was no empty one
    assert unknown >= (100 if KILLS >= 300 else 1)


def kill_often(made: Account, folder: Path, rng: random.Random, kills: int) -> tuple[int, int]:
    """Run and kill, then run to the end; gives how many kills there were and how many creates they left unknown."""
    work = new_work(folder, rng, files=40, copies=rng.choice((0, 5)))
    killed = unknown = 0
    for _ in range(kills):
        # some creates are carried out only when their process is gone
        made.emulator.faults.add("STREAM_CREATE", Fault.delay(0.05), times=rng.randint(1, 3))
        child = made.start(work, answers_take=rng.choice((0.0, 0.02, 0.05)))
        if child.ends_within(rng.uniform(0.02, 0.5)) or not child.kill():
            break
        killed += 1
        unknown += ambiguous(made, work)
    made.emulator.faults.clear()
    made.finish(work)
    assert made.sent_again(work) <= killed * CONCURRENCY * CHUNK
    return killed, unknown
