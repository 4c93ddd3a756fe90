"""Webhooks as a receiver gets them: signed, in order, sent again until they arrive, and never after the end."""

import asyncio
import hashlib
import hmac
import json
import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web
from emulator_kit import SMALL, Api, FixedClock, StillClock, clip, connected, running

from cfstream.emulator import Emulator, EmulatorError
from cfstream.emulator.delivery import deliveries
from cfstream.emulator.delivery.deliveries import signature
from cfstream.emulator.delivery.log import Delivery
from cfstream.emulator.storage.store import Store

NOW = 1_800_000_000


@attrs.define
class Receiver:
    """A web server that takes messages."""

    url: str = ""
    got: list[tuple[web.BaseRequest, bytes]] = attrs.field(factory=list)
    answers: list[int] = attrs.field(factory=list)
    """The statuses of the next answers; 200 after them."""
    hold: asyncio.Event | None = None
    came: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        self.got.append((request, await request.read()))
        self.came.set()
        if self.hold is not None:
            await self.hold.wait()
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"Location": f"{self.url}/moved"} if status == 302 else {})

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


@asynccontextmanager
async def receiving(*answers: int) -> AsyncGenerator[Receiver]:
    receiver = Receiver(answers=list(answers))
    server = web.ServerRunner(web.Server(receiver.take), shutdown_timeout=0)
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{server.addresses[0][1]}/hook?a=b"
    try:
        yield receiver
    finally:
        if receiver.hold is not None:
            receiver.hold.set()
        await server.cleanup()


async def told(api: Api, receiver: Receiver) -> str:
    """Set the webhook; gives its secret."""
    answer = await api.call("PUT", "/webhook", json={"notificationUrl": receiver.url})
    return str(answer.result["secret"])


async def failed(api: Api) -> str:
    """A video that ends in the state error at once."""
    return await api.upload(b"no video" * 100)


def verified(secret: str, header: str, body: bytes, now: float) -> bool:
    """What the docs tell a receiver to do."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    expected = hmac.new(secret.encode(), f"{parts['time']}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(parts["sig1"], expected) and int(parts["time"]) == int(now)


def test_the_signature_is_the_documented_one() -> None:
    body = b'{"uid":"dd5d531a12de0c724bd1275a3b2bc9c6"}'
    assert signature("85011ed3a913c6ad5f9cf6c5573cc0a7", 1230811200, body) == (
        "time=1230811200,sig1=5061760e9842c60a4f9541fde1993b850196ed33b70a8f9b4f86bacf45b91a86"
    )


async def test_ready_and_error_are_told_with_the_video_as_it_is() -> None:
    async with receiving() as receiver, running(clock=StillClock(NOW)) as api:
        secret = await told(api, receiver)
        good, bad = await api.upload(clip()), await failed(api)
        await api.call("POST", f"/{good}", json={"meta": {"name": "Grüße 🎬"}})
        ready = await api.emulator.webhooks.wait(good)
        error = await api.emulator.webhooks.wait(event="error")
        assert (ready.uid, ready.event, ready.status, ready.answer) == (good, "ready", "delivered", 200)
        assert (error.uid, error.event, error.status, error.attempts) == (bad, "error", "delivered", 1)
        assert (error.next_try, error.error, error.url) == (None, None, receiver.url)
        assert {each["uid"]: each for each in receiver.bodies} == {
            uid: (await api.call("GET", f"/{uid}")).result for uid in (good, bad)
        }
        states = {each["uid"]: each["status"] for each in receiver.bodies}
        assert (states[good]["state"], states[good]["pctComplete"]) == ("ready", "100.000000")
        assert (states[bad]["state"], states[bad]["errorReasonCode"]) == ("error", "ERR_NON_VIDEO")
        for request, body in receiver.got:
            assert (request.method, request.path_qs) == ("POST", "/hook?a=b")
            assert request.headers["Content-Type"] == "application/json"
            assert "Authorization" not in request.headers
            assert verified(secret, request.headers["Webhook-Signature"], body, NOW)
            assert not verified(secret, request.headers["Webhook-Signature"], body + b" ", NOW)
        assert {each.body for each in api.emulator.webhooks} == {body for _, body in receiver.got}
        assert all(each.headers["Webhook-Signature"].startswith("time=1800000000,") for each in api.emulator.webhooks)


async def test_nothing_is_sent_without_a_webhook() -> None:
    async with receiving() as receiver, running() as api:
        await api.until(await failed(api), "error")
        await told(api, receiver)
        await api.call("DELETE", "/webhook")
        await api.until(await failed(api), "error")
        assert (len(api.emulator.webhooks), receiver.got) == (0, [])


async def test_it_is_sent_again_later_and_later_until_it_arrives() -> None:
    async with receiving(500, 404, 302) as receiver, running(clock=StillClock(NOW)) as api:
        secret = await told(api, receiver)
        uid = await failed(api)
        webhooks, now = api.emulator.webhooks, float(NOW)
        for attempts, pause, status in ((1, 1, 500), (2, 2, 404), (3, 4, 302)):
            tried = await webhooks.wait(uid, attempts=attempts)
            assert (tried.status, tried.answer, tried.next_try) == ("waiting", status, now + pause)
            assert tried.error == f"the receiver answered {status}"
            api.emulator.clock.advance(pause / 2)
            await api.call("GET", "/webhook")
            assert len(receiver.got) == attempts
            api.emulator.clock.advance(pause / 2)
            now += pause
        arrived = await webhooks.wait(uid)
        assert (arrived.status, arrived.attempts, arrived.answer, arrived.error) == ("delivered", 4, 200, None)
        assert len({body for _, body in receiver.got}) == 1
        assert [request.path for request, _ in receiver.got] == ["/hook"] * 4, "a redirect is not followed"
        times = [NOW, NOW + 1, NOW + 3, NOW + 7]
        for (request, body), moment in zip(receiver.got, times, strict=True):
            assert verified(secret, request.headers["Webhook-Signature"], body, moment)
        assert len(webhooks) == 1


async def test_it_is_given_up_after_six_times() -> None:
    async with receiving(*[500] * 10) as receiver, running(clock=StillClock(NOW)) as api:
        await told(api, receiver)
        uid = await failed(api)
        for attempts in range(1, 6):
            await api.emulator.webhooks.wait(uid, attempts=attempts)
            api.emulator.clock.advance(100)
        ended = await api.emulator.webhooks.wait(uid)
        assert (ended.status, ended.attempts, ended.next_try) == ("failed", 6, None)
        api.emulator.clock.advance(10_000)
        await api.call("GET", "/webhook")
        assert len(receiver.got) == 6


async def test_the_time_between_two_attempts_is_that_of_the_clock_below() -> None:
    async with receiving(500) as receiver, running(clock=FixedClock(NOW)) as api:
        await told(api, receiver)
        assert (await api.emulator.webhooks.wait(await failed(api))).attempts == 2
        assert api.emulator.clock.now == NOW + 1


async def test_the_secret_and_the_address_are_those_of_the_moment() -> None:
    async with receiving(500) as first, receiving() as second, running(clock=StillClock(NOW)) as api:
        old = await told(api, first)
        uid = await failed(api)
        await api.emulator.webhooks.wait(uid, attempts=1)
        new = await told(api, second)
        api.emulator.clock.advance(1)
        assert (await api.emulator.webhooks.wait(uid)).url == second.url
        request, body = second.got[0]
        assert verified(new, request.headers["Webhook-Signature"], body, NOW + 1)
        assert not verified(old, request.headers["Webhook-Signature"], body, NOW + 1)
        assert len(first.got) == 1


async def test_a_webhook_that_is_deleted_gets_nothing_more() -> None:
    async with receiving(500) as receiver, running(clock=StillClock(NOW)) as api:
        await told(api, receiver)
        uid = await failed(api)
        await api.emulator.webhooks.wait(uid, attempts=1)
        await api.call("DELETE", "/webhook")
        api.emulator.clock.advance(1)
        ended = await api.emulator.webhooks.wait(uid)
        assert (ended.status, ended.attempts, ended.error) == ("failed", 1, "the webhook was deleted")
        assert len(receiver.got) == 1


async def test_a_deleted_video_is_still_told() -> None:
    async with receiving(500) as receiver, running(clock=StillClock(NOW)) as api:
        await told(api, receiver)
        uid = await failed(api)
        await api.emulator.webhooks.wait(uid, attempts=1)
        await api.call("DELETE", f"/{uid}")
        api.emulator.clock.advance(1)
        assert (await api.emulator.webhooks.wait(uid)).status == "delivered"


async def test_a_receiver_that_hangs_or_is_not_there_has_not_got_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "_PATIENCE", 0.05)
    async with receiving() as receiver, running(clock=StillClock(NOW)) as api:
        receiver.hold = asyncio.Event()
        await told(api, receiver)
        uid = await failed(api)
        slow = await api.emulator.webhooks.wait(uid, attempts=1)
        assert (slow.status, slow.answer) == ("waiting", None)
        assert slow.error == "the receiver did not answer within 0.05 seconds"
        receiver.url = "http://127.0.0.1:1/"
        await told(api, receiver)
        api.emulator.clock.advance(1)
        nobody = await api.emulator.webhooks.wait(uid, attempts=2)
        assert (nobody.status, nobody.answer) == ("waiting", None)
        assert (nobody.error or "").startswith("no connection to 127.0.0.1:1: ")


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00::1]/",
        "http://0.0.0.0:1/",
        "http://[::ffff:10.0.0.1]/",
    ],
)
async def test_the_network_around_is_not_reached(url: str) -> None:
    async with running(clock=StillClock(NOW)) as api:
        await api.call("PUT", "/webhook", json={"notificationUrl": url})
        tried = await api.emulator.webhooks.wait(await failed(api), attempts=1)
        assert (tried.answer, "not public" in (tried.error or "")) == (None, True)


async def test_the_messages_about_one_video_keep_their_order_and_the_others_do_not_wait() -> None:
    async with receiving(500) as receiver, running(clock=StillClock(NOW)) as api:
        await told(api, receiver)
        uid = await failed(api)
        first = await api.emulator.webhooks.wait(uid, attempts=1)
        again = await api.call("POST", api.emulator.url(f"/_emulator/webhooks/{first.id}/redeliver"))
        other = await failed(api)
        assert (await api.emulator.webhooks.wait(other)).status == "delivered"
        assert api.emulator.webhooks[1].attempts == 0, "the second one about the video waits for the first"
        api.emulator.clock.advance(1)
        assert (await api.emulator.webhooks.wait(uid, count=2)).id == again.result["id"]
        assert [each.id for each in api.emulator.webhooks][:2] == [first.id, again.result["id"]]
        assert [each["uid"] for each in receiver.bodies] == [uid, other, uid, uid]


async def test_the_log_over_http_and_a_message_sent_once_more() -> None:
    async with receiving() as receiver, running(clock=StillClock(NOW)) as api:

        async def control(verb: str, tail: str = "") -> Any:
            return await api.call(verb, api.emulator.url(f"/_emulator/webhooks{tail}"))

        await told(api, receiver)
        uid = await failed(api)
        sent = await api.emulator.webhooks.wait(uid)
        (row,) = (await control("GET")).result
        assert row == {
            "id": sent.id,
            "event": "error",
            "uid": uid,
            "created": NOW,
            "body": receiver.got[0][1].decode(),
            "status": "delivered",
            "attempts": 1,
            "next_try": None,
            "url": receiver.url,
            "headers": dict(sent.headers),
            "answer": 200,
            "error": None,
        }
        again = (await control("POST", f"/{sent.id}/redeliver")).result
        assert (again["status"], again["body"]) == ("waiting", row["body"])
        assert again["id"] != sent.id
        assert (await control("POST", "/nothing/redeliver")).status == 404
        assert (await api.call("GET", api.emulator.url("/_emulator/webhooks"), token=None)).status == 401
        assert (await api.emulator.webhooks.wait(count=2)).id == again["id"]
        assert [body for _, body in receiver.got] == [sent.body, sent.body]
        await api.call("DELETE", "/webhook")
        assert (await control("POST", f"/{sent.id}/redeliver")).status == 400
        assert (await control("DELETE")).result == []
        assert (len(api.emulator.webhooks), list(api.emulator.webhooks)) == (0, [])
        assert repr(api.emulator.webhooks) == "<0 deliveries>"


async def test_clearing_keeps_what_is_still_to_be_sent_and_a_reset_keeps_nothing() -> None:
    async with receiving(200, 500) as receiver, running(clock=StillClock(NOW)) as api:
        await told(api, receiver)
        await api.emulator.webhooks.wait(await failed(api))
        waiting = await failed(api)
        await api.emulator.webhooks.wait(waiting, attempts=1)
        api.emulator.webhooks.clear()
        assert [each.uid for each in api.emulator.webhooks] == [waiting]
        assert api.emulator.webhooks[:1] == (api.emulator.webhooks[0],)
        await api.emulator.reset()
        api.emulator.clock.advance(1000)
        await api.call("GET")
        assert (len(api.emulator.webhooks), len(receiver.got)) == (0, 2)
        await told(api, receiver)
        assert (await api.emulator.webhooks.wait(await failed(api))).status == "delivered"


async def test_closing_does_not_wait_for_a_receiver_and_nothing_is_sent_afterwards() -> None:
    async with receiving() as receiver:
        receiver.hold = asyncio.Event()
        async with running() as api:
            await told(api, receiver)
            uid = await failed(api)
            await receiver.came.wait()
            waiting = asyncio.create_task(api.emulator.webhooks.wait(uid))
            await asyncio.sleep(0)
            emulator = api.emulator
            async with asyncio.timeout(deliveries._PATIENCE / 2):
                await emulator.close()
        with pytest.raises(EmulatorError, match="not running"):
            await waiting
        assert (emulator.webhooks[0].status, len(receiver.got)) == ("waiting", 1)


async def test_what_was_due_is_sent_after_a_restart(tmp_path: Path) -> None:
    clock = StillClock(NOW)
    async with receiving(200, 500, 503) as receiver:
        options: dict[str, Any] = {"data_dir": tmp_path, "limits": SMALL, "clock": clock}
        async with Emulator(**options) as emulator, connected(emulator) as api:
            secret = await told(api, receiver)
            await emulator.webhooks.wait(await failed(api))
            uid = await failed(api)
            before = await emulator.webhooks.wait(uid, attempts=1)
        async with Emulator(**options) as emulator, connected(emulator) as api:
            assert [each.id for each in emulator.webhooks] == [before.id]
            emulator.clock.advance(1)
            tried = await emulator.webhooks.wait(uid, attempts=2)
            assert (tried.id, tried.body, tried.answer) == (before.id, before.body, 503)
        clock.now += 3600
        async with Emulator(**options) as emulator:
            arrived = await emulator.webhooks.wait(uid)
        assert (arrived.attempts, arrived.status) == (3, "delivered")
        request, body = receiver.got[-1]
        assert verified(secret, request.headers["Webhook-Signature"], body, clock.now)
        async with Emulator(**options) as emulator:
            assert len(emulator.webhooks) == 0
    assert len(receiver.got) == 4


async def test_a_message_that_comes_in_the_moment_the_last_was_sent_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    first = deliveries.Sender._first
    asked: list[str] = []

    def next_one(sender: deliveries.Sender, uid: str) -> Delivery | None:
        found = first(sender, uid)
        if found is None and not asked:  # the loop does that before anything else
            asked.append(uid)
            asyncio.get_running_loop().call_soon(sender.redeliver, sender._log.listed()[0])
        return found

    monkeypatch.setattr(deliveries.Sender, "_first", next_one)
    async with receiving() as receiver, running(clock=StillClock(NOW)) as api:
        await told(api, receiver)
        uid = await failed(api)
        assert (await api.emulator.webhooks.wait(uid, count=2, timeout=5)).status == "delivered"
        assert asked == [uid]
        assert len(receiver.got) == 2


async def test_what_goes_wrong_in_sending_does_not_end_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    post, wrong = deliveries._post, [RuntimeError("unforeseen")]

    async def fail_once(*arguments: Any) -> int:
        if wrong:
            raise wrong.pop()
        return await post(*arguments)

    monkeypatch.setattr(deliveries, "_post", fail_once)
    async with receiving() as receiver, running(clock=StillClock(NOW)) as api:
        await told(api, receiver)
        uid = await failed(api)
        tried = await api.emulator.webhooks.wait(uid, attempts=1)
        assert (tried.status, tried.error) == ("waiting", "RuntimeError")
        assert "unforeseen" in caplog.text
        api.emulator.clock.advance(1)
        assert (await api.emulator.webhooks.wait(uid)).status == "delivered"


async def test_a_full_disk_does_not_end_the_sending(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def without_room(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(store: Store, kind: str, *rest: Any, **options: Any) -> Any:
            if kind == "delivery":
                raise sqlite3.OperationalError("database or disk is full")
            return change(store, kind, *rest, **options)

        return changed

    async with receiving() as receiver, running(clock=StillClock(NOW)) as api:
        await told(api, receiver)
        monkeypatch.setattr(Store, "put", without_room(Store.put))
        monkeypatch.setattr(Store, "delete", without_room(Store.delete))
        uid = await failed(api)
        sent = await api.emulator.webhooks.wait(uid, timeout=5)
        assert sent.status == "delivered"
        assert "cannot be written down: database or disk is full" in caplog.text
        await api.call("POST", api.emulator.url(f"/_emulator/webhooks/{sent.id}/redeliver"))
        assert (await api.emulator.webhooks.wait(uid, count=2, timeout=5)).status == "delivered"


async def test_waiting_has_an_end() -> None:
    async with running() as api:
        with pytest.raises(TimeoutError):
            await api.emulator.webhooks.wait(timeout=0.01)


async def test_many_messages_are_kept_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfstream.emulator.delivery.log.KEPT", 3)
    async with receiving() as receiver, running() as api:
        await told(api, receiver)
        uids = []
        for _ in range(5):
            uids.append(await failed(api))
            await api.emulator.webhooks.wait(uids[-1])
        assert [each.uid for each in api.emulator.webhooks] == uids[2:]


@contextmanager
def blocking_receiver(answer: Callable[[bytes], int]) -> Generator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(answer(body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_blocking_face_waits_too() -> None:
    got: list[bytes] = []

    def answer(body: bytes) -> int:
        got.append(body)
        return 204

    with blocking_receiver(answer) as url, Emulator(limits=SMALL) as emulator, emulator.stream() as stream:
        with pytest.raises(TimeoutError):
            emulator.webhooks.wait(timeout=0.01)
        stream.webhooks.update(notification_url=url)
        video = stream.upload(b"no video" * 100, name="broken")
        delivery = emulator.webhooks.wait(video.uid, "error")
        assert (delivery.status, delivery.answer, [delivery.body]) == ("delivered", 204, got)
        assert json.loads(delivery.body)["meta"]["name"] == "broken"
        emulator.webhooks.clear()
        assert len(emulator.webhooks) == 0
