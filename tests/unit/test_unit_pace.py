"""How many uploads run at once: the cap is halved by trouble and won back by success."""

import asyncio
from typing import Any

import pytest

from cfstream.uploads.pace import SharedPace

CAP = 8


async def most_at_once(pace: SharedPace) -> int:
    """Give how many of many get a place at the same time."""
    inside = 0
    over = asyncio.Event()

    async def one() -> None:
        nonlocal inside
        async with pace.place():
            inside += 1
            await over.wait()

    tasks = [asyncio.create_task(one()) for _ in range(2 * CAP)]
    for _ in range(10):
        await asyncio.sleep(0)
    most = inside
    over.set()
    await asyncio.gather(*tasks)
    return most


@pytest.fixture
def pace() -> SharedPace:
    transport: Any = None  # places need no service
    return SharedPace(transport, CAP)


async def test_trouble_halves_the_cap_down_to_one(pace: SharedPace) -> None:
    seen = [await most_at_once(pace)]
    for _ in range(4):
        pace.trouble()
        seen.append(await most_at_once(pace))
    assert seen == [8, 4, 2, 1, 1]


async def test_success_wins_it_back_and_no_more(pace: SharedPace) -> None:
    for _ in range(3):
        pace.trouble()
    for _ in range(100):
        pace.success()
    assert await most_at_once(pace) == CAP
