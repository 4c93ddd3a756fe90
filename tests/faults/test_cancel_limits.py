"""Uploads whose time runs out, or whose neighbour fails, while the server is silent: they end and leave nothing."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import attrs
import pytest
from fault_server import TOKEN, WHOLE, Account, Exchange, FaultServer, Planned
from left_kit import Ground, inside, spools_in
from matrix_kit import ACCOUNT, LIMITS, POLICY, SIZES, C, Point, lost
from virtual_clock import VirtualClock

from cfstream import Stream
from cfstream.uploads import driver

DATA = random.Random(0).randbytes(SIZES[-1])
PLACES = (Point("create"), Point("create", 1, WHOLE), Point("patch", 2, C // 3), Point("head"), Point("get"))
"""Where the server falls silent."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are read from /proc")


@pytest.fixture
def spools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return spools_in(tmp_path, monkeypatch)


@attrs.define
class Trial:
    """One account whose server falls silent at a place, and a client for it."""

    server: FaultServer
    place: Point
    folder: Path
    silent: asyncio.Event = attrs.field(factory=asyncio.Event)
    account: Account = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.film.write_bytes(DATA)
        plan = [Planned(self.place.where, self.place.nth, self._fall_silent)]
        if self.place.where == "head":  # nobody asks without a doubt
            plan.append(Planned("patch", 1, lost()(Point("patch", 1, C // 2), random.Random(0))))
        self.account = self.server.accounts[1] = Account(1, VirtualClock(epoch=time.time()), plan)

    async def _fall_silent(self, exchange: Exchange) -> None:
        await exchange.take(self.place.taken)
        self.silent.set()
        await exchange.silence()

    @property
    def journal(self) -> Path:
        return self.folder / "uploads.db"

    @property
    def film(self) -> Path:
        return self.folder / "film.mp4"

    def client(self) -> Stream:
        return Stream(
            TOKEN,
            ACCOUNT,
            base_url=f"{self.server.url}/1",
            retry=POLICY,
            rate_limit=None,
            _limits=LIMITS,
            _clock=self.account.clock,
        )

    async def ends_at_its_limit(self, stream: Stream, call: "Call") -> bool:
        """Give the call a limit that passes as soon as the server is silent."""
        loop = asyncio.get_running_loop()

        async def pass_it() -> None:
            await self.silent.wait()
            limit.reschedule(loop.time())

        async with asyncio.TaskGroup() as group:
            try:
                async with asyncio.timeout(None) as limit:
                    group.create_task(pass_it())
                    await call(stream, self)
            except TimeoutError:
                return True
        return False

    async def goes_on(self) -> None:
        """Run the same upload without a fault: it ends with one video."""
        self.account.next_run()
        async with self.client() as stream:
            await stream.upload(self.film, resume=self.journal)
        assert [bytes(room.data) for room in self.account.kept] == [DATA], self.place
        assert self.account.broken == []


Call = Callable[[Stream, Trial], Awaitable[object]]


async def pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(DATA), 5000):
        yield DATA[start : start + 5000]


async def from_open_file(stream: Stream, trial: Trial) -> None:
    with trial.film.open("rb") as file:
        await stream.upload(file)


async def one_after_the_other(stream: Stream, trial: Trial) -> None:
    async for _ in stream.upload_many([trial.film], journal=trial.journal):
        pass


CALLS: dict[str, Call] = {
    "upload of bytes": lambda stream, _: stream.upload(DATA),
    "upload of a file": lambda stream, trial: stream.upload(trial.film),
    "upload of a file with a journal": lambda stream, trial: stream.upload(trial.film, resume=trial.journal),
    "upload of an open file": from_open_file,
    "upload of a stream": lambda stream, _: stream.upload(pieces()),
    "upload of a stream of known length": lambda stream, _: stream.upload(pieces(), length=len(DATA)),
    "upload_many, all": lambda stream, trial: stream.upload_many([trial.film, DATA], journal=trial.journal).run(),
    "upload_many, one by one": one_after_the_other,
    "audio_tracks.upload": lambda stream, trial: stream.audio_tracks.upload("a" * 32, file=trial.film, label="en"),
}
KEPT = [name for name in CALLS if "journal" in name or name.endswith("one by one")]


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultServer]:
    monkeypatch.setattr(driver, "PIECE", C // 4)
    async with FaultServer() as running:
        yield running


@pytest.mark.parametrize("call", CALLS)
async def test_a_limit_of_time_around_an_upload_ends_it_and_leaves_nothing(
    call: str, server: FaultServer, tmp_path: Path, spools: Path
) -> None:
    for place in PLACES if call != "audio_tracks.upload" else PLACES[:1]:
        folder = tmp_path / str(place)
        folder.mkdir()
        ground, trial = Ground(server), Trial(server, place, folder)
        async with trial.client() as stream:
            assert await trial.ends_at_its_limit(stream, CALLS[call]), place
            assert await ground.more_tasks() == set(), place
        trial.account.over.set()
        assert [*await ground.left(), *inside(spools)] == [], place
        if call in KEPT:
            await trial.goes_on()


@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_an_upload_beside_a_task_that_fails_ends_with_it_and_leaves_nothing(
    place: Point, server: FaultServer, tmp_path: Path, spools: Path
) -> None:
    ground, trial = Ground(server), Trial(server, place, tmp_path)

    async def fail() -> None:
        await trial.silent.wait()
        raise ZeroDivisionError

    async def side_by_side(stream: Stream) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(stream.upload(trial.film, resume=trial.journal))
            group.create_task(fail())

    async with trial.client() as stream:
        with pytest.raises(ExceptionGroup) as caught:
            await side_by_side(stream)
        assert [type(error) for error in caught.value.exceptions] == [ZeroDivisionError]
        assert await ground.more_tasks() == set()
    trial.account.over.set()
    assert [*await ground.left(), *inside(spools)] == []
    await trial.goes_on()
