"""Planned faults: each kind, for each way of asking, and the account of them."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from emulator_kit import SMALL, Answer, Api, FixedClock, StillClock, clip, connected, running

from cfstream import RetryPolicy
from cfstream.emulator import Emulator, EmulatorError, Fault
from cfstream.endpoints import ROWS
from cfstream.errors import InternalServerError, InvalidInputError, TransportError

MIB = 1024 * 1024
WRONG: Any = 1.5
LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)


@asynccontextmanager
async def asking_once() -> AsyncGenerator[Api]:
    """A client that does not ask a second time by itself, as aiohttp's does after a lost GET, HEAD, PUT or DELETE."""
    async with running() as api:
        api.session._retry_connection = False
        yield api


async def offset(api: Api, location: str) -> int:
    return int((await api.head(location)).headers["Upload-Offset"])


@pytest.mark.parametrize(("status", "code"), [(503, 10001), (429, 971), (404, 10003), (401, 10000), (413, 10005)])
async def test_a_status_comes_in_the_envelope_and_nothing_is_done(status: int, code: int) -> None:
    async with running() as api:
        api.emulator.faults.add("STREAM_CREATE", Fault.status(status, headers={"Retry-After": "7"}))
        answer = await api.create(5000)
        assert (answer.status, answer.codes, answer.headers["Retry-After"]) == (status, [code], "7")
        assert answer.headers["cf-ray"]
        assert (await api.call("GET")).result == []
        assert (await api.create(5000)).status == 201


async def test_a_status_may_have_any_body_and_code() -> None:
    async with running() as api:
        api.emulator.faults.add(
            "STREAM_LIST",
            Fault.status(502, body="<html>Bad gateway</html>"),
            Fault.status(200, body=b'{"result": [', headers={"Content-Type": "application/json; charset=utf-8"}),
            Fault.status(400, code=10010),
            Fault.status(204),
        )
        html = await api.call("GET")
        assert (html.status, html.body, html.headers["Content-Type"]) == (502, b"<html>Bad gateway</html>", "text/html")
        async with api.session.get(
            api.path(""), headers={"Authorization": f"Bearer {api.emulator.api_token}"}
        ) as answer:
            assert await answer.read() == b'{"result": ['
            assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert (await api.call("GET")).codes == [10010]
        assert (await api.call("GET")).body == b""
        assert (await api.call("GET")).result == []


async def test_a_sequence_is_spent_in_order_and_only_by_its_call() -> None:
    async with running() as api:
        faults = api.emulator.faults
        faults.add("STREAM_LIST", Fault.status(500), Fault.status(502), times=2)
        assert (await api.create(5000)).status == 201
        assert [(await api.call("GET")).status for _ in range(5)] == [500, 502, 500, 502, 200]
        assert faults.pending == ()
        assert [str(planned) for planned in faults.spent] == [
            f"STREAM_LIST: status {status}" for status in (500, 502, 500, 502)
        ]
        faults.add(None, Fault.status(503))
        assert (await api.media("/nothing/watch")).status == 503
        assert faults.spent[-1].row is None


async def test_a_drop_before_the_commit_does_nothing() -> None:
    async with running() as api:
        api.emulator.faults.add("STREAM_CREATE", Fault.drop())
        with pytest.raises(LOST):
            await api.create(5000)
        assert (await api.call("GET")).result == []


async def test_a_drop_after_the_commit_loses_the_answer_only() -> None:
    async with running() as api:
        api.emulator.faults.add("STREAM_CREATE", Fault.drop(after_commit=True))
        with pytest.raises(LOST):
            await api.create(5000)
        (video,) = (await api.call("GET")).result
        assert video["status"]["state"] == "pendingupload"


async def test_a_drop_is_a_reset() -> None:
    async with running() as api:
        api.emulator.faults.add("STREAM_LIST", Fault.drop())
        host, port = api.emulator.url().removeprefix("http://").rstrip("/").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        path = api.path("").removeprefix(api.emulator.url("").rstrip("/"))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_cut_sends_so_many_bytes_of_the_body() -> None:
    async with running() as api:
        uid = (await api.create(5000)).headers["stream-media-id"]
        whole = (await api.call("GET", f"/{uid}")).body
        api.emulator.faults.add("STREAM_GET", Fault.cut(17))
        headers = {"Authorization": f"Bearer {api.emulator.api_token}"}
        async with api.session.get(api.path(f"/{uid}"), headers=headers) as answer:
            assert int(answer.headers["Content-Length"]) == len(whole)
            assert await answer.content.readexactly(17) == whole[:17]
            with pytest.raises(LOST):
                await answer.content.readany()


async def test_a_cut_loses_an_answer_that_has_no_more_to_cut() -> None:
    async with asking_once() as api:
        created = await api.create(5000)
        api.emulator.faults.add("TUS_HEAD", Fault.cut(3))
        api.emulator.faults.add("TUS_PATCH", Fault.cut())
        with pytest.raises(LOST):
            await api.head(created.headers["Location"])
        with pytest.raises(LOST):
            await api.patch(created.headers["Location"], 0, b"a" * 2048)
        assert await offset(api, created.headers["Location"]) == 2048, "what was asked for was done"


async def begun(api: Api, request: Coroutine[Any, Any, Answer]) -> asyncio.Task[Answer]:
    """A request that has come to the emulator."""
    before = api.emulator.requests.count()
    task = asyncio.create_task(request)
    async with asyncio.timeout(30):
        while api.emulator.requests.count() == before:  # noqa: ASYNC110  # nothing tells when it is there
            await asyncio.sleep(0)
    return task


async def left(api: Api, request: Coroutine[Any, Any, Answer]) -> None:
    task = await begun(api, request)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_stall_ends_when_the_client_leaves() -> None:
    async with running() as api:
        api.emulator.faults.add("STREAM_LIST", Fault.stall())
        await left(api, api.call("GET"))
        assert api.emulator.requests[-1].status is None
        assert (await api.call("GET")).status == 200


async def test_a_client_may_leave_a_stall_in_the_middle_of_its_body() -> None:
    async with running() as api:
        location = (await api.create(32 * MIB)).headers["Location"]
        api.emulator.faults.add("TUS_PATCH", Fault.stall())
        await left(api, api.patch(location, 0, bytes(32 * MIB)))
        assert await offset(api, location) == 0


async def test_a_stall_ends_when_the_emulator_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfstream.emulator.serving.connections._GRACE", 60)
    async with running() as api:
        api.emulator.faults.add("STREAM_LIST", Fault.stall())
        waiting = await begun(api, api.call("GET"))
        async with asyncio.timeout(30):
            await api.emulator.close()
        with pytest.raises(LOST):
            await waiting


async def test_a_delay_goes_by_the_given_clock() -> None:
    clock = FixedClock()
    async with running(clock=clock) as api:
        api.emulator.faults.add("STREAM_CREATE", Fault.delay(3600))
        before = clock.now
        assert (await api.create(5000)).status == 201
        assert clock.now == before + 3600


async def test_putting_the_clock_forward_ends_a_delay() -> None:
    async with running(clock=StillClock()) as api:
        api.emulator.faults.add("STREAM_LIST", Fault.delay(3600))
        waiting = await begun(api, api.call("GET"))
        api.emulator.clock.advance(3599)
        assert not api.emulator.faults.pending
        assert not (await asyncio.wait({waiting}, timeout=0.05))[0]
        await asyncio.to_thread(api.emulator.clock.advance, 1)  # from any thread
        async with asyncio.timeout(30):
            assert (await waiting).status == 200


async def test_a_clock_that_fails_is_no_clock_that_is_asked_for_ever() -> None:
    class Broken(FixedClock):
        async def sleep(self, seconds: float) -> None:
            raise OSError

    async with running(clock=Broken()) as api:
        api.emulator.faults.add("STREAM_LIST", Fault.delay(3600))
        assert (await api.call("GET")).status == 500


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize(("size", "kept"), [(0, 0), (1, 1), (3000, 3000), (4096, 4096), (10_000, 4096)])
async def test_a_drop_in_the_body_of_an_upload_keeps_what_came(size: int, kept: int, *, direct: bool) -> None:
    async with running() as api:
        created = await api.create(8192, query="?direct_user=true" if direct else "")
        location = created.headers["Location"]
        api.emulator.faults.add("TUS_PATCH", Fault.drop(after_bytes=size))
        with pytest.raises(LOST):
            await api.patch(location, 0, b"a" * 4096)
        assert await offset(api, location) == kept
        assert (await api.patch(location, kept, b"a" * (8192 - kept))).status == 204


async def test_a_drop_in_the_body_of_a_form_does_nothing() -> None:
    async with asking_once() as api:
        uid = (await api.create(5000)).headers["stream-media-id"]
        api.emulator.faults.add("CAPTIONS_LANGUAGE_UPDATE", Fault.drop(after_bytes=20), Fault.drop(after_bytes=10**6))
        for _ in range(2):
            form = aiohttp.FormData()
            form.add_field("file", b"WEBVTT\n\n" * 100, filename="en.vtt")
            with pytest.raises(LOST):
                await api.call("PUT", f"/{uid}/captions/en", data=form)
        assert (await api.call("GET", f"/{uid}/captions/en/vtt")).status == 404


async def test_a_drop_in_the_form_of_an_end_user_leaves_the_address_open() -> None:
    async with running() as api:
        made = (await api.call("POST", "/direct_upload", json={"maxDurationSeconds": 60})).result
        api.emulator.faults.add("DIRECT_UPLOAD", Fault.drop(after_bytes=200))
        statuses = []
        for _ in range(2):
            form = aiohttp.FormData()
            form.add_field("file", clip(), filename="clip.mp4")
            with contextlib.suppress(*LOST):
                statuses.append((await api.call("POST", made["uploadURL"], token=None, data=form)).status)
        assert statuses == [200]
        await api.until(made["uid"], "ready")


@pytest.mark.parametrize("name", ROWS)
async def test_every_call_can_be_met(name: str) -> None:
    row = ROWS[name]
    async with asking_once() as api:
        site = api.emulator.base_url
        path = row.path.replace("{account_id}", api.emulator.account_id)
        url = site + re.sub(r"\{\w+\}", "0" * 32, path)
        api.emulator.faults.add(name, Fault.status(503), Fault.drop())
        assert (await api.call(row.verb, url)).status == 503
        with pytest.raises(LOST):
            await api.call(row.verb, url)
        assert (await api.call(row.verb, url)).status < 500
        assert api.emulator.requests.count(name) == 3


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(503),
        Fault.drop(),
        Fault.drop(after_commit=True),
        Fault.drop(after_bytes=300_000),
        Fault.cut(),
        Fault.delay(0),
    ],
    ids=str,
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_every_kind_meets_a_large_upload(fault: Fault, *, streamed: bool) -> None:
    data = bytes(4 * MIB)

    async def blocks() -> Any:
        for start in range(0, len(data), 65_536):
            yield data[start : start + 65_536]

    async with running() as api:
        api.emulator.pause_encoding()
        location = (await api.create(len(data))).headers["Location"]
        api.emulator.faults.add("TUS_PATCH", fault)
        with contextlib.suppress(*LOST):
            answer = await api.patch(location, 0, blocks() if streamed else data)
            assert answer.status == (503 if fault.kind == "status" else 204)
        came = await offset(api, location)
        done = {"status 503": 0, "drop before commit": 0, "drop after 300000 bytes": 300_000}.get(str(fault), len(data))
        assert came == done
        assert api.emulator.faults.pending == ()


async def test_a_fault_nobody_met_fails_the_block() -> None:
    message = r"^Planned faults that no request met: STREAM_GET: status 503 \(2 times\); any request: stall$"
    emulator = Emulator()
    emulator.faults.add("STREAM_GET", Fault.status(503), times=2)
    emulator.faults.add(None, Fault.stall())
    with pytest.raises(EmulatorError, match=message):
        async with emulator:
            assert len(emulator.faults.pending) == 3
    async with emulator:
        assert emulator.faults.pending == ()


@pytest.mark.parametrize("blocking", [False, True])
async def test_a_block_that_fails_keeps_its_own_error(*, blocking: bool) -> None:
    emulator = Emulator()
    emulator.faults.add(None, Fault.drop())
    with pytest.raises(KeyError, match="its own"):
        await asyncio.to_thread(fail_within, emulator) if blocking else await fail_inside(emulator)
    assert emulator.faults.pending == ()


async def fail_inside(emulator: Emulator) -> None:
    async with emulator:
        raise KeyError("its own")


def fail_within(emulator: Emulator) -> None:
    with emulator:
        raise KeyError("its own")


def test_the_blocking_face_has_faults_too() -> None:
    with Emulator() as emulator, emulator.stream(retry=RetryPolicy.none()) as stream:
        emulator.faults.add("STREAM_LIST", Fault.status(500), times=2)
        for _ in range(2):
            with pytest.raises(InternalServerError):
                stream.list().page()
        assert stream.list().page().items == []
    left = Emulator()
    left.faults.add("STREAM_DELETE", Fault.drop(after_commit=True))
    with pytest.raises(EmulatorError, match="no request met: STREAM_DELETE: drop after commit"), left as emulator:
        assert len(emulator.faults.pending) == 1


async def test_faults_can_be_forgotten_and_planned_before_the_start() -> None:
    emulator = Emulator(limits=SMALL)
    emulator.faults.add("STREAM_GET", Fault.drop(), times=3)
    emulator.faults.clear()
    emulator.faults.add("STREAM_LIST", Fault.status(500))
    async with emulator, connected(emulator) as api:
        assert (await api.call("GET")).status == 500
    assert repr(emulator.faults) == "<0 pending, 0 spent>"


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (
            lambda faults: faults.add("STREAM_GTE", Fault.drop()),
            "row: 'STREAM_GTE' is no call; did you mean STREAM_GET",
        ),
        (lambda faults: faults.add("STREAM_GET"), "faults: give one or more"),
        (lambda faults: faults.add("STREAM_GET", 503), "faults: give one or more"),
        (lambda faults: faults.add(Fault.drop()), "row: must be the name of a call"),
        (lambda faults: faults.add(None, Fault.drop(), times=0), "times: must be a whole number from 1"),
        (lambda _: Fault.status(99), "status: must be a whole number from 200 to 599"),
        (lambda _: Fault.status(True), "status: must be a whole number"),
        (lambda _: Fault.status(500, headers={"X": "a\r\nb"}), "headers: must be texts without control"),
        (lambda _: Fault.status(500, headers={"": "a"}), "headers: must be texts"),
        (lambda _: Fault.status(500, body=WRONG), "body: must be text or bytes"),
        (lambda _: Fault.status(500, code=WRONG), "code: must be a whole number"),
        (lambda _: Fault.drop(after_bytes=-1), "after_bytes: must be a whole number"),
        (lambda _: Fault.drop(after_bytes=1, after_commit=True), "after_bytes: cannot go with after_commit"),
        (lambda _: Fault.cut(WRONG), "after: must be a whole number"),
        (lambda _: Fault.delay(float("nan")), "seconds: must be a number of seconds"),
    ],
)
def test_wrong_plans_are_refused_by_name(plan: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        plan(Emulator().faults)


async def test_a_client_gets_over_faults_of_an_upload() -> None:
    data = clip()
    async with Emulator() as emulator, emulator.stream() as stream:
        emulator.faults.add("TUS_PATCH", Fault.drop(after_bytes=1000), Fault.drop(after_commit=True))
        emulator.faults.add("TUS_HEAD", Fault.status(502, body="<html>"))
        video = await stream.upload(data)
        assert video.size == len(data)
        assert emulator.requests.count("STREAM_CREATE") == 1
        assert emulator.requests.count("TUS_HEAD") == 3


async def test_a_client_says_what_it_lost() -> None:
    async with Emulator() as emulator, emulator.stream(retry=RetryPolicy.none()) as stream:
        emulator.faults.add("STREAM_GET", Fault.drop(), Fault.cut(5))
        for _ in range(2):
            with pytest.raises(TransportError):
                await stream.get("0" * 32)
