"""Many uploads and little room: patience with a full encoder, few questions, and sockets left for other calls."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
from upload_kit import quick, uids, walked
from virtual_clock import VirtualClock

from cfstream import APIError, Hooks, RequestEvent, ResponseEvent, Stream, Uploaded, endpoints
from cfstream.emulator import Emulator, Fault

ROOM = 3
MANY = (16, 40)
CREATE, LIST = endpoints.STREAM_CREATE.row, endpoints.STREAM_LIST.row


@attrs.define
class Encoder:
    """An encoder that is full until a time, and a count of what is asked for meanwhile and afterwards."""

    emulator: Emulator
    clock: VirtualClock
    full_until: float
    filling: list[str] = attrs.field(factory=list)
    troubles: list[tuple[str, Fault]] = attrs.field(factory=list)
    """What goes wrong once there is room."""
    opened: bool = False
    looks: int = 0
    creating: int = 0
    most_creating: int = 0
    refused: int = 0

    def ready(self, uid: str) -> None:
        """Let a video leave the encoder."""
        self.emulator._running.library.change(uid, state="ready")

    def before(self, event: RequestEvent) -> None:
        if not self.opened and self.clock.now > self.full_until:
            self.opened = True
            self.most_creating = self.creating
            for uid in self.filling:
                self.ready(uid)
            for row, fault in self.troubles:
                self.emulator.faults.add(row, fault)
        if event.row == LIST:
            self.looks += not self.opened
        elif event.row == CREATE:
            self.creating += 1
            if self.opened:
                self.most_creating = max(self.most_creating, self.creating)

    def after(self, event: ResponseEvent) -> None:
        if event.row == CREATE:
            self.creating -= 1
            self.refused += event.status >= 400

    @property
    def hooks(self) -> Hooks:
        return Hooks(on_request=self.before, on_response=self.after)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(epoch=time.time())


def full(emulator: Emulator, clock: VirtualClock, until: float) -> Encoder:
    emulator.limits = attrs.evolve(emulator.limits, encoding_max=ROOM)
    return Encoder(emulator, clock, until)


@pytest.fixture
async def filler(emulator: Emulator) -> AsyncIterator[Stream]:
    """A client that the tests do not count."""
    async with emulator.stream() as client:
        yield client


async def fill(encoder: Encoder, filler: Stream) -> None:
    encoder.filling = [(await filler.upload(b"x")).uid for _ in range(ROOM)]


@asynccontextmanager
async def beside(stream: Stream, clock: VirtualClock, uid: str) -> AsyncIterator[list[float]]:
    """Get a video again and again; gives the seconds for which each of these calls was held back."""
    began, waits = clock.now, list[float]()
    single = stream.with_options(hooks=Hooks(on_request=lambda _: waits.append(clock.now - began)))

    async def ask() -> None:
        nonlocal began
        while True:
            began = clock.now
            await single.get(uid)
            await clock.sleep(0.7)

    asking = asyncio.create_task(ask())
    try:
        yield waits
    finally:
        asking.cancel()
        await asyncio.wait({asking})


TROUBLES: dict[str, list[tuple[str, Fault]]] = {
    "none": [],
    "a chunk is lost": [("TUS_PATCH", Fault.drop())],
    "nothing is read of two chunks": [("TUS_PATCH", Fault.status(503)), ("TUS_PATCH", Fault.status(503))],
    "the answer to the create is lost": [("STREAM_CREATE", Fault.drop(after_commit=True))],
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_an_upload_that_waited_long_for_the_encoder_goes_on_after_trouble(
    emulator: Emulator, clock: VirtualClock, filler: Stream, trouble: str
) -> None:
    encoder = full(emulator, clock, until=1200)
    await fill(encoder, filler)
    encoder.troubles = TROUBLES[trouble]
    async with quick(emulator, clock, hooks=encoder.hooks) as stream:
        (outcome,) = await walked(stream.upload_many([b"film"]))
    assert isinstance(outcome, Uploaded)
    assert encoder.looks > 3
    assert clock.now > 1200


async def test_an_upload_that_was_asked_to_wait_long_goes_on(emulator: Emulator, clock: VirtualClock) -> None:
    emulator.faults.add("STREAM_CREATE", Fault.status(429, headers={"Retry-After": "300"}), times=3)
    async with quick(emulator, clock) as stream:
        await stream.upload(b"film")
    assert clock.now >= 900
    assert len(await uids(emulator)) == 1


@pytest.mark.parametrize("many", MANY)
async def test_many_that_wait_for_the_encoder_ask_little_and_go_on_as_there_is_room(
    emulator: Emulator, clock: VirtualClock, filler: Stream, many: int
) -> None:
    encoder = full(emulator, clock, until=300)
    await fill(encoder, filler)
    done = 0
    async with (
        emulator.stream(_clock=clock, hooks=encoder.hooks) as stream,
        beside(stream, clock, encoder.filling[0]) as waits,
    ):
        async for outcome in stream.upload_many((b"%d" % number for number in range(many)), concurrency=many):
            assert isinstance(outcome, Uploaded), outcome
            encoder.ready(outcome.uid)
            done += 1
    assert done == many
    # one looks for all, every 15 s in the end, and each look counts three states
    assert encoder.looks <= 3 * (300 / 15 + 10)
    assert encoder.most_creating <= ROOM
    # each is refused once, and nobody tries again before there is room
    assert many <= encoder.refused <= many + 8
    # nobody else has to wait because new videos have to
    assert len(waits) > 100
    assert max(waits) < 2


async def test_a_service_that_shows_room_and_gives_none_is_asked_a_few_times(
    emulator: Emulator, clock: VirtualClock
) -> None:
    emulator.faults.add("STREAM_CREATE", Fault.status(429), times=1000)
    async with emulator.stream(_clock=clock) as stream:
        outcomes = await walked(stream.upload_many([b"%d" % number for number in range(3)], concurrency=3))
    assert all(isinstance(outcome.error, APIError) for outcome in outcomes)
    assert emulator.requests.count("STREAM_CREATE") < 3 * 3 * 9
    emulator.faults.clear()


async def test_uploads_leave_sockets_for_single_calls(emulator: Emulator) -> None:
    number = 150
    async with emulator.stream() as stream:
        uid = (await stream.upload(b"x")).uid
        emulator.requests.clear()
        emulator.faults.add("TUS_PATCH", Fault.stall(), times=number)
        run = asyncio.create_task(stream.upload_many((b"%d" % one for one in range(number)), concurrency=number).run())
        async with asyncio.timeout(20):
            # the others stand in line by then, ahead of whoever comes later
            while emulator.requests.count("TUS_PATCH") < 90:  # noqa: ASYNC110  # nothing tells when they are there
                await asyncio.sleep(0)
        for _ in range(20):
            assert (await asyncio.wait_for(stream.get(uid), 5)).uid == uid
        assert emulator.requests.count("TUS_PATCH") < number
        run.cancel()
        await asyncio.wait({run})
    emulator.faults.clear()
    assert len(await uids(emulator)) > 1
