"""Pictures that take long to make: what they hold up, who ends them, and how large they may be."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from emulator_kit import Api, clip, running

from cfstream.emulator.encoding import made
from cfstream.emulator.media import runner
from cfstream.emulator.media.jobs import GifJob, Mp4Job


class Held:
    """Animations that are never done; all else is made."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()
        self.now = 0

    async def __call__(self, job: Any, **options: Any) -> Any:
        if not isinstance(job, GifJob):
            return await runner.run_job(job, **options)
        job.target.with_name(f"{job.target.name}.1.part").write_bytes(b"half")
        self.now += 1
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.now -= 1
            self.ended.set()


@contextlib.asynccontextmanager
async def holding(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[tuple[Api, str, Held]]:
    held = Held()
    async with running() as api:
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        monkeypatch.setattr(made, "run_job", held)
        async with asyncio.timeout(30):
            yield api, uid, held


async def until(seen: Callable[[], bool]) -> None:
    while not seen():  # noqa: ASYNC110  # the server has no event for it
        await asyncio.sleep(0.01)


async def left(*asking: asyncio.Task[Any]) -> None:
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)


async def test_stills_do_not_wait_for_animations(monkeypatch: pytest.MonkeyPatch) -> None:
    async with holding(monkeypatch) as (api, uid, held):
        moving = f"/{uid}/thumbnails/thumbnail.gif?width=32&height=32&time="
        asking = [asyncio.create_task(api.media(f"{moving}0.{number}s")) for number in range(3)]
        await held.begun.wait()
        assert (await api.media(f"/{uid}/thumbnails/thumbnail.jpg")).status == 200
        assert held.now == 1
        await left(*asking)


async def test_an_animation_ends_when_the_last_who_waits_for_it_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    async with holding(monkeypatch) as (api, uid, held):
        path = f"/{uid}/thumbnails/thumbnail.gif?width=32&height=32"
        first, second = (asyncio.create_task(api.media(path)) for _ in range(2))
        await held.begun.wait()
        works = api.emulator._running.made._works
        (work,) = works.values()
        await until(lambda: work.waiting == 2)
        await left(first)
        await until(lambda: work.waiting == 1)
        assert held.now == 1
        await left(second)
        await held.ended.wait()
        assert works == {}
        # Half of it does not stay, and the next one who asks gets all of it.
        monkeypatch.setattr(made, "run_job", runner.run_job)
        assert (await api.media(path)).status == 200
        folder = api.emulator._running.library.still(uid, "")
        assert [file.suffix for file in folder.iterdir()] == [".gif"]


async def test_a_download_goes_on_though_nobody_waits_for_it_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as api:
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        go = asyncio.Event()

        async def slow(job: Any, **options: Any) -> Any:
            await go.wait()
            return await runner.run_job(job, **options)

        monkeypatch.setattr(made, "run_job", slow)
        assert (await api.call("POST", f"/{uid}/downloads")).result["default"]["status"] == "inprogress"
        service = api.emulator._running
        ((target, work),) = service.made._works.items()
        job: Any = Mp4Job(hls_dir=target, target=target)
        waiting = asyncio.create_task(service.made.get(job))
        await asyncio.sleep(0)
        assert work.waiting == 1
        await left(waiting)
        go.set()
        await work.task
        assert (await api.call("GET", f"/{uid}/downloads")).result["default"]["status"] == "ready"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("width=1000&height=1000&fps=15&duration=30s", 400),
        ("width=1000&height=1000&fps=15&duration=4.2s", 400),
        ("width=1000&height=1000&fps=15&duration=30s&time=5.9s", 200),
        ("width=32&height=32&fps=15&duration=30s", 200),
    ],
)
async def test_an_animation_has_so_many_pixels_at_most(query: str, status: int) -> None:
    async with running() as api:
        uid = await api.upload(clip(6.0, 64, 36))
        await api.until(uid, "ready")
        answer = await api.media(f"/{uid}/thumbnails/thumbnail.gif?{query}")
    assert answer.status == status
    if status == 400:
        assert b"more than 60,000,000 pixels" in answer.body
