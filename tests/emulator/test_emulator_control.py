"""The request log, the clock, the lag of lists, the rate limit and the fresh start."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
from emulator_kit import SMALL, Api, FixedClock, clip, metadata, png, running
from multidict import CIMultiDict, MultiDict, MultiDictProxy

from cfstream import Limits
from cfstream.emulator import Emulator, EmulatorError, Fault
from cfstream.emulator.control.requests import KEPT, RequestRecord
from cfstream.emulator.storage.disk import FOLDERS
from cfstream.errors import InvalidInputError, NotFoundError, RateLimitError

pytest_plugins = ["pytester"]

HOUR = 3600
DAY = 24 * HOUR
RECORD = RequestRecord(
    time=0, verb="GET", path="/", row="STREAM_LIST", query=MultiDictProxy(MultiDict()), headers=CIMultiDict()
)
SECRETIVE = "2fb3cb9f17e68a2568d6ebed8d5505eak3ceaf8c9b1f395e1b76b79332497cada"

EMPTY = sorted(["emulator.sqlite", "emulator.sqlite-shm", "emulator.sqlite-wal", "lock", *FOLDERS])


async def uids(api: Api, query: str = "") -> list[str]:
    return [video["uid"] for video in (await api.call("GET", query)).result]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# The log


async def test_the_log_says_what_came_and_what_was_answered() -> None:
    clock = FixedClock()
    async with running(clock=clock) as api:
        created = await api.create(5000)
        clock.now += 5
        await api.head(created.headers["Location"])
        await api.call("GET", "?limit=2&asc=true")
        await api.call("GET", "/nothing/such/here")
        await api.media("/x/watch")
        records = list(api.emulator.requests)
        uid = created.headers["stream-media-id"]
    account = f"/client/v4/accounts/{api.emulator.account_id}"
    assert [(record.verb, record.path, record.row, record.status) for record in records] == [
        ("POST", f"{account}/stream", "STREAM_CREATE", 201),
        ("HEAD", f"{account}/media/{uid}", "TUS_HEAD", 200),
        ("GET", f"{account}/stream", "STREAM_LIST", 200),
        ("GET", f"{account}/stream/nothing/such/here", None, 404),
        ("GET", "/x/watch", None, 404),
    ]
    assert [record.time - records[0].time for record in records] == [0, 5, 5, 5, 5]
    assert list(records[2].query.items()) == [("limit", "2"), ("asc", "true")]
    assert records[0].headers["upload-length"] == "5000"
    assert {record.fault for record in records} == {None}


async def test_the_log_has_no_secrets() -> None:
    async with running(api_key="legacy-key-1", api_email="e@example.com") as api:
        token = api.emulator.api_token
        await api.call("GET", f"?search={token}")
        await api.call(
            "GET", token=None, headers={"X-Auth-Key": "legacy-key-1", "X-Auth-Email": "e@example.com", "Cookie": "c=1"}
        )
        uid = (await api.create(5000)).headers["stream-media-id"]
        jwt = (await api.call("POST", f"/{uid}/token")).result["token"]
        await api.media(f"/{jwt}/watch", Referer=f"http://localhost/{jwt}/watch")
        await api.call("GET", token=None, headers={"X-Auth-User-Service-Key": "v1.0-5ec7e7"})
        await api.media(f"/{SECRETIVE}/webRTC/publish")
        records = api.emulator.requests
        assert records[-1].path == "/***/webRTC/publish"
        assert records[-3].path == "/***/watch"
        assert records[-3].headers["Referer"] == "http://localhost/***/watch"
        assert records[0].headers["Authorization"] == "***"
        assert records[0].query["search"] == "***"
        seen = repr([attrs.asdict(record) for record in records]) + repr([list(r.headers.items()) for r in records])
        secrets = (token, "legacy-key-1", jwt, SECRETIVE, "c=1", "v1.0-5ec7e7")
        assert not [secret for secret in secrets if secret in seen]
        assert uid in seen


async def test_the_log_names_the_fault_and_has_no_status_where_none_was_sent() -> None:
    async with running() as api:
        api.session._retry_connection = False
        api.emulator.faults.add("STREAM_LIST", Fault.status(503), Fault.drop(after_commit=True))
        await api.call("GET")
        with pytest.raises(aiohttp.ClientError):
            await api.call("GET")
        assert [(record.status, record.fault) for record in api.emulator.requests] == [
            (503, "status 503"),
            (None, "drop after commit"),
        ]


async def test_the_log_is_counted_cleared_and_bounded() -> None:
    async with running() as api:
        for _ in range(3):
            await api.call("GET")
        await api.create(5000)
        requests = api.emulator.requests
        assert (requests.count("STREAM_LIST"), requests.count("STREAM_GET"), requests.count()) == (3, 0, 4)
        assert [record.row for record in requests[1:3]] == ["STREAM_LIST", "STREAM_LIST"]
        assert repr(requests) == "<4 requests>"
        requests.clear()
        assert (len(requests), requests.count(), bool(requests)) == (0, 0, False)
        for _ in range(KEPT + 10):
            requests.begin(attrs.evolve(RECORD, path="/many"))
        assert (len(requests), requests.count("STREAM_LIST")) == (KEPT, KEPT + 10)


# The clock


async def test_an_upload_that_expires_is_gone() -> None:
    async with running() as api:
        created = await api.create(5000)
        uid, location = created.headers["stream-media-id"], created.headers["Location"]
        await api.patch(location, 0, b"a" * 2048)
        short = await api.create(5000, **{"Upload-Metadata": metadata(expiry="2999-01-01T00:00:00Z")})
        folder = api.emulator._running.library.folder(uid)
        api.emulator.clock.advance(24 * HOUR - 60)
        assert (await api.head(location)).status == 200
        api.emulator.clock.advance(61)
        assert (await api.head(location)).status == 404
        assert (await api.call("GET", f"/{uid}")).status == 404
        assert await uids(api) == [short.headers["stream-media-id"]]
        assert not folder.exists()


async def test_an_upload_that_was_complete_does_not_expire() -> None:
    async with running() as api:
        uid = await api.upload(b"no video at all" * 100)
        await api.until(uid, "error")
        api.emulator.clock.advance(2 * DAY)
        assert await uids(api) == [uid]


async def test_a_scheduled_deletion_deletes() -> None:
    clock = FixedClock()
    async with running(clock=clock) as api:
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        body = {"scheduledDeletion": "2027-02-15T08:00:00Z"}  # 31 days from now
        assert (await api.call("POST", f"/{uid}", json=body)).status == 200
        assert (await api.media(f"/{uid}/manifest/video.m3u8")).status == 200
        folder = api.emulator._running.library.folder(uid)
        api.emulator.clock.advance(31 * DAY - 1)
        assert (await api.call("GET", f"/{uid}")).status == 200
        clock.now += 1  # the clock below goes on as well
        assert (await api.call("GET", f"/{uid}")).status == 404
        assert (await api.media(f"/{uid}/manifest/video.m3u8")).status == 404
        assert await uids(api) == []
        assert not folder.exists()


async def test_advancing_sweeps_without_a_request() -> None:
    async with running() as api:
        uid = (await api.create(5000)).headers["stream-media-id"]
        folder = api.emulator._running.library.folder(uid)
        assert folder.exists()
        await asyncio.to_thread(api.emulator.clock.advance, 2 * DAY)
        async with asyncio.timeout(5):
            while folder.exists():  # noqa: ASYNC110  # nothing tells when it is gone
                await asyncio.sleep(0.001)


async def test_a_token_ends_by_the_clock() -> None:
    async with running() as api:
        uid = await api.upload(clip(), **{"Upload-Metadata": metadata(requiresignedurls=None)})
        await api.until(uid, "ready")
        token = (await api.call("POST", f"/{uid}/token")).result["token"]
        assert (await api.media(f"/{token}/manifest/video.m3u8")).status == 200
        api.emulator.clock.advance(HOUR)
        assert (await api.media(f"/{token}/manifest/video.m3u8")).status == 401


async def test_the_given_clock_stays_below() -> None:
    clock = FixedClock(1_800_000_000.0)
    emulator = Emulator(clock=clock)
    emulator.clock.advance(10)
    clock.now += 5
    assert emulator.clock.now == emulator.clock.time() == emulator.clock.monotonic() == 1_800_000_015.0
    assert repr(emulator.clock) == "<1800000015.000000, 10 s ahead>"


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan"), "60", True, None, 10**10])
def test_the_clock_goes_forward_only(seconds: Any) -> None:
    clock = Emulator(clock=FixedClock()).clock
    before = clock.now
    with pytest.raises(InvalidInputError, match="seconds: must be a number of seconds from 0"):
        clock.advance(seconds)
    assert clock.now == before


# The lag of lists


async def test_lists_are_behind_and_single_videos_are_not() -> None:
    async with running(clock=FixedClock()) as api:
        emulator = api.emulator
        old = (await api.create(5000)).headers["stream-media-id"]
        emulator.clock.advance(10)
        emulator.list_lag = 5
        new = (await api.create(5000)).headers["stream-media-id"]
        assert (await api.call("DELETE", f"/{old}")).status == 200
        assert [(await api.call("GET", f"/{uid}")).status for uid in (old, new)] == [404, 200]
        assert await uids(api) == [old]
        assert await uids(api, f"?id={new},{old}") == [old]
        counted = await api.call("GET", "?include_counts=true")
        assert (counted.json["total"], counted.json["range"]) == (1, 1)
        emulator.clock.advance(4.99)
        assert await uids(api) == [old]
        emulator.clock.advance(0.01)
        assert await uids(api) == [new]
        emulator.list_lag = 0
        assert await uids(api) == [new]


async def test_what_is_deleted_by_the_clock_is_listed_for_as_long() -> None:
    async with running(clock=FixedClock()) as api:
        api.emulator.list_lag = 60
        uid = (await api.create(5000)).headers["stream-media-id"]
        api.emulator.clock.advance(2 * DAY)
        assert (await api.call("GET", f"/{uid}")).status == 404
        assert await uids(api) == [uid]
        api.emulator.clock.advance(60)
        assert await uids(api) == []


async def test_a_client_meets_the_lag() -> None:
    async with Emulator(clock=FixedClock()) as emulator, emulator.stream() as stream:
        emulator.pause_encoding()
        emulator.list_lag = 2.5
        video = await stream.upload(b"x" * 100)
        assert [listed async for listed in stream.list()] == []
        emulator.clock.advance(2.5)
        assert [listed.uid async for listed in stream.list()] == [video.uid]
        await stream.delete(video.uid)
        assert [listed.uid async for listed in stream.list()] == [video.uid]
        with pytest.raises(NotFoundError):
            await stream.get(video.uid)


@pytest.mark.parametrize("seconds", [-1, "2", None, float("inf")])
def test_a_lag_that_is_none_is_refused(seconds: Any) -> None:
    emulator = Emulator()
    with pytest.raises(InvalidInputError, match="list_lag: must be a number of seconds"):
        emulator.list_lag = seconds
    assert emulator.list_lag == 0


# The rate limit


FEW = attrs.evolve(SMALL, requests=3, requests_window=60)


async def test_the_rate_limit_counts_down_and_blocks() -> None:
    async with running(clock=FixedClock(), limits=FEW, rate_limit=True) as api:
        clock = api.emulator.clock
        first = await api.call("GET")
        assert (first.headers["Ratelimit"], first.headers["Ratelimit-Policy"]) == (
            '"default";r=2;t=60',
            '"default";q=3;w=60',
        )
        clock.advance(20)
        assert (await api.call("GET", "/nothing")).headers["Ratelimit"] == '"default";r=1;t=40', "errors count, too"
        last = await api.call("GET")
        assert (last.status, last.headers["Ratelimit"]) == (200, '"default";r=0;t=40')
        assert "Retry-After" not in last.headers
        blocked = await api.call("GET")
        assert (blocked.status, blocked.codes, blocked.headers["Retry-After"]) == (429, [971], "60")
        clock.advance(59.5)
        assert (await api.call("POST", "/x")).headers["Retry-After"] == "1"
        clock.advance(0.5)
        assert (await api.call("GET")).headers["Ratelimit"] == '"default";r=2;t=60'


async def test_a_window_that_ended_begins_anew() -> None:
    async with running(clock=FixedClock(), limits=FEW, rate_limit=True) as api:
        for _ in range(3):
            assert (await api.call("GET")).status == 200
        api.emulator.clock.advance(60)
        assert [(await api.call("GET")).status for _ in range(4)] == [200, 200, 200, 429]


async def test_each_credential_has_its_own_allowance_and_media_has_none() -> None:
    key = {"X-Auth-Key": "k", "X-Auth-Email": "e"}
    async with running(limits=FEW, rate_limit=True, api_key="k", api_email="e") as api:
        assert [(await api.call("GET")).status for _ in range(4)] == [200, 200, 200, 429]
        assert (await api.call("GET", token=None, headers=key)).status == 200
        assert (await api.call("GET", token="wrong")).status == 401  # a wrong one
        page = await api.call("GET", api.emulator.url("/"), token=None)
        assert (page.status, "Ratelimit" in page.headers) == (200, False)


async def test_the_rate_limit_is_off_unless_turned_on() -> None:
    async with running(limits=FEW) as api:
        answers = [await api.call("GET") for _ in range(6)]
        assert {(answer.status, "Ratelimit" in answer.headers) for answer in answers} == {(200, False)}
        api.emulator.rate_limit = True
        assert (await api.call("GET")).headers["Ratelimit"] == '"default";r=2;t=60'
        api.emulator.rate_limit = False
        assert "Ratelimit" not in (await api.call("GET")).headers


async def test_clients_learn_from_the_headers_or_from_the_block() -> None:
    async with Emulator(limits=Limits(requests=1), rate_limit=True) as emulator:
        async with emulator.stream(timeout=5) as stream:
            await stream.list().page()
            with pytest.raises(RateLimitError) as caught:
                await stream.list().page()
            assert emulator.requests.count() == 1, "it knew without asking"
        async with emulator.stream(timeout=5) as stream:
            with pytest.raises(RateLimitError) as caught:
                await stream.list().page()
        assert caught.value.codes == (971,)
        assert caught.value.retry_at is not None
        assert 290 < caught.value.retry_at - emulator.clock.now <= 301


# Limits while it runs


async def test_limits_change_while_it_runs() -> None:
    async with running() as api:
        assert api.emulator.limits == SMALL
        api.emulator.limits = attrs.evolve(SMALL, file_max=1000)
        assert [(await api.create(length)).status for length in (1001, 1000)] == [413, 201]
        assert api.emulator.client_options({})["_limits"].file_max == 1000


# The fresh start


async def test_a_reset_empties_the_account(tmp_path: Path) -> None:
    async with running(data_dir=tmp_path, clock=FixedClock()) as api:
        emulator = api.emulator
        ready = await api.upload(clip())
        await api.until(ready, "ready")
        token = (await api.call("POST", f"/{ready}/token")).result["token"]
        form = aiohttp.FormData()
        form.add_field("file", png(), filename="w.png")
        watermark = (await api.call("POST", "/watermarks", data=form)).result["uid"]
        emulator.pause_encoding()
        await api.upload(b"waits" * 500)
        pending = await api.create(5000)
        emulator.faults.add("STREAM_GET", Fault.drop())
        emulator.list_lag, emulator.rate_limit = 5, True
        emulator.limits = attrs.evolve(SMALL, requests=1)
        emulator.clock.advance(60)
        await api.call("GET")
        await emulator.reset()
        assert (emulator.list_lag, emulator.rate_limit, emulator.limits) == (0, False, SMALL)
        assert (len(emulator.requests), emulator.faults.pending, emulator.clock.now) == (0, (), 1_800_000_000.0)
        assert await uids(api) == []
        assert (await api.head(pending.headers["Location"])).status == 404
        marked = await api.create(5000, **{"Upload-Metadata": metadata(watermark=watermark)})
        assert marked.status == 404
        assert names(tmp_path) == EMPTY
        uid = await api.upload(clip(), **{"Upload-Metadata": metadata(requiresignedurls=None)})
        await api.until(uid, "ready")
        assert (await api.media(f"/{token}/manifest/video.m3u8")).status == 401
        fresh = (await api.call("POST", f"/{uid}/token")).result["token"]
        assert (await api.media(f"/{fresh}/manifest/video.m3u8")).status == 200


async def never_ending(size: int) -> AsyncIterator[bytes]:
    yield b"a" * size
    await asyncio.Event().wait()


def endless_form() -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", never_ending(1_000_000), filename="a.mp4")
    return form


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not happened():  # noqa: ASYNC110  # nothing tells when it has
            await asyncio.sleep(0.01)


def bytes_in(folder: Path) -> bool:
    return any(path.is_file() and path.stat().st_size for path in folder.rglob("*"))


async def test_a_reset_ends_an_upload_on_its_way(tmp_path: Path) -> None:
    async with running(data_dir=tmp_path) as api:
        location = (await api.create(5000)).headers["Location"]
        sending = asyncio.create_task(api.patch(location, 0, never_ending(1000)))
        await until(lambda: bytes_in(tmp_path / "videos"))
        await api.emulator.reset()
        with pytest.raises(aiohttp.ClientError):
            await sending
        assert (await api.head(location)).status == 404
        assert await uids(api) == []


async def test_a_reset_ends_a_form_on_its_way(tmp_path: Path) -> None:
    async with running(data_dir=tmp_path) as api:
        sending = asyncio.create_task(api.call("POST", data=endless_form()))
        await until(lambda: bytes_in(tmp_path / "incoming"))
        await api.call("POST", api.emulator.url("/_emulator/reset"))
        with pytest.raises(aiohttp.ClientError):
            await sending
        assert await uids(api) == []
        assert names(tmp_path) == EMPTY


async def test_who_comes_during_a_reset_finds_the_new_account(monkeypatch: pytest.MonkeyPatch) -> None:
    came, remove = threading.Event(), shutil.rmtree

    def late(path: Path, **options: Any) -> None:
        came.wait(5)
        remove(path, **options)

    async with running() as api:
        await api.create(5000)
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "rmtree", late)
            resetting = asyncio.create_task(api.emulator.reset())
            await asyncio.sleep(0)
            sending = asyncio.create_task(api.upload(clip()))
            await until(lambda: api.emulator.requests.count("STREAM_CREATE") == 1)
            came.set()
            await resetting
        uid = await sending
        await api.until(uid, "ready")
        assert await uids(api) == [uid]


async def test_a_reset_needs_a_running_emulator() -> None:
    with pytest.raises(EmulatorError, match="not running"):
        await Emulator().reset()


def test_the_blocking_face_has_it_all() -> None:
    with Emulator(limits=FEW) as emulator, emulator.stream() as stream:
        emulator.pause_encoding()
        video = stream.upload(b"x" * 100)
        emulator.list_lag = 60
        stream.delete(video.uid)
        assert [listed.uid for listed in stream.list()] == []
        emulator.list_lag = 0
        assert (emulator.requests.count("STREAM_DELETE"), emulator.limits) == (1, FEW)
        stream.upload(b"y" * 100)
        emulator.clock.advance(60)
        emulator.rate_limit = True
        emulator.limits = attrs.evolve(FEW, requests=100)
        assert len(stream.list().page().items) == 1
        emulator.reset()
        assert (emulator.rate_limit, emulator.limits, len(emulator.requests)) == (False, FEW, 0)
        assert stream.list().page().items == []
    with pytest.raises(EmulatorError, match="not running"):
        emulator.reset()


def test_the_fixture_checks_the_account_of_faults(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from cfstream.emulator import Fault

        async def test_meets(cfstream_emulator, cfstream_stream):
            cfstream_emulator.faults.add("STREAM_LIST", Fault.status(503))
            await cfstream_stream.list().page()

        async def test_misses(cfstream_emulator):
            cfstream_emulator.faults.add("STREAM_LIST", Fault.status(503))

        async def test_fails(cfstream_emulator):
            cfstream_emulator.faults.add("STREAM_LIST", Fault.status(503))
            assert False
        """
    )
    options = ("-o", "asyncio_default_fixture_loop_scope=function", "-o", "asyncio_mode=auto")
    result = pytester.runpytest_subprocess("-q", "-W", "error", *options)
    result.assert_outcomes(passed=2, errors=1, failed=1)
    result.stdout.fnmatch_lines(["*EmulatorError: Planned faults that no request met: STREAM_LIST: status 503*"])
