"""What uploads leave to threads, when whoever waits for it is cancelled first."""

import asyncio
import io
import threading
from collections.abc import Callable

import pytest

from cfstream.uploads.sources import pieces
from cfstream.uploads.sources.base import opened_in_thread


async def test_what_is_opened_for_nobody_is_closed() -> None:
    begun, go_on, closed = threading.Event(), threading.Event(), asyncio.Event()

    def opening() -> str:
        begun.set()
        go_on.wait(10)
        return "opened"

    seen: list[str] = []

    def close(opened: str) -> None:
        seen.append(opened)
        closed.set()

    task = asyncio.create_task(opened_in_thread(opening, close))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await asyncio.wait_for(closed.wait(), 10)
    assert seen == ["opened"]


async def test_a_thread_that_starts_after_its_upload_was_cancelled_reads_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late: asyncio.Queue[Callable[[], None]] = asyncio.Queue()

    class Late:
        def __init__(self, target: Callable[[], None], **_: object) -> None:
            self.target = target

        def start(self) -> None:
            late.put_nowait(self.target)

    monkeypatch.setattr(threading, "Thread", Late)
    file = io.BytesIO(b"bytes")
    reading = asyncio.ensure_future(anext(pieces.read_blocking(file)))
    run = await late.get()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    run()
    assert file.tell() == 0
