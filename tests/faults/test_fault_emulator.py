"""The faults that the emulator knows, at every place of an upload: a second server beside the matrix's own."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from matrix_kit import BY_NAME, LIMITS, POLICY, SIZES, C, Outcome, WaitingClock, chunks_of

from cfstream import StreamError
from cfstream.emulator import Emulator, Fault

FAULTS = {
    **{str(status): Fault.status(status) for status in (408, 500, 504, 520, 524, 409, 423, 401, 403, 413, 415, 460)},
    "502 HTML": Fault.status(502, body="<html>bad gateway</html>"),
    "503 seconds": Fault.status(503, headers={"Retry-After": "20"}),
    "429 seconds": Fault.status(429, headers={"Retry-After": "20"}),
    "429 bare": Fault.status(429),
    "HTML 200": Fault.status(200, body="<html>log in</html>"),
    "redirect elsewhere": Fault.status(307, headers={"Location": "http://localhost:9/evil"}),
    "RST after headers": Fault.drop(),
    "RST, what came is kept": Fault.drop(after_commit=True),
    "FIN": Fault.cut(),
}
_NEXT = Fault.delay(0)
_ROWS = {"create": "STREAM_CREATE", "head": "TUS_HEAD", "patch": "TUS_PATCH", "get": "STREAM_GET"}


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(limits=LIMITS) as running:
        running.pause_encoding()
        yield running


def places(name: str) -> Iterator[tuple[str, int]]:
    for where in BY_NAME[name].outcomes:
        for nth in range(1, chunks_of(SIZES[-1]) + 1) if where == "patch" else (1,):
            yield where, nth


async def wrong(
    emulator: Emulator, journal: Path, fault: Fault, *, place: tuple[str, int], outcome: Outcome
) -> str | None:
    """Upload through the fault, a second time where it must fail, and tell what is wrong."""
    where, nth = place
    if where == "head":
        emulator.faults.add("TUS_PATCH", Fault.drop(after_bytes=C // 2))
    emulator.faults.add(_ROWS[where], *[_NEXT] * (nth - 1), fault)
    data = random.Random(f"{where} {nth}").randbytes(SIZES[-1])
    clock = WaitingClock()
    told = "a video"
    async with emulator.stream(retry=POLICY, _clock=clock) as stream:
        try:
            await stream.upload(data, resume=journal)
        except StreamError as error:
            told = type(error).__name__
            if outcome is None or not isinstance(error, outcome):
                return f"{told}: {error}"
            await stream.upload(data, resume=journal)
        videos = [video async for video in stream.list()]
    if outcome is not None and told == "a video":
        return "a video in place of an error"
    emulator.faults.check()
    emulator.faults.clear()
    if len(videos) != 1:
        return f"{len(videos)} videos"
    stored = await asyncio.to_thread(emulator._running.library.source(videos[0].uid).read_bytes)
    return None if stored == data else f"{len(stored)} bytes"


@pytest.mark.parametrize("name", FAULTS)
async def test_no_fault_of_the_emulator_costs_a_byte_or_a_second_video(
    emulator: Emulator, name: str, tmp_path: Path
) -> None:
    found: list[str] = []
    for where, nth in places(name):
        journal, outcome = tmp_path / f"{where}{nth}.db", BY_NAME[name].outcomes[where]
        if problem := await wrong(emulator, journal, FAULTS[name], place=(where, nth), outcome=outcome):
            found.append(f"{name}, {where} {nth}: {problem}")
        await emulator.reset()
        emulator.pause_encoding()
    assert not found, "\n".join(found)
