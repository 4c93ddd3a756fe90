"""``pages``: the walk through a list, against a service that keeps videos by their time of creation."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from unit_kit import envelope, raw

from cfstream import DecodeError, InternalServerError, InvalidInputError, PaginationError, StreamError, endpoints
from cfstream._answers import RawPage
from cfstream._wire import rfc3339
from cfstream.endpoints import Request
from cfstream.models import Video
from cfstream.pages import ByCreated, Page, Pager, SinglePage

START = datetime(2024, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def at(seconds: float) -> str:
    return rfc3339(START + timedelta(seconds=seconds))


def videos(times: Sequence[str]) -> list[dict[str, Any]]:
    return [{"uid": f"{number:032x}", "created": created} for number, created in enumerate(times)]


class FakeTransport:
    """Answers the list row as the service does; ``inclusive`` says whether the borders of its windows belong."""

    def __init__(self, stored: list[dict[str, Any]], *, inclusive: bool = True) -> None:
        self.stored = stored
        self.inclusive = inclusive
        self.asked: list[dict[str, str]] = []
        self.running = 0
        self.hold: asyncio.Event | None = None

    async def send(self, request: Request[RawPage[Video]], **_: Any) -> RawPage[Video]:
        query = dict(request.encoded.query or {})
        self.asked.append(query)
        self.running += 1
        try:
            await asyncio.sleep(0)
            if self.hold is not None and len(self.asked) > 1:
                await self.hold.wait()
            return request.endpoint.answer.read(raw(200, envelope(self.select(query), total=len(self.stored))))
        finally:
            self.running -= 1

    def select(self, query: dict[str, str]) -> list[dict[str, Any]]:
        ascending = query.get("asc") == "true"
        found = sorted(self.stored, key=lambda item: (moment(item["created"]), item["uid"]), reverse=not ascending)
        low, high = query.get("start") or query.get("after"), query.get("end") or query.get("before")
        if low:
            found = [item for item in found if self.within(moment(low), moment(item["created"]))]
        if high:
            found = [item for item in found if self.within(moment(item["created"]), moment(high))]
        return found[: int(query["limit"])]

    def within(self, low: datetime, high: datetime) -> bool:
        return low <= high if self.inclusive else low < high


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def pager(transport: Any, **params: Any) -> Pager[Video]:
    return Pager(transport, lambda: ByCreated(endpoints.STREAM_LIST, params))


async def walked_until_error(pager: Pager[Video]) -> tuple[list[str], StreamError | None]:
    """Give what was handed out, and the error that ended it."""
    found: list[str] = []
    try:
        async for video in pager:
            found.append(video.uid)  # noqa: PERF401  # what came before the error counts
    except StreamError as error:
        return found, error
    return found, None


async def walked(pager: AsyncIterator[Video] | Pager[Video]) -> list[str]:
    return [video.uid async for video in pager]


both_orders = pytest.mark.parametrize("asc", [False, True], ids=["newest first", "oldest first"])
both_borders = pytest.mark.parametrize("inclusive", [True, False], ids=["borders belong", "borders do not belong"])

# 2,500 videos; 900 of them came in one instant, in the middle
CROWDED = videos([at(number) for number in range(800)] + [at(800)] * 900 + [at(801 + number) for number in range(800)])


@both_orders
@both_borders
async def test_2500_videos_are_walked_each_once_although_900_share_an_instant(*, asc: bool, inclusive: bool) -> None:
    transport = FakeTransport(CROWDED, inclusive=inclusive)
    found = await walked(pager(transport, asc=asc))
    assert len(found) == 2500
    assert set(found) == {item["uid"] for item in CROWDED}
    created = {item["uid"]: item["created"] for item in CROWDED}
    times = [moment(created[uid]) for uid in found]
    assert times == sorted(times, reverse=not asc)
    assert len(transport.asked) <= 5


@both_orders
@both_borders
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_small_pages_walk_as_far(*, asc: bool, inclusive: bool, limit: int) -> None:
    stored = videos([at(number) for number in range(10)])
    transport = FakeTransport(stored, inclusive=inclusive)
    found = await walked(pager(transport, asc=asc, limit=limit))
    assert sorted(found) == sorted(item["uid"] for item in stored)


@both_orders
async def test_times_finer_than_a_microsecond_lose_nothing(*, asc: bool) -> None:
    stored = videos([f"2024-01-01T00:00:00.{number:09d}Z" for number in range(0, 5000, 250)])

    class Fine(FakeTransport):
        def select(self, query: dict[str, str]) -> list[dict[str, Any]]:
            ascending = query.get("asc") == "true"
            found = sorted(self.stored, key=lambda item: item["created"], reverse=not ascending)
            if start := query.get("start"):
                found = [item for item in found if padded(item["created"]) >= padded(start)]
            if end := query.get("end"):
                found = [item for item in found if padded(item["created"]) <= padded(end)]
            return found[: int(query["limit"])]

    found = await walked(pager(Fine(stored), asc=asc, limit=10))
    assert sorted(found) == sorted(item["uid"] for item in stored)


def padded(text: str) -> str:
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<9}"


@both_orders
async def test_more_in_one_instant_than_a_page_holds_is_said_after_they_were_handed_out(*, asc: bool) -> None:
    transport = FakeTransport(videos([at(0)] * 1500 + [at(1)] * 10 + [at(-1)] * 10))
    found, error = await walked_until_error(pager(transport, asc=asc))
    assert 1000 <= len(found) == len(set(found))
    assert isinstance(error, PaginationError)
    assert "1000 or more videos were created at 2024-01-01T00:00:00" in str(error)
    assert "narrow the list by creator, status or search" in str(error)


@both_orders
@both_borders
async def test_small_pages_walk_past_an_instant_that_holds_more_than_one_of_them(*, asc: bool, inclusive: bool) -> None:
    stored = videos([at(0)] * 60 + [at(1)] * 3 + [at(-1)] * 3)
    found = await walked(pager(FakeTransport(stored, inclusive=inclusive), asc=asc, limit=5))
    assert sorted(found) == sorted(item["uid"] for item in stored)


# --- the window that was asked for -------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "asc"), [("end", False), ("before", False), ("start", True), ("after", True)])
async def test_the_walk_goes_on_in_the_words_it_was_asked_in(*, name: str, asc: bool) -> None:
    transport = FakeTransport(videos([at(number) for number in range(30)]))
    found = await walked(pager(transport, asc=asc, limit=10, **{name: START + timedelta(seconds=15)}))
    assert len(found) == (15 if asc else 16)
    others = {"start", "after", "end", "before"} - {name}
    assert all(name in query and not others & query.keys() for query in transport.asked)


async def test_other_filters_go_along_on_every_page() -> None:
    transport = FakeTransport(videos([at(number) for number in range(30)]))
    await walked(pager(transport, limit=10, creator="alice", status="ready", start=START))
    assert len(transport.asked) > 2
    for query in transport.asked:
        assert query.items() >= {"creator": "alice", "status": "ready", "start": "2024-01-01T00:00:00Z"}.items()


async def test_nothing_from_outside_the_window_is_handed_out() -> None:
    stored = videos([rfc3339(START - TICK), at(0), at(0), at(1), at(2)])
    found, _ = await walked_until_error(pager(FakeTransport(stored), asc=True, limit=2, start=START))
    assert stored[0]["uid"] not in found
    assert {stored[1]["uid"], stored[2]["uid"]} <= set(found)


async def test_a_page_that_is_not_full_is_the_last() -> None:
    transport = FakeTransport(videos([at(number) for number in range(999)]))
    assert len(await walked(pager(transport))) == 999
    assert transport.asked == [{"limit": "1000"}]


async def test_an_empty_list_is_walked_at_once() -> None:
    transport = FakeTransport([])
    assert await walked(pager(transport)) == []
    assert len(transport.asked) == 1


async def test_deleting_while_walking_skips_nothing() -> None:
    transport = FakeTransport(videos([at(number) for number in range(50)]))
    found = []
    async for video in pager(transport, limit=10):
        found.append(video.uid)
        transport.stored = [item for item in transport.stored if item["uid"] != video.uid]
    assert len(found) == len(set(found)) == 50


# --- pages -------------------------------------------------------------------------------------------------------


async def test_awaiting_a_list_gives_its_first_page() -> None:
    transport = FakeTransport(videos([at(number) for number in range(30)]))
    listed = pager(transport, limit=10, include_counts=True)
    for page in (await listed, await listed.page()):
        assert isinstance(page, Page)
        assert [video.uid for video in page.items] == [f"{number:032x}" for number in range(29, 19, -1)]
        assert page.total == 30
    assert len(transport.asked) == 2


async def test_pages_leave_out_what_an_earlier_page_held() -> None:
    transport = FakeTransport(videos([at(number) for number in range(25)]))
    pages = [page async for page in pager(transport, limit=10).pages()]
    uids = [video.uid for page in pages for video in page.items]
    assert len(uids) == len(set(uids)) == 25
    assert [len(page.items) for page in pages] == [10, 10, 5]


async def test_a_last_page_of_nothing_new_is_none() -> None:
    transport = FakeTransport(videos([at(number) for number in range(10)]))
    assert [len(page.items) async for page in pager(transport, limit=10).pages()] == [10]
    assert len(transport.asked) == 2


async def test_every_walk_starts_anew() -> None:
    listed = pager(FakeTransport(videos([at(number) for number in range(25)])), limit=10)
    assert await walked(listed) == await walked(listed)


async def test_a_single_page_has_no_second() -> None:
    transport = FakeTransport(videos([at(number) for number in range(3)]))
    walk = SinglePage(endpoints.STREAM_LIST({"limit": 3}))
    listed: Pager[Video] = Pager(transport, lambda: walk)  # type: ignore[arg-type]  # stands in for the transport
    assert len(await walked(listed)) == 3
    assert len(transport.asked) == 1


def test_wrong_keywords_are_refused_before_the_first_use() -> None:
    with pytest.raises(InvalidInputError, match="did you mean creator"):
        pager(FakeTransport([]), creatr="x")
    with pytest.raises(InvalidInputError, match="limit: must lie between 1 and 1000"):
        pager(FakeTransport([]), limit=0)


# --- asking ahead ------------------------------------------------------------------------------------------------


async def test_the_next_page_is_asked_for_while_this_one_is_handed_out() -> None:
    transport = FakeTransport(videos([at(number) for number in range(30)]))
    walk = aiter(pager(transport, limit=10))
    await anext(walk)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(transport.asked) == 2
    await walk.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_leaving_early_leaves_no_task_and_no_request() -> None:
    transport = FakeTransport(videos([at(number) for number in range(30)]))
    transport.hold = asyncio.Event()
    async for _ in pager(transport, limit=10):
        break
    for _ in range(10):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert transport.running == 0
    assert len(transport.asked) == 2


async def test_a_walk_that_is_cancelled_leaves_no_task_and_no_request() -> None:
    transport = FakeTransport(videos([at(number) for number in range(30)]))
    transport.hold = asyncio.Event()
    task = asyncio.create_task(walked(pager(transport, limit=10)))
    for _ in range(20):
        await asyncio.sleep(0)
    assert (transport.running, len(transport.asked)) == (1, 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert transport.running == 0


async def test_an_error_on_the_next_page_comes_after_this_one_was_handed_out() -> None:
    class Failing(FakeTransport):
        async def send(self, request: Any, **options: Any) -> Any:
            page = await super().send(request, **options)
            if len(self.asked) > 1:
                raise InternalServerError("500")
            return page

    found, error = await walked_until_error(pager(Failing(videos([at(number) for number in range(30)])), limit=10))
    assert isinstance(error, InternalServerError)
    assert len(found) == 10
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_error_nobody_came_to_is_not_reported_by_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(FakeTransport):
        async def send(self, request: Any, **options: Any) -> Any:
            page = await super().send(request, **options)
            if len(self.asked) > 1:
                raise InternalServerError("500")
            return page

    walk = aiter(pager(Failing(videos([at(number) for number in range(30)])), limit=10))
    await anext(walk)
    for _ in range(10):
        await asyncio.sleep(0)
    await walk.aclose()  # type: ignore[attr-defined]  # it is a generator
    assert caplog.records == []


@pytest.mark.parametrize("created", [None, "yesterday", 5])
async def test_a_page_without_times_cannot_be_walked_past(created: Any) -> None:
    stored = [{"uid": f"{number:032x}", "created": at(number)} for number in range(3)]

    class Broken(FakeTransport):
        def select(self, query: dict[str, str]) -> list[dict[str, Any]]:
            return [*json.loads(json.dumps(self.stored))[:2], {"uid": "ff" * 16, "created": created}]

    with pytest.raises(DecodeError, match="created"):
        await walked(pager(Broken(stored), limit=3))
