"""``wait_many`` and waiters together: what the one poll asks, when, and whom it tells, on a virtual clock."""

import asyncio
import gc
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import attrs
import pytest
from aioresponses import CallbackResult
from aioresponses_shim import mocked_http
from unit_kit import API, client, envelope, hasty, refusal, video
from virtual_clock import VirtualClock
from yarl import URL

from cfstream import (
    AuthenticationError,
    ClientClosedError,
    DecodeError,
    EncodingFailedError,
    Hooks,
    InternalServerError,
    InvalidInputError,
    NotFoundError,
    Ready,
    RequestEvent,
    Stream,
    WaitFailed,
    WaitTimeoutError,
)

QUEUED, READY = {"state": "queued"}, {"state": "ready", "pctComplete": "100.000000"}
BROKEN = {"state": "error", "errorReasonCode": "ERR_NON_VIDEO"}


def uid(number: int) -> str:
    return f"{number:032x}"


@attrs.define
class Shelf:
    """A service with videos: what was asked of it, and when."""

    clock: VirtualClock = attrs.field(factory=VirtualClock)
    videos: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    unlisted: set[str] = attrs.field(factory=set)
    refuses: Callable[[list[str]], CallbackResult | None] = attrs.field(default=lambda _: None)
    lists: list[list[str]] = attrs.field(factory=list)
    singles: list[str] = attrs.field(factory=list)
    times: list[float] = attrs.field(factory=list)
    lines: list[int] = attrs.field(factory=list)

    def put(self, *numbers: int, status: dict[str, Any] = QUEUED) -> list[str]:
        self.videos.update({uid(number): {"status": status} for number in numbers})
        return [uid(number) for number in numbers]

    def becomes(self, number: int, status: dict[str, Any], at: float) -> None:
        async def later() -> None:
            await self.clock.sleep(at - self.clock.now)
            self.put(number, status=status)

        asyncio.get_running_loop().create_task(later())

    def answer(self, url: URL, **_: Any) -> CallbackResult:
        self.times.append(self.clock.now)
        self.lines.append(len(f"GET {url.raw_path_qs} HTTP/1.1"))
        asked = url.query["id"].split(",") if "id" in url.query else [url.name]
        (self.lists.append(asked) if "id" in url.query else self.singles.append(url.name))
        refused = self.refuses(asked)
        if refused is not None:
            return refused
        if "id" not in url.query:
            found = self.videos.get(url.name)
            if found is None:
                return CallbackResult(status=404, body=refusal((10003, "not found")))
            return CallbackResult(body=envelope(video(url.name, **found)))
        shown = [one for one in asked if one in self.videos and one not in self.unlisted]
        return CallbackResult(body=envelope([video(one, **self.videos[one]) for one in shown]))

    @property
    def asked(self) -> int:
        return len(self.times)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    shelf = Shelf()
    with mocked_http() as mocked:
        mocked.get(re.compile(re.escape(API)), callback=shelf.answer, repeat=True)
        yield shelf


@pytest.fixture
async def stream(shelf: Shelf) -> AsyncIterator[Stream]:
    async with client(shelf.clock, retry=hasty()) as stream:
        yield stream


async def told(outcomes: AsyncIterator[Ready | WaitFailed]) -> dict[str, Ready | WaitFailed]:
    return {outcome.uid: outcome async for outcome in outcomes}


async def left_over() -> set[asyncio.Task[Any]]:
    """Give the tasks beside the test's own, after the few turns that cancelled ones take to end."""
    for _ in range(5):
        await asyncio.sleep(0)
    return asyncio.all_tasks() - {asyncio.current_task()}


# --- what is asked -----------------------------------------------------------------------------------------------


async def test_one_request_tells_of_all(shelf: Shelf, stream: Stream) -> None:
    uids = shelf.put(*range(200), status=READY)
    outcomes = await told(stream.wait_many(uids))
    assert shelf.lists == [uids]
    assert shelf.singles == []
    assert all(isinstance(outcomes[one], Ready) and outcomes[one].error is None for one in uids)


async def test_waiters_of_every_kind_share_the_poll(shelf: Shelf, stream: Stream) -> None:
    shelf.put(*range(50))
    for number in range(50):
        shelf.becomes(number, READY, at=20)
    view = stream.with_options(timeout=5)
    several = asyncio.gather(
        *(stream.wait_until_ready(uid(number)) for number in range(10)),
        *(view.wait_until_ready(uid(number)) for number in range(5, 20)),
    )
    async with asyncio.timeout(20):
        outcomes, videos = await asyncio.gather(
            told(stream.wait_many(uid(number) for number in range(20, 50))), several
        )
    assert (len(outcomes), len(videos)) == (30, 25)
    assert shelf.times[:4] == [0, 0.5, 1.25, 2.375]
    assert all(len(asked) == 50 for asked in shelf.lists[1:])
    assert shelf.singles == []
    assert shelf.asked < 12


async def test_a_thousand_take_turns_and_no_tick_has_more_than_one_request(shelf: Shelf, stream: Stream) -> None:
    uids = shelf.put(*range(1000))
    outcomes = stream.wait_many(uids, timeout=120)
    assert len(await told(outcomes)) == 1000
    assert set(map(len, shelf.lists)) == {200}
    assert {one for asked in shelf.lists[:5] for one in asked} == set(uids)
    assert min(later - earlier for earlier, later in pairwise(shelf.times)) >= 0.5
    assert max(shelf.lines) < 8190
    last_rounds = [shelf.times[place] for place, asked in enumerate(shelf.lists) if uids[0] in asked][-3:]
    assert all(later - earlier <= 15.01 for earlier, later in pairwise(last_rounds))


async def test_long_names_stay_within_the_line_of_a_request(shelf: Shelf, stream: Stream) -> None:
    uids = [f"{number:064d}" for number in range(300)]
    shelf.videos.update({one: {"status": READY} for one in uids})
    assert all([outcome.error is None async for outcome in stream.wait_many(uids)])
    assert max(shelf.lines) < 8190


async def test_a_hundred_thousand_make_no_tasks_and_one_request_a_tick(shelf: Shelf, stream: Stream) -> None:
    tasks = 0

    def source() -> Iterator[str]:
        for number in range(100_000):
            yield uid(number)

    async with stream.wait_many(source(), timeout=30) as outcomes:
        taken = asyncio.ensure_future(anext(outcomes))
        while shelf.clock.now < 5:
            tasks = max(tasks, len(asyncio.all_tasks()))
            await asyncio.sleep(0)
        assert tasks <= 6
        assert shelf.asked <= 11
        assert (await taken).error is not None
    assert not await left_over()


async def test_one_who_joins_starts_the_pauses_anew(shelf: Shelf, stream: Stream) -> None:
    shelf.put(1, 2)
    first = asyncio.create_task(stream.wait_until_ready(uid(1), timeout=None))
    await shelf.clock.sleep(100)
    before = shelf.asked
    second = asyncio.create_task(stream.wait_until_ready(uid(2), timeout=None))
    await shelf.clock.sleep(3)
    assert [round(time - 100, 3) for time in shelf.times[before:]] == [0.0, 0.5, 1.25, 2.375]
    for task in (first, second):
        task.cancel()
    await asyncio.wait([first, second])


async def test_accounts_are_asked_for_in_turn(shelf: Shelf, stream: Stream) -> None:
    shelf.put(1, 2, 3, 4, status=READY)
    other = stream.with_options(account_id="0b" * 16)
    await asyncio.gather(told(stream.wait_many([uid(1), uid(2)])), told(other.wait_many([uid(3), uid(4)])))
    assert sorted(shelf.lists) == [[uid(1), uid(2)], [uid(3), uid(4)]]


async def test_the_source_is_read_while_the_first_are_waited_for(shelf: Shelf, stream: Stream) -> None:
    shelf.put(1)
    shelf.put(2, status=READY)

    async def source() -> AsyncIterator[str]:
        yield uid(1)
        await shelf.clock.sleep(10)
        yield uid(2)
        await shelf.clock.sleep(10)
        shelf.put(1, status=READY)

    assert [outcome.uid async for outcome in stream.wait_many(source())] == [uid(2), uid(1)]


# --- what is told ------------------------------------------------------------------------------------------------


async def test_outcomes_come_as_the_videos_are_there(shelf: Shelf, stream: Stream) -> None:
    shelf.put(*range(3))
    for number, at in ((0, 60), (1, 30), (2, 5)):
        shelf.becomes(number, READY, at=at)
    assert [outcome.uid async for outcome in stream.wait_many(uid(number) for number in range(3))] == [
        uid(2),
        uid(1),
        uid(0),
    ]


async def test_one_failure_harms_no_neighbour(shelf: Shelf, stream: Stream) -> None:
    shelf.put(1, status=READY)
    shelf.put(2, status=BROKEN)
    shelf.put(3)
    shelf.videos[uid(4)] = {"status": READY, "created": "yesterday"}
    wrong: Any = [uid(1), uid(2), uid(3), uid(4), uid(5), "no/uid", 7]
    outcomes = await told(stream.wait_many(wrong, timeout=40))
    assert {str(name): type(outcome.error) for name, outcome in outcomes.items()} == {
        uid(1): type(None),
        uid(2): EncodingFailedError,
        uid(3): WaitTimeoutError,
        uid(4): DecodeError,
        uid(5): NotFoundError,
        "no/uid": InvalidInputError,
        "7": InvalidInputError,
    }


async def test_a_uid_that_is_given_twice_is_told_twice_and_asked_for_once(shelf: Shelf, stream: Stream) -> None:
    shelf.put(1, status=READY)
    assert len([outcome async for outcome in stream.wait_many([uid(1), uid(1)])]) == 2
    assert shelf.singles == [uid(1)]


async def test_ready_and_playable_are_told_apart_in_one_poll(shelf: Shelf, stream: Stream) -> None:
    shelf.videos[uid(1)] = {"status": {"state": "inprogress", "pctComplete": "40"}, "readyToStream": True}
    shelf.becomes(1, READY, at=50)
    whole = asyncio.create_task(stream.wait_until_ready(uid(1)))
    assert [outcome.uid async for outcome in stream.wait_many([uid(1)], until="playable")] == [uid(1)]
    assert shelf.clock.now == 0
    await whole
    assert shelf.clock.now >= 50


async def test_what_the_list_does_not_show_is_asked_for_by_itself_and_that_is_the_request_of_its_tick(
    shelf: Shelf, stream: Stream
) -> None:
    shelf.put(1, 2)
    shelf.unlisted.add(uid(2))
    shelf.becomes(2, READY, at=0.3)
    outcomes = await told(stream.wait_many([uid(1), uid(2), uid(3)], timeout=20))
    assert {name: type(outcome.error) for name, outcome in outcomes.items()} == {
        uid(1): WaitTimeoutError,
        uid(2): type(None),
        uid(3): NotFoundError,
    }
    assert shelf.lists == [[uid(1), uid(2), uid(3)]]
    assert (shelf.singles.count(uid(2)), shelf.singles.count(uid(3))) == (1, 1)
    assert len(shelf.times) == len(set(shelf.times))


async def test_a_list_that_is_behind_costs_no_video(shelf: Shelf, stream: Stream) -> None:
    uids = shelf.put(1, 2)
    shelf.unlisted.update(uids)
    for number in (1, 2):
        shelf.becomes(number, READY, at=30)
    assert all([outcome.error is None async for outcome in stream.wait_many(uids)])


async def test_a_list_that_is_refused_is_taken_apart(shelf: Shelf, stream: Stream) -> None:
    uids = shelf.put(*range(5), status=READY)

    def refuses(asked: list[str]) -> CallbackResult | None:
        return CallbackResult(status=400, body=refusal((10005, "no"))) if uid(3) in asked else None

    shelf.refuses = refuses
    outcomes = await told(stream.wait_many(uids))
    assert [name for name, outcome in outcomes.items() if outcome.error is not None] == [uid(3)]


async def test_a_refused_token_is_told_to_all_with_an_error_each(shelf: Shelf, stream: Stream) -> None:
    shelf.refuses = lambda _: CallbackResult(status=401, body=refusal((10000, "Authentication error")))
    failed = await told(stream.wait_many(shelf.put(*range(20))))
    errors = [outcome.error for outcome in failed.values()]
    assert len({id(error) for error in errors}) == 20
    assert all(isinstance(error, AuthenticationError) and error.status == 401 for error in errors)
    assert shelf.asked == 1


async def test_a_service_that_fails_for_a_while_ends_no_wait(shelf: Shelf, stream: Stream) -> None:
    def refuses(_: list[str]) -> CallbackResult | None:
        return CallbackResult(status=503) if shelf.clock.now < 40 else None

    shelf.refuses = refuses
    uids = shelf.put(*range(10), status=READY)
    outcomes, single = await asyncio.gather(told(stream.wait_many(uids)), stream.wait_until_ready(uids[0]))
    assert all(outcome.error is None for outcome in outcomes.values())
    assert single.uid == uids[0]
    assert shelf.clock.now >= 40


async def test_one_that_was_never_answered_says_why_when_its_time_is_up(shelf: Shelf, stream: Stream) -> None:
    shelf.refuses = lambda _: CallbackResult(status=503)
    with pytest.raises(WaitTimeoutError, match="after 10 s; the service did not say how it is") as caught:
        await stream.wait_until_ready(uid(1), timeout=10)
    assert isinstance(caught.value.__cause__, InternalServerError)
    assert caught.value.state == ""
    assert 10 <= shelf.clock.now < 11


async def test_states_are_told_to_each_who_asked_for_them(shelf: Shelf, stream: Stream) -> None:
    shelf.put(1, 2)
    shelf.becomes(1, {"state": "inprogress"}, at=5)
    shelf.becomes(1, READY, at=30)
    shelf.becomes(2, BROKEN, at=10)
    seen: list[tuple[str, str]] = []
    results = await asyncio.gather(
        *(
            stream.wait_until_ready(uid(number), on_state=lambda video: seen.append((video.uid, video.status.state)))
            for number in (1, 2)
        ),
        return_exceptions=True,
    )
    assert isinstance(results[1], EncodingFailedError)
    assert [state for name, state in seen if name == uid(1)] == ["queued", "inprogress", "ready"]
    assert [state for name, state in seen if name == uid(2)] == ["queued", "error"]


async def test_a_failing_on_state_harms_its_own_wait_alone(shelf: Shelf, stream: Stream) -> None:
    shelf.put(1, 2)
    shelf.becomes(2, READY, at=5)

    def fails(_: object) -> None:
        raise LookupError("mine")

    results = await asyncio.gather(
        stream.wait_until_ready(uid(1), on_state=fails), stream.wait_until_ready(uid(2)), return_exceptions=True
    )
    assert isinstance(results[0], LookupError)
    assert not isinstance(results[1], BaseException)


async def test_a_failing_hook_ends_the_work_rather_than_hanging_it(shelf: Shelf) -> None:
    def fails(_: RequestEvent) -> None:
        raise LookupError("mine")

    async with client(shelf.clock, hooks=Hooks(on_request=fails)) as stream:
        with pytest.raises(LookupError, match="mine"):
            await told(stream.wait_many(shelf.put(1, 2)))
        with pytest.raises(LookupError, match="mine"):
            await stream.wait_until_ready(uid(1))


# --- how it ends -------------------------------------------------------------------------------------------------


async def test_each_has_its_own_time_from_when_it_was_read(shelf: Shelf, stream: Stream) -> None:
    shelf.put(1, 2)
    ends: dict[str, float] = {}

    async def source() -> AsyncIterator[str]:
        yield uid(1)
        await shelf.clock.sleep(7)
        yield uid(2)

    async for outcome in stream.wait_many(source(), timeout=20):
        ends[outcome.uid] = shelf.clock.now
    assert ends == {uid(1): pytest.approx(20), uid(2): pytest.approx(27)}


async def test_a_last_question_is_asked_when_the_time_is_up(shelf: Shelf, stream: Stream) -> None:
    shelf.put(1, 2)
    shelf.becomes(1, READY, at=99.5)
    outcomes = await told(stream.wait_many([uid(1), uid(2)], timeout=100))
    assert outcomes[uid(1)].error is None
    assert shelf.clock.now == pytest.approx(100)


async def test_a_question_without_an_answer_holds_up_nobody_beyond_his_time() -> None:
    from raw_server import RawServer, silence

    async with RawServer(silence) as server, Stream("t" * 40, "a" * 32, base_url=server.url) as stream:
        loop = asyncio.get_running_loop()
        started = loop.time()
        with pytest.raises(WaitTimeoutError, match="the service did not say how it is"):
            await stream.wait_until_ready(uid(1), timeout=0.05)
        assert loop.time() - started < 2


async def test_cancelled_waiters_leave_and_the_last_ends_the_poll(shelf: Shelf, stream: Stream) -> None:
    shelf.put(1, 2)
    tasks = [asyncio.create_task(stream.wait_until_ready(uid(number))) for number in (1, 2)]
    await shelf.clock.sleep(5)
    tasks[0].cancel()
    await asyncio.wait([tasks[0]])
    before = len(shelf.lists)
    await shelf.clock.sleep(20)
    assert shelf.lists[before:] == []
    assert shelf.singles
    tasks[1].cancel()
    await asyncio.wait([tasks[1]])
    assert tasks[1].cancelled()
    assert not await left_over()
    before = shelf.asked
    await shelf.clock.sleep(60)
    assert shelf.asked == before


async def test_leaving_the_outcomes_early_ends_the_poll(shelf: Shelf, stream: Stream) -> None:
    shelf.put(*range(100))
    shelf.put(7, status=READY)
    async with stream.wait_many(uid(number) for number in range(100)) as outcomes:
        assert (await anext(outcomes)).uid == uid(7)
    assert not await left_over()
    before = shelf.asked
    await shelf.clock.sleep(60)
    assert shelf.asked == before


async def test_waiting_again_after_the_poll_has_ended_asks_at_once(shelf: Shelf, stream: Stream) -> None:
    for number in range(3):
        shelf.put(number, status=READY)
        await stream.wait_until_ready(uid(number))
    assert shelf.clock.now == 0


async def test_one_who_joins_in_the_moment_the_last_leaves_is_asked_for(shelf: Shelf, stream: Stream) -> None:
    shelf.put(1)
    shelf.put(2, status=READY)
    first = asyncio.create_task(stream.wait_until_ready(uid(1)))
    await shelf.clock.sleep(3)
    first.cancel()
    second = asyncio.create_task(stream.wait_until_ready(uid(2)))
    await asyncio.wait([first])
    assert (await second).uid == uid(2)


@pytest.mark.parametrize("slow_source", [False, True])
async def test_closing_the_client_ends_everybody(shelf: Shelf, *, slow_source: bool) -> None:
    stream = client(shelf.clock)
    uids = shelf.put(*range(10))

    async def source() -> AsyncIterator[str]:
        for one in uids:
            yield one
        if slow_source:
            await asyncio.Event().wait()

    async def drain() -> None:
        async for _ in stream.wait_many(source()):
            pass

    waiting = [asyncio.create_task(drain()), asyncio.create_task(drain())]
    single: asyncio.Task[Any] = asyncio.create_task(stream.wait_until_ready(uids[0], timeout=None))
    await shelf.clock.sleep(20)
    await stream.close()
    done, pending = await asyncio.wait([*waiting, single], timeout=1)
    assert not pending
    assert {type(task.exception()) for task in done} == {ClientClosedError}
    with pytest.raises(ClientClosedError):
        await told(stream.wait_many(uids))


async def test_a_source_that_fails_is_told_after_what_it_gave(shelf: Shelf, stream: Stream) -> None:
    shelf.put(1)
    shelf.becomes(1, READY, at=10)

    def source() -> Iterable[str]:
        yield uid(1)
        raise LookupError("the database is gone")

    outcomes = stream.wait_many(source())
    assert (await anext(outcomes)).error is None
    with pytest.raises(LookupError, match="the database is gone"):
        await anext(outcomes)


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("abc", {}, "uids: expected something to iterate over, got str"),
        (5, {}, "uids: expected something to iterate over, got int"),
        ([], {"until": "done"}, "until: expected 'ready' or 'playable', got 'done'"),
    ],
)
async def test_wrong_arguments_are_refused_at_once(
    shelf: Shelf, stream: Stream, source: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said):
        stream.wait_many(source, **options)
    assert shelf.asked == 0


async def test_nothing_to_wait_for_is_nothing_to_ask(shelf: Shelf, stream: Stream) -> None:
    assert await told(stream.wait_many([])) == {}
    assert shelf.asked == 0


def test_a_client_waits_on_one_loop_after_another(shelf: Shelf) -> None:
    shelf.put(1, 2)
    stream = client(shelf.clock)

    async def first() -> None:
        task = asyncio.create_task(stream.wait_until_ready(uid(1)))
        await shelf.clock.sleep(3)
        assert not task.done()

    async def second() -> None:
        shelf.put(2, status=READY)
        await stream.wait_until_ready(uid(2))
        await stream.close()

    asyncio.run(first())
    asyncio.run(second())
    gc.collect()
