"""The emulator: how soon it is there and a video ready, what encoding does to its answers, what 1,000 videos weigh."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from bench_process import Meter, Plan, Sample, contend, memory, once, tell
from bench_report import Report, Target

NAME = "emulator"
_PAUSE = 0.01
"""Seconds between two calls of the client whose waiting is measured."""
_IDLE_CALLS = 300


def run(plan: Plan) -> Report:
    sizes = {"encoded": 30, "kept": 300} if plan.quick else {"encoded": 200, "kept": 1000}
    rounds: list[Sample] = []
    with TemporaryDirectory() as folder:
        files = {"clip": str(Path(folder, "clip.mp4"))}
        once("bench_emulator.py", "film", **files)
        for _ in range(plan.rounds):
            parts = [once("bench_emulator.py", part, **files, **sizes) for part in ("ready", "busy", "weight")]
            rounds.append({name: value for part in parts for name, value in part.items()})
    return Report(
        title=f"the emulator, {sizes['encoded']} clips of 2 s to encode and {sizes['kept']:,} videos to keep",
        measures={
            "start": "start ms",
            "ready": "2 s clip ready s",
            "idle": "idle p99 ms",
            "busy": "encoding p99 ms",
            "weight": "MiB for videos",
        },
        samples={NAME: rounds},
        targets=[
            Target("p99 of a call while it encodes / idle", [each["busy"] / each["idle"] for each in rounds], "<=", 10),
            Target("KiB for each video kept", [each["weight"] * 1024 / sizes["kept"] for each in rounds], "<=", 16),
        ],
        notes=[
            "The client is in the emulator's process, the encoder in children; start is from the import of cfstream.",
            "The clip has 320x180 pixels at 30 a second and sound; ready is from the first byte of its upload.",
        ],
    )


# --- the contender's side ----------------------------------------------------------------------------------------


def _everywhere() -> None:
    """Use all processors again: a contender is kept on one, and the encoders with it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))


def _emulator() -> Any:
    """Make an emulator that has as many videos waiting as the measurement needs."""
    from cfstream import Limits
    from cfstream.emulator import Emulator

    return Emulator(limits=Limits(encoding_max=10**6))


def _film(settings: dict[str, Any]) -> None:
    from cfstream.emulator.media.testvideo import make_test_video

    make_test_video(Path(settings["clip"]), seconds=2, size=(320, 180))
    tell({})


def _ready(settings: dict[str, Any]) -> None:
    async def measured() -> None:
        began = time.perf_counter()
        from cfstream.emulator import Emulator

        async with Emulator() as emulator, emulator.stream() as stream:
            await stream.list()
            started = time.perf_counter() - began
            with Meter() as meter:
                video = await stream.upload(Path(settings["clip"]))
                await stream.wait_until_ready(video.uid)
        tell({"start": 1000 * started, "ready": meter.wall})

    _everywhere()
    asyncio.run(measured())


def _busy(settings: dict[str, Any]) -> None:
    async def measured() -> None:
        async with _emulator() as emulator, emulator.stream() as stream:
            first = await stream.upload(Path(settings["clip"]))
            await stream.wait_until_ready(first.uid)
            calls = 0

            def more() -> bool:
                nonlocal calls
                calls += 1
                return calls <= _IDLE_CALLS

            idle = await _p99(lambda: stream.get(first.uid), more)
            emulator.pause_encoding()
            uids = [(await stream.upload(Path(settings["clip"]))).uid for _ in range(settings["encoded"])]
            emulator.resume_encoding()
            rest = asyncio.create_task(_all_ready(stream, uids))
            busy = await _p99(lambda: stream.get(first.uid), lambda: not rest.done())
            await rest
        tell({"idle": idle, "busy": busy})

    _everywhere()
    asyncio.run(measured())


async def _all_ready(stream: Any, uids: list[str]) -> None:
    async for outcome in stream.wait_many(uids):
        assert outcome.error is None, outcome


async def _p99(call: Callable[[], Awaitable[object]], more: Callable[[], bool]) -> float:
    """Call again and again; give the milliseconds that one call in a hundred took at least."""
    taken: list[float] = []
    while more():
        began = time.perf_counter()
        await call()
        taken.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(_PAUSE)
    return quantiles(taken, n=100)[-1]


def _weight(settings: dict[str, Any]) -> None:
    async def measured() -> None:
        async with _emulator() as emulator, emulator.stream() as stream:
            emulator.pause_encoding()
            await stream.upload(b"not a video")
            before = memory("VmRSS")
            for number in range(settings["kept"]):
                await stream.upload(b"not a video", name=f"video {number}", meta={"number": str(number)})
            tell({"weight": memory("VmRSS") - before})

    asyncio.run(measured())


if __name__ == "__main__":
    contend({"film": _film, "ready": _ready, "busy": _busy, "weight": _weight})
