"""How a run and its neighbours slow down: fewer uploads at once after trouble, and silence where the service asks."""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
from upload_kit import KIB, quick, uids
from virtual_clock import VirtualClock

from cfstream import Hooks, RequestEvent, ResponseEvent, Stream, UploadFailed, UploadJob, UploadProgress, endpoints
from cfstream.emulator import Emulator, Fault
from cfstream.uploads import driver

CAP = 8
PLAIN = 24
"""Uploads that win every place back: each wins less of one the more there are."""
TROUBLES = {"a reset": Fault.drop(), "a 408": Fault.status(408), "silence": Fault.stall()}
CREATE = endpoints.STREAM_CREATE.row


def jobs(number: int) -> Iterable[UploadJob]:
    return (UploadJob(b"%d" % one) for one in range(number))


@asynccontextmanager
async def counting(emulator: Emulator) -> AsyncIterator[tuple[Stream, list[str]]]:
    """Give a client, and the uploads that it has begun so far."""
    begun: list[str] = []

    def count(event: RequestEvent) -> None:
        if event.row == CREATE:
            begun.append(event.row)

    async with quick(emulator, hooks=Hooks(on_request=count)) as stream:
        yield stream, begun


async def begun_when_all_failed(outcomes: AsyncIterable[Any], begun: list[str]) -> int:
    """Give how many uploads had begun when the first ones had all failed; the others succeed."""
    results = [(isinstance(outcome, UploadFailed), len(begun)) async for outcome in outcomes]
    failures = [count for failed, count in results if failed]
    assert len(failures) == CAP
    return failures[-1]


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_uploads_that_meet_trouble_make_room_for_one_more_alone(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(driver, "_ANSWER_TIMEOUT", 0.2)
    emulator.faults.add("TUS_PATCH", TROUBLES[trouble], times=CAP)
    emulator.faults.add("TUS_HEAD", Fault.status(403), times=CAP)  # ends them, so that they win nothing back
    async with counting(emulator) as (stream, begun):
        assert await begun_when_all_failed(stream.upload_many(jobs(3 * CAP), concurrency=CAP), begun) <= CAP + 1


async def test_that_the_server_tells_where_an_upload_stands_wins_no_place_back(emulator: Emulator) -> None:
    emulator.faults.add("TUS_PATCH", Fault.drop(), times=CAP)
    told, asked = asyncio.Event(), 0

    async def hold(event: UploadProgress) -> None:
        nonlocal asked
        if event.attempt > 1:
            asked += 1
            if asked == CAP:
                emulator.faults.add("TUS_PATCH", Fault.status(403), times=CAP)
                told.set()
            await told.wait()

    async with counting(emulator) as (stream, begun):
        run = stream.upload_many(jobs(3 * CAP), concurrency=CAP, on_progress=hold)
        assert await begun_when_all_failed(run, begun) <= CAP + 1


async def test_uploads_that_succeed_win_back_the_places_that_trouble_took(emulator: Emulator) -> None:
    emulator.faults.add("TUS_PATCH", Fault.drop(), times=CAP)
    emulator.faults.add("TUS_HEAD", Fault.status(403), times=CAP)
    together, inside = asyncio.Event(), 0

    async def wait_for_all(event: UploadProgress) -> None:
        nonlocal inside
        inside += event.bytes == 0
        if inside == CAP:
            together.set()
        await together.wait()

    last = [UploadJob(b"last", on_progress=wait_for_all) for _ in range(CAP)]
    async with quick(emulator) as stream, asyncio.timeout(30):  # without an end, if they never come together
        report = await stream.upload_many([*jobs(CAP + PLAIN), *last], concurrency=CAP).run()
    assert (len(report.failed), report.done) == (CAP, PLAIN + CAP)


@attrs.define
class Sent:
    """What one upload sends, by the clock, and when its neighbour was asked to wait."""

    clock: VirtualClock
    refused_at: float | None = None
    refused: asyncio.Event = attrs.field(factory=asyncio.Event)
    times: list[float] = attrs.field(factory=list)

    def before(self, _: RequestEvent) -> None:
        if self.refused_at is not None:
            self.times.append(self.clock.now)

    def neighbour_heard(self, event: ResponseEvent) -> None:
        if event.status == 429:
            self.refused_at = self.clock.now
            self.refused.set()


async def test_while_one_upload_was_asked_to_wait_the_others_of_its_client_send_nothing(emulator: Emulator) -> None:
    clock = VirtualClock(epoch=time.time())
    sent, begun = Sent(clock), asyncio.Event()
    emulator.faults.add("TUS_PATCH", Fault.status(429, headers={"Retry-After": "30"}))

    async def hold(event: UploadProgress) -> None:
        begun.set()
        await sent.refused.wait()

    async with quick(emulator, clock) as stream:
        one = stream.with_options(hooks=Hooks(on_response=sent.neighbour_heard))
        other = stream.with_options(hooks=Hooks(on_request=sent.before))
        async with asyncio.TaskGroup() as group:
            group.create_task(other.upload(bytes(900 * KIB), on_progress=hold))
            # its first chunk is the one that is refused
            group.create_task(one.upload(bytes(900 * KIB), on_progress=lambda _: begun.wait()))
    assert sent.refused_at is not None
    assert len(sent.times) > 3  # all its chunks
    assert min(sent.times) >= sent.refused_at + 30
    assert len(await uids(emulator)) == 2
