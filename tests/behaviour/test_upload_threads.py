"""What uploads leave to threads, when whoever waits for it is cancelled first."""

import asyncio
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from upload_kit import KIB

from cfstream import Stream
from cfstream.emulator import Emulator
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


@pytest.mark.parametrize("kind", ["a path", "a file object"])
async def test_files_are_read_by_other_threads_than_that_of_the_loop(
    emulator: Emulator, stream: Stream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(900 * KIB))
    readers = set[int]()

    class Watched(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            readers.add(threading.get_ident())
            return super().read(-1 if size is None else size)

    def pread(descriptor: int, length: int, offset: int, read: Callable[..., bytes] = os.pread) -> bytes:
        readers.add(threading.get_ident())
        return read(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", pread)
    with Watched(str(path)) as file:
        await stream.upload(path if kind == "a path" else file, resume=tmp_path / "uploads.db")
    assert readers
    assert threading.get_ident() not in readers


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
