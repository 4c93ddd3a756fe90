"""Several bulk uploads and single calls on one client: each gets its turn, however many requests the others have."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
from virtual_clock import VirtualClock

from cfstream import Hooks, Limits, RateLimit, Stream
from cfstream.emulator import Emulator

KIB = 1024
CHUNK = 64 * KIB
SMALL = Limits(chunk_min=CHUNK, chunk_default=CHUNK, chunk_max=CHUNK, chunk_multiple=CHUNK, encoding_max=1000)
ONE_BY_ONE = RateLimit(requests=20, per=20)
MANY, FEW = 150, 4
MANY_AT_ONCE, FEW_AT_ONCE = 16, 4


class AnsweredClock(VirtualClock):
    """Time that stands still while the service has something to answer: only then are requests ever short."""

    def __init__(self) -> None:
        super().__init__()
        self.unanswered = 0

    def _move(self, turns: int) -> None:
        super()._move(0 if self.unanswered else turns)


@attrs.define
class Turns:
    """Whose requests were sent, in their order."""

    clock: AnsweredClock
    taken: list[str] = attrs.field(factory=list)

    def view(self, stream: Stream, name: str) -> Stream:
        """Give the same client, with a name for what it sends."""

        def asked(_: Any) -> None:
            self.taken.append(name)
            self.clock.unanswered += 1

        def answered(_: Any) -> None:
            self.clock.unanswered -= 1

        return stream.with_options(hooks=Hooks(on_request=asked, on_response=answered))

    def longest_wait(self, name: str) -> int:
        """Give how many requests of others came at most between two of that name."""
        places = [place for place, taken in enumerate(self.taken) if taken == name]
        return max(after - before - 1 for before, after in itertools.pairwise(places))


@pytest.fixture
def clock() -> AnsweredClock:
    return AnsweredClock()


@pytest.fixture
async def stream(clock: AnsweredClock) -> AsyncIterator[Stream]:
    async with Emulator(limits=SMALL) as emulator:
        emulator.pause_encoding()
        async with emulator.stream(rate_limit=ONE_BY_ONE, _limits=SMALL, _clock=clock) as client:
            yield client


async def test_neither_many_nor_few_uploads_nor_a_single_call_starve(stream: Stream, clock: AnsweredClock) -> None:
    turns = Turns(clock)
    many, few, single = (turns.view(stream, name) for name in ("many", "few", "single"))
    uid = (await stream.create(upload_length=10)).uid
    waited: list[int] = []
    over = asyncio.Event()

    async def ask() -> None:
        while not over.is_set():
            before = len(turns.taken)
            assert (await single.get(uid)).uid == uid
            waited.append(turns.taken.index("single", before) - before)
            for _ in range(50):
                await asyncio.sleep(0)

    async def upload_many() -> None:
        sources = (b"%d" % number for number in range(MANY))
        assert (await many.upload_many(sources, concurrency=MANY_AT_ONCE).run()).done == MANY
        over.set()

    async def upload_few() -> int:
        sources = [bytes([number]) * (5 * CHUNK) for number in range(FEW)]
        assert (await few.upload_many(sources, concurrency=FEW_AT_ONCE).run()).done == FEW
        return len(turns.taken)

    async with asyncio.TaskGroup() as group:
        group.create_task(upload_many())
        fewer = group.create_task(upload_few())
        group.create_task(ask())
    assert len(waited) > MANY / 3
    assert max(waited) <= 1
    bulk = Turns(clock, [name for name in turns.taken if name != "single"])
    # in a queue every place of the others comes once before one's own turn
    assert bulk.longest_wait("few") <= MANY_AT_ONCE
    assert bulk.longest_wait("many") <= FEW_AT_ONCE
    assert turns.taken[: fewer.result()].count("many") < turns.taken.count("many") / 2
