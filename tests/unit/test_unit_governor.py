"""``_governor``: the client's own limit, on a virtual clock."""

import asyncio
import bisect
from typing import Any

import pytest
from virtual_clock import VirtualClock

from cfstream import InvalidInputError, RateLimit, RateLimitError
from cfstream._governor import Governor


async def times_of(governor: Governor, clock: VirtualClock, count: int) -> list[float]:
    """Let that many requests through one after another and give when each went."""
    times = []
    for _ in range(count):
        await governor.acquire()
        times.append(clock.now)
    return times


def most_in_any(window: float, times: list[float]) -> int:
    return max(bisect.bisect_left(times, start + window - 1e-9) - place for place, start in enumerate(times))


async def test_never_more_than_1100_in_any_300_seconds() -> None:
    clock = VirtualClock()
    times = await times_of(Governor(RateLimit(), clock), clock, 20_000)
    assert most_in_any(300, times) <= 1100
    assert len(times) / times[-1] >= 0.9 * 1100 / 300  # and little of the allowance is left unused


async def test_many_tasks_together_get_no_more() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(), clock)
    times: list[float] = []

    async def worker() -> None:
        for _ in range(30):
            await governor.acquire()
            times.append(clock.now)

    await asyncio.gather(*(worker() for _ in range(80)))
    assert len(times) == 2400
    assert times == sorted(times)
    assert most_in_any(300, times) <= 1100


async def test_after_a_rest_the_burst_is_no_larger() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(), clock)
    times = []
    for rest in (0, 1000, 30, 5000, 1):
        clock.now += rest
        times += await times_of(governor, clock, 700)
    assert most_in_any(300, times) <= 1100


@pytest.mark.parametrize(
    ("limit", "allowed"),
    [
        (RateLimit(share=0.25), 275),
        (RateLimit(requests=10, per=60), 10),
        (RateLimit(requests=2, per=1), 2),
        (RateLimit(requests=1, per=5), 1),
        (RateLimit(requests=100, share=0.015), 2),
    ],
)
async def test_other_limits_hold_too(limit: RateLimit, allowed: int) -> None:
    clock = VirtualClock()
    times = await times_of(Governor(limit, clock), clock, allowed * 5 + 5)
    assert most_in_any(limit.per, times) <= allowed


async def test_without_a_limit_nothing_waits() -> None:
    clock = VirtualClock()
    await times_of(Governor(None, clock), clock, 5000)
    assert clock.slept == []


async def test_requests_go_in_the_order_they_came() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(requests=11, per=10), clock)
    order: list[int] = []

    async def request(number: int) -> None:
        await governor.acquire()
        order.append(number)

    await asyncio.gather(*(request(number) for number in range(30)))
    assert order == list(range(30))


# --- what the service says ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [RateLimit(), None], ids=["limited", "unlimited"])
async def test_the_services_own_count_is_kept(limit: RateLimit | None) -> None:
    clock = VirtualClock()
    governor = Governor(limit, clock)
    governor.observe({"Ratelimit": '"default";r=5;t=30'})
    times = await times_of(governor, clock, 8)
    assert [time for time in times if time < 30] == [0.0] * 5
    assert times[5] >= 30


async def test_a_newer_count_replaces_the_older() -> None:
    clock = VirtualClock()
    governor = Governor(None, clock)
    governor.observe({"Ratelimit": '"default";r=0;t=30'})
    governor.observe({"Ratelimit": '"default"; r=50; t=30'})
    assert (await times_of(governor, clock, 50))[-1] == 0.0


@pytest.mark.parametrize(
    "header",
    ["", "r=5", "nonsense", '"default";r=;t=', '"default";r=-1;t=30', '"default";t=30;r=0', ";r=x;t=y", "\0;r=;t="],
)
async def test_a_count_that_cannot_be_read_is_ignored(header: str) -> None:
    clock = VirtualClock()
    governor = Governor(None, clock)
    governor.observe({"Ratelimit": header})
    governor.observe({})
    await times_of(governor, clock, 100)
    assert clock.slept == []


# --- pauses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [RateLimit(), None], ids=["limited", "unlimited"])
async def test_a_pause_holds_everybody_and_lets_few_through_at_once_afterwards(limit: RateLimit | None) -> None:
    clock = VirtualClock()
    governor = Governor(limit, clock)
    governor.pause(300)
    times = await times_of(governor, clock, 60)
    assert times[0] >= 300
    if limit is not None:
        assert bisect.bisect_left(times, 301) <= 20


async def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    clock = VirtualClock()
    governor = Governor(None, clock)
    governor.pause(300)
    governor.pause(5)
    await governor.acquire()
    assert clock.now >= 300


async def test_a_pause_that_comes_while_somebody_waits_holds_him_too() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(requests=1, per=10), clock)
    await governor.acquire()
    waiter = asyncio.create_task(governor.acquire())
    await asyncio.sleep(0)
    governor.pause(500)
    await waiter
    assert clock.now >= 500


# --- deadlines ---------------------------------------------------------------------------------------------------


async def test_a_wait_beyond_the_deadline_is_refused_at_once_and_says_when_to_come_back() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(), clock)
    governor.pause(300)
    with pytest.raises(RateLimitError, match=r"300\.0 s away, beyond this call's timeout") as caught:
        await governor.acquire(deadline=60.0)
    assert caught.value.retry_at == pytest.approx(clock.epoch + 300)
    assert caught.value.retryable
    assert caught.value.attempts == 0
    assert clock.slept == []
    await governor.acquire(deadline=301.0)


async def test_those_ahead_in_the_queue_count_for_the_deadline() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(requests=11, per=10), clock)  # 1 at once, then 1 each second
    await governor.acquire()
    queue = [asyncio.create_task(governor.acquire()) for _ in range(20)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimitError) as caught:
        await governor.acquire(deadline=10.0)
    assert caught.value.retry_at is not None
    assert 19 <= caught.value.retry_at - clock.epoch <= 22
    await asyncio.gather(*queue)


async def test_a_waiter_whose_time_runs_out_by_a_pause_is_told_then() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(requests=1, per=10), clock)
    await governor.acquire()
    waiter = asyncio.create_task(governor.acquire(deadline=60.0))
    await asyncio.sleep(0)
    governor.pause(500)
    with pytest.raises(RateLimitError):
        await waiter
    assert clock.now < 60


async def test_a_refused_request_takes_nothing() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(requests=11, per=10), clock)
    await governor.acquire()
    for _ in range(1000):
        with pytest.raises(RateLimitError):
            await governor.acquire(deadline=0.5)
    await governor.acquire(deadline=1.01)
    assert clock.now == pytest.approx(1.0)


# --- cancelling --------------------------------------------------------------------------------------------------


async def test_cancelled_waiters_give_their_place_back() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(requests=11, per=10), clock)
    await governor.acquire()
    waiters = [asyncio.create_task(governor.acquire()) for _ in range(500)]
    await asyncio.sleep(0)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.gather(*waiters, return_exceptions=True)
    assert all(waiter.cancelled() for waiter in waiters)
    before = clock.now
    await governor.acquire(deadline=before + 1.01)
    assert clock.now - before == pytest.approx(1.0)


async def test_one_cancelled_in_the_middle_holds_up_nobody() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(requests=11, per=10), clock)
    await governor.acquire()
    waiters = [asyncio.create_task(governor.acquire()) for _ in range(5)]
    await asyncio.sleep(0)
    waiters[0].cancel()
    waiters[2].cancel()
    await asyncio.gather(*waiters, return_exceptions=True)
    assert clock.now == pytest.approx(3.0)


def test_a_governor_serves_one_loop_after_another() -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(requests=2, per=1), clock)

    async def first() -> None:
        waiting = [asyncio.create_task(governor.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def second() -> None:
        governor.new_loop()
        await asyncio.gather(*(governor.acquire() for _ in range(4)))

    asyncio.run(first())
    asyncio.run(second())


@pytest.mark.parametrize("name", ["requests", "per", "share"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "5", None], ids=repr)
def test_a_limit_takes_numbers_above_zero_only(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"RateLimit: {name} must be a number above 0"):
        RateLimit(**{name: value})
