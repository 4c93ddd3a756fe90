"""Bulk work ends when it is over, also while the source it reads from has nothing to give."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from upload_kit import quick

from cfstream import APIError, ClientClosedError
from cfstream.emulator import Emulator, Fault

ITEMS: dict[str, Any] = {
    "upload_many": b"x" * 1000,
    "edit_many": ("0" * 32, {"creator": "alice"}),
    "delete_many": "0" * 32,
}


class Idle:
    """A source that gives one item, and then waits for ever."""

    def __init__(self, item: Any) -> None:
        self._item = item
        self.closed = asyncio.Event()

    async def __call__(self) -> AsyncIterator[Any]:
        try:
            yield self._item
            await asyncio.Event().wait()
        finally:
            self.closed.set()


@pytest.mark.parametrize("call", ITEMS)
async def test_closing_the_client_ends_bulk_work_whose_source_waits(emulator: Emulator, call: str) -> None:
    stream, source = quick(emulator), Idle(ITEMS[call])
    async with getattr(stream, call)(source(), concurrency=3) as outcomes:
        await asyncio.wait_for(anext(outcomes), 5)
        await stream.close()
        with pytest.raises(ClientClosedError):
            await asyncio.wait_for(anext(outcomes), 5)
    await asyncio.wait_for(source.closed.wait(), 5)


@pytest.mark.parametrize("kept", [True, False])
async def test_that_the_storage_is_full_is_told_while_the_source_waits(
    emulator: Emulator, tmp_path: Path, kept: bool
) -> None:
    emulator.faults.add("STREAM_CREATE", Fault.status(413, code=10011))
    source, journal = Idle(b"x" * 1000), tmp_path / "u.db" if kept else None
    async with quick(emulator) as stream, stream.upload_many(source(), journal=journal, concurrency=3) as uploads:
        with pytest.raises(APIError, match="10011"):
            await asyncio.wait_for(anext(uploads), 5)
    await asyncio.wait_for(source.closed.wait(), 5)
