"""Webhooks on their way: a signed message for each video that becomes ready or fails, sent until it arrives."""

import asyncio
import hashlib
import hmac
import json
import logging
import secrets
import sqlite3
from typing import Any, Final

import aiohttp
import attrs

from cfstream._types import Clock
from cfstream.emulator import wire
from cfstream.emulator.delivery.log import Delivery, DeliveryLog
from cfstream.emulator.serving import reach
from cfstream.emulator.storage.library import Library
from cfstream.emulator.storage.records import READY, Video

MOST: Final = 6
"""How often a message is sent before it is given up."""

_PAUSE: Final = 1.0
"""Seconds before it is sent for the second time; each further pause is twice as long."""
_PATIENCE: Final = 5.0
"""Seconds that a receiver may take."""
_AT_ONCE: Final = 8
_GOOD: Final = range(200, 300)
_KIND: Final = "delivery"

_log = logging.getLogger("cfstream.emulator")


class Sender:
    """Sends what is due, the messages about one video in their order."""

    def __init__(self, library: Library, clock: Clock, log: DeliveryLog, *, private: bool) -> None:
        self._library = library
        self._clock = clock
        self._log = log
        self._private = private
        self._site = ""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        library.ended.append(self.note)

    def start(self, site: str) -> None:
        """Begin, with what was waiting when the emulator ended.

        Args:
            site: scheme, host and port of the emulator, for the addresses in messages.
        """
        self._site = site
        self._log.empty()
        waiting = [_load(document) for document in self._library.store.all(_KIND)]
        self._session = aiohttp.ClientSession(
            connector=reach.connector("everything" if self._private else "loopback"),
            timeout=aiohttp.ClientTimeout(total=_PATIENCE),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        for delivery in waiting:
            self._log.put(delivery)
        for uid in dict.fromkeys(delivery.uid for delivery in waiting):
            self._go_on(uid)

    def note(self, video: Video) -> None:
        """A video is ready, or has failed: tell it, if there is somebody to be told."""
        if self._webhook() is not None:
            body = json.dumps(wire.video(video, self._site), ensure_ascii=False, separators=(",", ":"))
            self._add("ready" if video.state == READY else "error", video.uid, body.encode("utf-8", "replace"))

    def redeliver(self, delivery: Delivery) -> Delivery | None:
        """Send a message once more, as a delivery of its own; None where no webhook is set."""
        return None if self._webhook() is None else self._add(delivery.event, delivery.uid, delivery.body)

    def _add(self, event: Any, uid: str, body: bytes) -> Delivery:
        now = self._clock.time()
        delivery = Delivery(id=secrets.token_hex(16), event=event, uid=uid, created=now, body=body, next_try=now)
        self._put(delivery)
        self._go_on(uid)
        return delivery

    def _webhook(self) -> dict[str, Any] | None:
        return self._library.store.get("setting", "webhook")

    def _put(self, delivery: Delivery) -> None:
        try:
            self._write_down(delivery)
        except sqlite3.Error as error:  # the disk is full: it is sent all the same, maybe once more after a restart
            _log.error("the webhook's delivery %s cannot be written down: %s", delivery.id, error)
        self._log.put(delivery)

    def _write_down(self, delivery: Delivery) -> None:
        # On disk is what is still to be done: that must outlive the process.
        if delivery.settled:
            self._library.store.delete(_KIND, delivery.id)
        else:
            document = {**attrs.asdict(delivery), "body": delivery.body.decode()}
            self._library.store.put(_KIND, delivery.id, document)

    def _go_on(self, uid: str) -> None:
        # Before the start and after the end things are only written down.
        task = self._tasks.get(uid)
        # One that has ended but is not forgotten yet takes nothing more.
        if self._session is not None and (task is None or task.done()):
            task = self._tasks[uid] = asyncio.create_task(self._send_all(uid, self._session), name=f"webhook for {uid}")
            task.add_done_callback(lambda ended: self._forget(uid, ended))

    def _forget(self, uid: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(uid) is task:
            del self._tasks[uid]

    async def _send_all(self, uid: str, session: aiohttp.ClientSession) -> None:
        while (delivery := self._first(uid)) is not None:
            await self._clock.sleep(max(0.0, (delivery.next_try or 0.0) - self._clock.time()))
            async with self._slots:
                self._put(await self._sent(delivery, session))

    def _first(self, uid: str) -> Delivery | None:
        return next((each for each in self._log.listed() if each.uid == uid and not each.settled), None)

    async def _sent(self, delivery: Delivery, session: aiohttp.ClientSession) -> Delivery:
        """Send a message to where the webhook is now, signed with its secret of now; gives how it stands then."""
        webhook = self._webhook()
        if webhook is None:
            return attrs.evolve(delivery, status="failed", next_try=None, error="the webhook was deleted")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "cfstream-emulator",
            "Webhook-Signature": signature(webhook["secret"], int(self._clock.time()), delivery.body),
        }
        tried = attrs.evolve(delivery, attempts=delivery.attempts + 1, url=webhook["url"], headers=headers)
        try:
            answer = await _post(session, webhook["url"], delivery.body, headers)
        except aiohttp.ClientConnectorError as error:
            return self._missed(tried, None, f"no connection to {error.host}:{error.port}: {error.os_error}")
        except TimeoutError:
            return self._missed(tried, None, f"the receiver did not answer within {_PATIENCE:g} seconds")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return self._missed(tried, None, str(error) or type(error).__name__)
        except Exception as error:  # noqa: BLE001  # whatever it is, what follows about the video must be sent
            _log.exception("sending %s", delivery.id)
            return self._missed(tried, None, type(error).__name__)
        if answer not in _GOOD:
            return self._missed(tried, answer, f"the receiver answered {answer}")
        return attrs.evolve(tried, status="delivered", next_try=None, answer=answer, error=None)

    def _missed(self, tried: Delivery, answer: int | None, error: str) -> Delivery:
        if tried.attempts >= MOST:
            return attrs.evolve(tried, status="failed", next_try=None, answer=answer, error=error)
        pause = _PAUSE * 2 ** (tried.attempts - 1)
        return attrs.evolve(tried, next_try=self._clock.time() + pause, answer=answer, error=error)

    async def stop(self) -> None:
        """Send nothing more for now; what is under way is given up and stays to be done."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Send nothing any more."""
        session, self._session = self._session, None
        await self.stop()
        if session is not None:
            await session.close()
        self._log.abandon()


async def _post(session: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]) -> int:
    async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
        return response.status


def signature(secret: str, time: int, body: bytes) -> str:
    """The header ``Webhook-Signature``: an HMAC with SHA-256 over the time, a dot and the body.

    Args:
        secret: of the webhook, as the API gives it out.
        time: seconds since the epoch.
        body: the message.

    The rule is on the page about webhooks of the Stream docs.
    """
    source = b"%d.%b" % (time, body)
    return f"time={time},sig1={hmac.new(secret.encode(), source, hashlib.sha256).hexdigest()}"


def _load(document: dict[str, Any]) -> Delivery:
    return Delivery(**{**document, "body": document["body"].encode()})
