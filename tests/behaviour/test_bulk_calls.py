"""Many videos edited and deleted: bounded, each with its own outcome, none lost to another's failure."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import cfstream
import cfstream.sync
from cfstream import ClientClosedError, Deleted, DeleteFailed, Edited, EditFailed, InvalidInputError, Stream
from cfstream.emulator import Emulator
from cfstream.models import StreamEditParams

Change = tuple[str, StreamEditParams]


async def make(stream: Stream, number: int) -> list[str]:
    return [(await stream.create(upload_length=70_000)).uid for _ in range(number)]


async def drain(outcomes: AsyncIterator[object]) -> None:
    async for _ in outcomes:
        pass


async def uids_there(stream: Stream) -> set[str]:
    return {video.uid async for video in stream.list()}


async def test_every_change_is_made_and_told_once(stream: Stream) -> None:
    uids = await make(stream, 20)
    changes: list[Change] = [(uid, {"meta": {"name": f"n{place}"}}) for place, uid in enumerate(uids)]
    outcomes = [outcome async for outcome in stream.edit_many(changes)]
    assert sorted(outcome.uid for outcome in outcomes) == sorted(uids)
    assert all(isinstance(outcome, Edited) and outcome.error is None for outcome in outcomes)
    assert {video.uid: video.name async for video in stream.list()} == {
        uid: f"n{place}" for place, uid in enumerate(uids)
    }


async def test_one_failure_harms_no_neighbour(stream: Stream) -> None:
    good, other = await make(stream, 2)
    changes: list[tuple[str, Any]] = [
        ("0" * 32, {"creator": "a"}),
        (good, {"creater": "a"}),
        (good, {"creator": "x" * 65}),
        ("../..", {"creator": "a"}),
        (other, {"creator": "a"}),
    ]
    outcomes = [outcome async for outcome in stream.edit_many(changes)]
    failures = [outcome for outcome in outcomes if isinstance(outcome, EditFailed)]
    assert sorted(type(failure.error).__name__ for failure in failures) == [
        "InvalidInputError",
        "InvalidInputError",
        "NotFoundError",
        "UnknownKeywordError",
    ]
    assert [outcome.video.creator for outcome in outcomes if isinstance(outcome, Edited)] == ["a"]


async def test_deleting_what_is_gone_already_is_done(stream: Stream) -> None:
    uids = await make(stream, 5)
    outcomes = [outcome async for outcome in stream.delete_many([*uids, uids[0], "0" * 32, "no/uid"], concurrency=3)]
    assert len(outcomes) == 8
    assert [outcome.uid for outcome in outcomes if isinstance(outcome, DeleteFailed)] == ["no/uid"]
    assert sum(isinstance(outcome, Deleted) for outcome in outcomes) == 7
    assert await uids_there(stream) == set()


async def test_the_source_may_be_a_list_that_is_walked_meanwhile(stream: Stream) -> None:
    await make(stream, 12)
    uids = (video.uid async for video in stream.list(limit=5))
    assert len([outcome async for outcome in stream.delete_many(uids)]) == 12
    assert await uids_there(stream) == set()


async def test_the_source_is_read_only_as_far_as_there_are_places(stream: Stream) -> None:
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield "0" * 32

    async with stream.delete_many(endless(), concurrency=2) as outcomes:
        for _ in range(10):
            await anext(outcomes)
        await asyncio.sleep(0)
        assert read <= 10 + 2 + 2 + 2  # told, being worked on, waiting to be told, on their way
    assert not [task for task in asyncio.all_tasks() if "cfstream" in str(task.get_coro())]


async def test_never_more_at_once_than_asked_for(emulator: Emulator) -> None:
    running, most = 0, 0

    def began(_: cfstream.RequestEvent) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)

    def ended(_: cfstream.ResponseEvent) -> None:
        nonlocal running
        running -= 1

    async with emulator.stream(hooks=cfstream.Hooks(on_request=began, on_response=ended)) as stream:
        await drain(stream.delete_many(("0" * 32 for _ in range(40)), concurrency=4))
    assert most == 4


async def test_a_failing_source_is_told_after_what_it_gave(stream: Stream) -> None:
    uids = await make(stream, 3)

    async def failing() -> AsyncIterator[str]:
        for uid in uids:
            yield uid
        raise LookupError("the database is gone")

    outcomes = stream.delete_many(failing())
    assert sorted([(await anext(outcomes)).uid for _ in uids]) == sorted(uids)
    with pytest.raises(LookupError, match="the database is gone"):
        await anext(outcomes)


async def test_a_source_that_is_cancelled_ends_the_work(stream: Stream) -> None:
    (uid,) = await make(stream, 1)

    async def cancelled() -> AsyncIterator[str]:
        yield uid
        raise asyncio.CancelledError

    async with asyncio.timeout(5):
        outcomes = stream.delete_many(cancelled())
        assert (await anext(outcomes)).uid == uid
        with pytest.raises(asyncio.CancelledError):
            await anext(outcomes)


async def test_a_404_that_speaks_of_the_account_is_no_deletion(stream: Stream) -> None:
    (uid,) = await make(stream, 1)
    elsewhere = stream.with_options(account_id="b" * 32)
    (outcome,) = [outcome async for outcome in elsewhere.delete_many([uid])]
    assert isinstance(outcome, DeleteFailed)
    assert 7003 in outcome.error.codes
    assert await uids_there(stream) == {uid}


async def test_closing_the_client_ends_the_work(emulator: Emulator) -> None:
    stream = emulator.stream()
    outcomes = stream.delete_many("0" * 32 for _ in range(100))
    await anext(outcomes)
    await stream.close()
    with pytest.raises(ClientClosedError):
        await drain(outcomes)


@pytest.mark.parametrize(
    ("source", "said"),
    [("abc", "uids: expected something to iterate over, got str"), (5, "uids: expected something to iterate over")],
)
async def test_what_cannot_be_a_source_is_refused_at_once(stream: Stream, source: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        stream.delete_many(source)


@pytest.mark.parametrize("concurrency", [0, -1, 1001, True, 1.5, None])
async def test_concurrency_is_a_number(stream: Stream, concurrency: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^concurrency: expected a whole number from 1 to 1000"):
        stream.delete_many([], concurrency=concurrency)


async def test_changes_are_pairs(stream: Stream) -> None:
    changes: Any = ["a" * 32]
    with pytest.raises(InvalidInputError, match=r"^changes: expected pairs of a uid and its keywords, got str"):
        await drain(stream.edit_many(changes))
    for keywords in (None, 5, "creator"):
        changes = [("a" * 32, keywords)]
        (outcome,) = [outcome async for outcome in stream.edit_many(changes)]
        assert str(outcome.error).startswith("keywords: expected a mapping, got")


def test_closing_the_blocking_client_while_its_source_is_read_ends_the_work() -> None:
    reading, closed = threading.Event(), threading.Event()

    def source() -> Iterator[str]:
        reading.set()
        assert closed.wait(10)
        yield "0" * 32

    with Emulator() as emulator:
        stream = emulator.stream()

        def close() -> None:
            assert reading.wait(10)
            stream.close()
            closed.set()

        closer = threading.Thread(target=close)
        closer.start()
        with pytest.raises(ClientClosedError, match="closed during the call"):
            list(stream.delete_many(source()))
        closer.join()


def test_the_blocking_twin_reads_the_source_in_the_callers_thread() -> None:
    with Emulator() as emulator, emulator.stream() as stream:
        uids = [stream.create(upload_length=1).uid for _ in range(6)]
        threads = set()

        def source() -> Iterator[str]:
            for uid in uids:
                threads.add(threading.current_thread())
                yield stream.get(uid).uid

        outcomes = list(stream.delete_many(source(), concurrency=2))
        assert sorted(outcome.uid for outcome in outcomes) == sorted(uids)
        assert threads == {threading.current_thread()}
        with stream.delete_many(("0" * 32 for _ in range(50)), concurrency=2) as few:
            assert next(few).error is None
        known: dict[str, str] = {}
        with pytest.raises(LookupError):
            list(stream.delete_many(known[uid] for uid in uids))
        with pytest.raises(InvalidInputError, match="expected something to iterate over"):
            stream.delete_many("abc")
        assert list(stream.edit_many([])) == []
