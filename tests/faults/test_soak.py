"""Thousands of uploads, and very large ones: memory, files and tasks stay where they were."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
from soak_child import AT_ONCE, Seen, memory

from cfstream import Stream, UploadJournal, UploadProgress

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")

MIB = 1024 * 1024
GIB = 1024 * MIB
LONG = int(os.environ.get("CFSTREAM_FAULTS", "0"))
CONNECTIONS = 100
"""As many as a client has open at most."""
FILLING = 0 if LONG >= 300 else 2 * MIB
"""The cache that SQLite keeps of a journal, which is full after the first 5,000 uploads."""
THREADS = min(32, (os.cpu_count() or 1) + 4) + 2
"""Those that asyncio starts for blocking work, that of the journal, and that of the loop."""
UPLOADS = 50_000 if LONG >= 300 else 5_000


@attrs.frozen
class Sink:
    url: str

    def client(self, **options: Any) -> Stream:
        return Stream("t" * 20, "a" * 32, base_url=self.url, rate_limit=None, **options)

    async def totals(self) -> dict[str, int]:
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/totals") as answer:
            return dict(await answer.json())


@pytest.fixture
def percent() -> float:
    """So many of a hundred requests fail."""
    return 0.0


@pytest.fixture
async def sink(percent: float) -> AsyncIterator[Sink]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("sink.py")), str(percent), stdout=PIPE
    )
    assert process.stdout is not None
    port = json.loads(await process.stdout.readline())["port"]
    yield Sink(f"http://127.0.0.1:{port}")
    process.kill()
    await process.communicate()


@attrs.define
class Watch:
    """The most memory seen."""

    before: int = attrs.field(factory=memory)
    peak: int = 0

    def __call__(self, _: UploadProgress) -> None:
        self.peak = max(self.peak, memory())

    @property
    def growth(self) -> int:
        return self.peak - self.before


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize("percent", [1.0])
async def test_thousands_of_uploads_leave_nothing_behind(sink: Sink, tmp_path: Path) -> None:
    """In a process of its own: in this one other tests, and whoever measures them, have left their memory."""
    journal = tmp_path / "uploads.db"
    child = str(Path(__file__).with_name("soak_child.py"))
    process = await asyncio.create_subprocess_exec(sys.executable, child, sink.url, journal, str(UPLOADS), stdout=PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    told = json.loads(output)
    assert (told["failed"], told["tasks"]) == (0, 1)
    totals = await sink.totals()
    assert (totals["uploads"], totals["whole"]) == (UPLOADS, UPLOADS)
    assert totals["faults"] >= UPLOADS // 100
    assert UploadJournal(journal).report().done == UPLOADS
    warm, *later = [Seen(**one) for one in told["seen"][1:]]
    last = later[-1]
    assert last.memory - warm.memory <= FILLING + (last.done - warm.done) * MIB // 10_000, told["seen"]
    # of as many connections, more or fewer are open at a moment
    assert last.open_files <= warm.open_files + AT_ONCE, told["seen"]
    assert max(one.open_files for one in later) <= CONNECTIONS + 20, told["seen"]
    assert max(one.threads for one in later) <= THREADS, told["seen"]
    assert journal.stat().st_size <= UPLOADS * 1024


async def test_a_very_large_file_needs_little_memory(sink: Sink, tmp_path: Path) -> None:
    size = 8 * GIB
    path = sparse(tmp_path / "large.mp4", size)
    watch = Watch()
    async with sink.client() as stream:
        video = await stream.upload(path, on_progress=watch, chunk_size=200 * MIB)
    assert video.size == size
    assert await sink.totals() == {"uploads": 1, "whole": 1, "faults": 0}
    assert watch.growth <= 32 * MIB, watch.growth / MIB


async def test_eight_large_files_at_once_need_little_memory(sink: Sink, tmp_path: Path) -> None:
    files = [sparse(tmp_path / f"{number}.mp4", GIB) for number in range(8)]
    watch = Watch()
    async with sink.client() as stream:
        report = await stream.upload_many(files, concurrency=8, on_progress=watch).run()
    assert (report.done, report.failed) == (8, ())
    assert watch.growth <= 96 * MIB, watch.growth / MIB
