"""Many uploads, cancelled at any moment: nothing is left open, and the next run ends with each file there once."""

import asyncio
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from fault_server import TOKEN, WHOLE, Account, FaultServer, Planned
from left_kit import Ground, inside, spools_in
from matrix_kit import ACCOUNT, BY_NAME, KIB, POLICY, Point
from stepper_kit import Stepper
from virtual_clock import VirtualClock

from cfstream import Limits, Stream, UploadReport
from cfstream.uploads import driver

CANCELLATIONS = 60
ROUNDS = 34 if int(os.environ.get("CFSTREAM_FAULTS", "0")) >= 300 else 1
FILES = 20
CHUNK = 16 * KIB
LIMITS = Limits(chunk_min=CHUNK, chunk_default=CHUNK, chunk_max=CHUNK, chunk_multiple=CHUNK)
_SECOND = 1.0

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are read from /proc")


@pytest.fixture
def spools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return spools_in(tmp_path, monkeypatch)


@attrs.define
class Trial:
    """One run that is cancelled, on an account of its own."""

    number: int
    server: FaultServer
    films: Mapping[Path, bytes]
    journals: Path
    rng: random.Random = attrs.field(init=False)
    concurrency: int = attrs.field(init=False)
    clock: VirtualClock = attrs.field(factory=lambda: VirtualClock(epoch=time.time()))
    account: Account = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.rng = random.Random(self.number)
        self.concurrency = self.rng.choice([1, 3, 8, FILES])
        self.account = self.server.accounts[self.number] = Account(self.number, self.clock, self._plan())

    def _plan(self) -> list[Planned]:
        """Up to three answers get lost as well."""
        places = [Point("create", taken=WHOLE), Point("create"), Point("patch", taken=CHUNK // 2), Point("get")]
        points = [attrs.evolve(place, nth=self.rng.randint(1, FILES)) for place in self.rng.choices(places, k=3)]
        points = points[: self.rng.randint(0, 3)]
        lost = BY_NAME["RST, what came is kept"]
        return [Planned(point.where, point.nth, lost.make(point, self.rng)) for point in points]

    async def run(self, *, kept: bool = True) -> UploadReport:
        """Upload all with a client of its own."""
        async with Stream(
            TOKEN,
            ACCOUNT,
            base_url=f"{self.server.url}/{self.number}",
            retry=POLICY,
            rate_limit=None,
            _limits=LIMITS,
            _clock=self.clock,
        ) as stream:
            sources: list[Any] = list(self.films) if kept else [read_once(data) for data in self.films.values()]
            journal = self.journals / f"{self.number}.db" if kept else None
            return await stream.upload_many(sources, journal=journal, concurrency=self.concurrency).run()

    async def cancelled(self, at: int, *, kept: bool) -> Stepper:
        """Run, and cancel that at its nth suspension, unless it ends before."""
        stepper = Stepper(at)
        task = asyncio.create_task(stepper(self.run(kept=kept)))
        await asyncio.wait([task])
        if not task.cancelled():
            assert task.result().done == FILES, task.result()
        return stepper

    def wrong(self, report: UploadReport) -> Iterator[str]:
        """Tell what is wrong after a run to the end."""
        if (report.done, report.failed, report.pending) != (FILES, (), 0):
            yield f"the second run ended as {report}"
        stored = sorted(bytes(room.data) for room in self.account.kept)
        if stored != sorted(self.films.values()):
            yield f"the service holds {len(stored)} videos of {sorted(map(len, stored))} bytes"
        yield from self.account.broken


@pytest.fixture
def films(tmp_path: Path) -> Mapping[Path, bytes]:
    rng = random.Random(0)
    made = {tmp_path / f"{name}.mp4": rng.randbytes(rng.randint(1, int(1.6 * CHUNK))) for name in range(FILES)}
    for path, data in made.items():
        path.write_bytes(data)
    return made


@pytest.fixture
def journals() -> Iterator[Path]:
    """A folder in memory where there is such a thing, because every change of a journal waits for the disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


async def read_once(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 5000):
        await asyncio.sleep(0)
        yield data[start : start + 5000]


def numbers(round_: int, trials: int) -> range:
    """Number the trials from one on; a number is the seed of its trial."""
    return range(round_ * trials + 1, (round_ + 1) * trials + 1)


async def suspensions(trial: Trial, *, kept: bool) -> int:
    """Count those of a whole run."""
    return (await trial.cancelled(0, kept=kept)).points


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultServer]:
    monkeypatch.setattr(driver, "PIECE", CHUNK // 4)
    async with FaultServer() as running:
        yield running


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_a_run_cancelled_at_any_moment_is_gone_on_with_at_once(
    round_: int, server: FaultServer, films: Mapping[Path, bytes], journals: Path
) -> None:
    most = await suspensions(Trial(0, server, films, journals), kept=True)
    found: list[str] = []
    met = 0
    for number in numbers(round_, CANCELLATIONS):
        ground, trial = Ground(server), Trial(number, server, films, journals)
        stepper = await trial.cancelled(trial.rng.randint(1, most), kept=True)
        met += stepper.cancelled > 0
        # the other trials go on at once: what the first run has let go of must be free by itself
        problems = await ground.left() if number % 2 else []
        trial.account.next_run()
        problems += trial.wrong(await trial.run())
        problems += await ground.left()
        if stepper.took > _SECOND:
            problems.append(f"took {stepper.took:.2f} s")
        found += [f"trial {number}, cancelled at {stepper.at}: {problem}" for problem in problems]
        del server.accounts[number]
    assert not found, "\n".join(found)
    assert met > CANCELLATIONS * 0.8


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_sources_read_once_leave_nothing_open_whenever_their_run_is_cancelled(
    round_: int, server: FaultServer, films: Mapping[Path, bytes], journals: Path, spools: Path
) -> None:
    most = await suspensions(Trial(0, server, films, journals), kept=False)
    found: list[str] = []
    for number in numbers(round_, CANCELLATIONS // 3):
        ground, trial = Ground(server), Trial(number, server, films, journals)
        stepper = await trial.cancelled(trial.rng.randint(1, most), kept=False)
        problems = [*await ground.left(), *inside(spools)]
        found += [f"trial {number}, cancelled at {stepper.at}: {problem}" for problem in problems]
        del server.accounts[number]
    assert not found, "\n".join(found)
