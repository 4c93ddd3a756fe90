"""What an upload that was ended before its time may have left open."""

import asyncio
from pathlib import Path
from typing import Any

import attrs
import pytest
from fault_server import FaultServer


def open_files() -> set[str]:
    """What this process holds open, by number and name."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{link.name} {link.readlink()}")
        except OSError:  # the descriptor of the listing itself
            continue
    return found


def spools_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder where all temporary files go from now on."""
    spools = folder / "spools"
    spools.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spools))
    return spools


def inside(folder: Path) -> list[str]:
    return [f"left in {folder}: {path.name}" for path in folder.iterdir()]


@attrs.define
class Ground:
    """What was there before a trial."""

    server: FaultServer
    files: set[str] = attrs.field(factory=open_files)
    tasks: set[asyncio.Task[Any]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tasks = asyncio.all_tasks() - self.server.tasks

    async def more_tasks(self) -> set[asyncio.Task[Any]]:
        """Give the tasks that go on, once those that are cancelled have had their turn."""
        for _ in range(3):
            await asyncio.sleep(0)
        return asyncio.all_tasks() - self.server.tasks - self.tasks

    async def left(self) -> list[str]:
        """Tell what is open that was not, once the threads that were interrupted have had their turn."""
        tasks, files = set[asyncio.Task[Any]](), set[str]()
        for _ in range(300):
            tasks = await self.more_tasks()
            files = open_files() - self.files
            if not tasks and not files and not self.server.tasks:
                return []
            await asyncio.sleep(0.001)
        return [f"left open: {files}, tasks {tasks}, connections {len(self.server.tasks)}"]
