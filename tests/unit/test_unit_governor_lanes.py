"""``_governor``: many requests of bulk work beside those that somebody waits for, on a virtual clock."""

import asyncio
import bisect
import random
from itertools import pairwise

import pytest
from virtual_clock import VirtualClock

from cfstream import RateLimit, RateLimitError
from cfstream._governor import Governor
from cfstream._limits import LIMITS
from cfstream.emulator.control.rate import Rate


async def queue_bulk(governor: Governor, count: int) -> list[asyncio.Task[None]]:
    """Put that many requests of bulk work before the governor."""
    tasks = [asyncio.create_task(governor.acquire(bulk=True)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def dropped(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_call_waits_less_than_two_seconds_behind_ten_thousand_bulk_requests() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(), clock)
    tasks = await queue_bulk(governor, 10_000)
    await clock.sleep(0.1)
    rng, waits = random.Random(4), []
    for _ in range(300):
        await clock.sleep(rng.uniform(0.3, 3))
        asked = clock.now
        await governor.acquire(deadline=clock.now + 2)
        waits.append(clock.now - asked)
    assert sorted(waits)[297] < 2  # the 99th of a hundred
    assert max(waits) < 2
    assert sum(task.done() for task in tasks) > 300  # and the bulk goes on
    await dropped(tasks)


async def test_bulk_work_has_its_share_while_calls_never_cease() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(requests=11, per=10), clock)
    tasks = await queue_bulk(governor, 50)

    async def caller() -> None:
        while not all(task.done() for task in tasks):
            await governor.acquire()

    await asyncio.gather(caller(), caller())
    assert clock.now <= 3 * 50 + 10


async def test_two_bulk_jobs_finish_together() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(), clock)
    ends: list[float] = []
    done = [0, 0]
    halfway: list[int] = []

    async def worker(job: int, left: list[int]) -> None:
        while left:
            left.pop()
            await governor.acquire(bulk=True)
            done[job] += 1
            if sum(done) == 1000:
                halfway.extend(done)

    async def job(number: int) -> None:
        left = list(range(1000))
        await asyncio.gather(*(worker(number, left) for _ in range(8)))
        ends.append(clock.now)

    await asyncio.gather(job(0), job(1))
    assert ends[1] <= ends[0] * 1.1
    assert sum(halfway) ** 2 / (2 * sum(share**2 for share in halfway)) >= 0.95  # Jain's index


async def test_bulk_requests_go_in_the_order_they_came_and_calls_pass_them() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(requests=11, per=10), clock)
    await governor.acquire()
    order: list[object] = []

    async def request(name: object, *, bulk: bool) -> None:
        await governor.acquire(bulk=bulk)
        order.append(name)

    bulk = [asyncio.create_task(request(number, bulk=True)) for number in range(20)]
    await asyncio.sleep(0)
    call = asyncio.create_task(request("call", bulk=False))
    await asyncio.gather(call, *bulk)
    assert order.index("call") <= 1
    order.remove("call")
    assert order == list(range(20))


async def test_nobody_of_the_bulk_goes_twice_before_the_others_went_once() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(), clock)
    governor.pause(5)
    order: list[int] = []

    async def worker(number: int) -> None:
        for _ in range(2):
            await governor.acquire(bulk=True)
            order.append(number)

    await asyncio.gather(*(worker(number) for number in range(3)))
    assert order == [0, 1, 2, 0, 1, 2]


async def test_the_bulk_ahead_counts_for_the_deadline_of_bulk_requests_alone() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(requests=11, per=10), clock)  # 1 at once, then 1 each second
    await governor.acquire()
    tasks = await queue_bulk(governor, 20)
    with pytest.raises(RateLimitError) as caught:
        await governor.acquire(deadline=10.0, bulk=True)
    assert caught.value.retry_at is not None
    assert 19 <= caught.value.retry_at - clock.epoch <= 22
    await governor.acquire(deadline=3.0)
    await dropped(tasks)


async def test_ten_thousand_cancelled_at_random_leave_the_capacity_as_it_was() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(), clock)
    went: list[float] = []

    async def request(*, bulk: bool) -> None:
        await governor.acquire(bulk=bulk)
        went.append(clock.now)

    rng = random.Random(5)
    alive: list[asyncio.Task[None]] = []
    cancelled = 0
    while cancelled < 10_000:
        alive += [asyncio.create_task(request(bulk=rng.random() < 0.8)) for _ in range(100)]
        await clock.sleep(rng.uniform(0.01, 1))
        rng.shuffle(alive)
        for task in alive[:90]:
            cancelled += task.cancel()
        await asyncio.gather(*alive[:90], return_exceptions=True)
        alive = [task for task in alive[90:] if not task.done()]
    await asyncio.gather(*alive)
    # nobody waits any more, and what was not taken is there: a bucket full after a rest, and not one request more
    await clock.sleep(LIMITS.requests_window)
    start = clock.now
    await governor.acquire(deadline=start, bulk=True)
    went.append(start)
    for place in range(399):
        await governor.acquire(bulk=place % 2 == 0)
        went.append(clock.now)
    at_once = sum(time == start for time in went)
    assert at_once == 55
    assert clock.now - start == pytest.approx((400 - at_once) * 300 / 1045)
    assert all(later - earlier >= 300 / 1045 - 1e-3 for earlier, later in pairwise(went[-300:]))


async def test_twenty_thousand_requests_meet_no_refusal_and_use_the_allowance() -> None:
    clock = VirtualClock()
    governor, service = Governor(RateLimit(), clock), Rate(clock)
    times: list[float] = []
    left = list(range(20_000))

    async def worker() -> None:
        while left:
            bulk = left.pop() % 4 != 0
            await governor.acquire(bulk=bulk)
            times.append(clock.now)
            allowance = service.take("token", LIMITS)
            assert not allowance.blocked
            governor.observe(allowance.headers())

    await asyncio.gather(*(worker() for _ in range(16)))
    assert len(times) == 20_000
    assert max(bisect.bisect_left(times, time + 300 - 1e-9) - place for place, time in enumerate(times)) <= 1100
    assert 20_000 / times[-1] >= 0.95 * 1100 / 300
    assert (
        max(bisect.bisect_left(times, time + 1) - place for place, time in enumerate(times)) <= 100
    )  # of 200 a second
