"""Calls: `stream.get` against the official client, and against aiohttp with nothing on top as the floor."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bench_process import Contender, Meter, Plan, Sample, Server, asked, contend, interleaved, tell
from bench_report import Report, Target, ratios
from bench_video import ACCOUNT, check_complete, video

CFSTREAM = "cfstream"
CFSTREAM_JSON = "cfstream, standard json"
OFFICIAL = "AsyncCloudflare"
FLOOR = "aiohttp + json (floor)"
LEVELS = (1, 16, 128)
UID = str(video(0)["uid"])

Call = Callable[[], Awaitable[object]]


def run(plan: Plan) -> Report:
    samples: dict[str, list[Sample]] = {name: [] for name in CONTENDERS}
    slices, seconds = (2, 0.2) if plan.quick else (4, 0.3)
    with Server() as server:
        contenders = [Contender("bench_calls.py", name, port=server.port) for name in CONTENDERS]
        for contender in contenders:
            contender.ask(tasks=max(LEVELS), seconds=0.1)  # what is made once, such as the readers of the models
        with server.watched() as busy:
            for _ in range(plan.rounds):
                _add_round(samples, contenders, slices, seconds)
        for contender in contenders:
            contender.end()
    return Report(
        title=f"stream.get at {', '.join(map(str, LEVELS))} calls at a time",
        measures={f"calls/s {level}": f"calls/s @{level}" for level in LEVELS}
        | {f"cpu {level}": f"CPU ms/call @{level}" for level in LEVELS},
        samples=samples,
        targets=[target for ours in (CFSTREAM, CFSTREAM_JSON) for target in _targets(samples, ours)],
        notes=[f"CPU ms/call is CPU seconds per 1,000 calls; the server was busy for {busy():.0%} of the time."],
    )


def _add_round(samples: dict[str, list[Sample]], contenders: Sequence[Contender], slices: int, seconds: float) -> None:
    found: dict[str, dict[str, float]] = {name: {} for name in samples}
    for level in LEVELS:
        for name, sums in interleaved(contenders, slices, tasks=level, seconds=seconds).items():
            found[name][f"calls/s {level}"] = sums["calls"] / sums["wall"]
            found[name][f"cpu {level}"] = 1000 * sums["cpu"] / sums["calls"]
    for name, sample in found.items():
        samples[name].append(sample)


def _targets(samples: Mapping[str, list[Sample]], ours: str) -> list[Target]:
    faster = [
        Target(f"{ours} / {OFFICIAL}, calls/s @{n}", ratios(samples, f"calls/s {n}", ours, OFFICIAL), ">=", least)
        for n, least in ((1, 3), (16, 6), (128, 6))
    ]
    leaner = [
        Target(f"{ours} / floor, CPU per call @{n}", ratios(samples, f"cpu {n}", ours, FLOOR), "<=", 1.8)
        for n in LEVELS
    ]
    return [*faster, *leaner]


# --- the contenders ----------------------------------------------------------------------------------------------


async def _serve(call: Call) -> None:
    """Call in as many tasks and for as long as the parent wishes, each time after a warm-up."""
    loop = asyncio.get_running_loop()
    while (wish := await loop.run_in_executor(None, asked)) is not None:
        await _repeat(call, wish["tasks"], 0.2 * wish["seconds"])
        with Meter() as meter:
            calls = await _repeat(call, wish["tasks"], wish["seconds"])
        tell({"calls": calls, "wall": meter.wall, "cpu": meter.cpu})


async def _repeat(call: Call, tasks: int, seconds: float) -> int:
    end = time.perf_counter() + seconds

    async def one_task() -> int:
        calls = 0
        while time.perf_counter() < end:
            await call()
            calls += 1
        return calls

    return sum(await asyncio.gather(*(one_task() for _ in range(tasks))))


def _base(settings: dict[str, Any]) -> str:
    return f"http://127.0.0.1:{settings['port']}/client/v4"


def _cfstream(settings: dict[str, Any]) -> None:
    from cfstream import Stream

    async def client() -> None:
        async with Stream("token", ACCOUNT, base_url=_base(settings), rate_limit=None) as stream:
            check_complete(await stream.get(UID))
            await _serve(lambda: stream.get(UID))

    asyncio.run(client())


def _cfstream_json(settings: dict[str, Any]) -> None:
    sys.modules["orjson"] = None  # type: ignore[assignment]  # the documented way to make an import fail
    _cfstream(settings)


def _official(settings: dict[str, Any]) -> None:
    from cloudflare import AsyncCloudflare

    async def client() -> None:
        async with AsyncCloudflare(api_token="token", base_url=_base(settings)) as client:
            await _serve(lambda: client.stream.get(UID, account_id=ACCOUNT))

    asyncio.run(client())


def _floor(settings: dict[str, Any]) -> None:
    import aiohttp

    url = f"{_base(settings)}/accounts/{ACCOUNT}/stream/{UID}"

    async def client() -> None:
        async with aiohttp.ClientSession(headers={"Authorization": "Bearer token"}) as session:

            async def call() -> object:
                async with session.get(url) as response:
                    return json.loads(await response.read())["result"]

            await _serve(call)

    asyncio.run(client())


CONTENDERS = {CFSTREAM: _cfstream, CFSTREAM_JSON: _cfstream_json, OFFICIAL: _official, FLOOR: _floor}

if __name__ == "__main__":
    contend(CONTENDERS)
