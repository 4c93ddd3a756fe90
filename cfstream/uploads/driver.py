"""One upload, driven to its end: carries out the steps of the tus state machine over the transport."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin, urlsplit

from cfstream import _tus, endpoints
from cfstream._answers import RawResponse
from cfstream._params import Encoded
from cfstream._retry import Verdict, classify, is_stalled, wait_after_stall
from cfstream._session import Call, logger
from cfstream._transport import Transport
from cfstream._types import Secret
from cfstream.endpoints import Endpoint, Request
from cfstream.errors import (
    AmbiguousResultError,
    APIError,
    FileChangedError,
    RedirectError,
    RequestTimeoutError,
    StreamError,
    TransportError,
    UploadError,
)
from cfstream.models import TusUpload, Video
from cfstream.uploads.journal import Creation
from cfstream.uploads.leftovers import PENDING, clear, is_certain, look_up, take_back
from cfstream.uploads.options import UploadOptions
from cfstream.uploads.pace import UNPACED, Pace
from cfstream.uploads.progress import OnProgress, Progress
from cfstream.uploads.record import NO_OP, Record
from cfstream.uploads.sources import PIECE, Source

_PULL_TIMEOUT = 30.0  # seconds without the socket taking a byte; aiohttp has no limit of its own for that
_ANSWER_TIMEOUT = 120.0  # seconds from the last byte of a chunk to its answer
_TIMED_OUT = 408
_UNAUTHORIZED = 401


async def send(
    transport: Transport,
    source: Source,
    options: UploadOptions,
    on_progress: OnProgress | None,
    *,
    record: Record,
    pace: Pace = UNPACED,
    shown: str | None = None,
) -> Video:
    """Send an open source to where its record says, or to a new upload, and give the video.

    Args:
        transport: the client's.
        source: what to send.
        options: what the service is told of it.
        on_progress: called with how far it is.
        record: where it stands, across processes.
        pace: how many go on at once.
        shown: what progress calls it, where its name alone is not enough.

    Raises:
        InvalidInputError: an option is refused; nothing was sent.
        StreamError: the upload ended without a finished video.
    """
    endpoints.STREAM_CREATE(options.create(source.size, source.name, op=NO_OP))  # refuses options before any I/O
    chunk = options.chunk(transport.session.limits)
    progress = Progress(shown or source.name or "bytes", source.size, transport.session.clock, on_progress)
    async with transport.session.call(None, bulk=pace.bulk) as call:
        driver = _Upload(
            transport, call, source=source, options=options, progress=progress, chunk=chunk, record=record, pace=pace
        )
        return await driver.run()


class _Upload:
    """The state of one upload beside the protocol's own."""

    def __init__(
        self,
        transport: Transport,
        call: Call,
        *,
        source: Source,
        options: UploadOptions,
        progress: Progress,
        chunk: int,
        record: Record,
        pace: Pace,
    ) -> None:
        self._transport = transport
        self._source = source
        self._options = options
        self._record = record
        self._pace = pace
        self._unknown: list[Creation] = []
        self._progress = progress
        self._call = call
        self._clock = transport.session.clock
        begun = record.begun
        self._tus = _tus.Upload(size=source.size, chunk_size=chunk)
        self._resumed = begun is not None
        """Whether the upload is of an earlier process, and the server has not told yet where it stands."""
        if begun:
            self._tus = _tus.Upload(size=source.size, chunk_size=chunk, uid=begun.uid, url=begun.url)
            progress.uid = begun.uid
        self._last: StreamError | None = None
        self._asked_wait: float | None = None
        self._moved = self._clock.monotonic()
        self._furthest = 0

    async def run(self) -> Video:
        """Carry out step after step until the video is there; that of a file which changed is taken back."""
        try:
            return await self._steps()
        except Exception as error:
            uid = self._progress.uid or None
            if isinstance(error, UploadError):
                uid = error.uid = error.uid or uid
                error.offset = error.offset or self._tus.offset
            # nothing is left of what cannot be gone on with
            if uid and (isinstance(error, FileChangedError) or await self._is_useless(uid)):
                await self._take_back(uid)
            raise

    async def _is_useless(self, uid: str) -> bool:
        """Tell of an upload that failed whether it is a beginning that nobody knows any more.

        All of it is a video, whatever failed afterwards; the answer that tells of the last byte may be lost.
        """
        if self._record.lasts or self._tus.offset == self._tus.size:
            return False
        if not self._tus.may_be_whole:
            return True
        try:
            return not await self._is_whole(uid)
        except StreamError:
            return False

    async def _steps(self) -> Video:
        while True:
            match self._tus.next_request():
                case _tus.Create():
                    await self._begin()
                case _tus.Ask() as step:
                    await self._ask(step)
                case _tus.Send() as step:
                    await self._send(step)
                case (_tus.Confirm(uid) | _tus.Done(uid)) as step:
                    video = await look_up(self._transport, uid, bulk=self._pace.bulk)
                    if video and (isinstance(step, _tus.Done) or video.status.state != PENDING):
                        return await self._finished(video)
                    self._tus.confirmed(complete=False)  # it may show a little later
            await self._pause_after_stall()

    async def _begin(self) -> None:
        if self._tus.uid and await self._left_whole(self._tus.uid):
            return
        self._source.check_reach(0)
        creation = await self._record.creating()
        try:
            created = await self._create(creation)
        except AmbiguousResultError as error:
            await self._settle(creation, error)
            return
        except (APIError, TransportError) as error:
            if is_certain(error):
                await self._record.settled(creation)  # so nobody need look for it
            raise
        self._progress.uid = created.uid
        edits = self._options.edits()
        if edits:
            await self._edit(creation, created.uid, edits)
        address = self._address(created)
        await self._record.created(creation, created.uid, address)
        self._tus.created(created.uid, address)
        self._furthest = 0
        await self._progress.at(0, now=True)

    async def _create(self, creation: Creation) -> TusUpload:
        params = self._options.create(self._source.size, self._source.name, op=creation.op)
        request = endpoints.STREAM_CREATE(params)

        async def ask() -> TusUpload:
            self._moved = self._clock.monotonic()  # waiting for room is no standstill
            return await self._transport.send(request, timeout=None, bulk=self._pace.bulk)

        return await self._pace.admitted(ask)

    async def _settle(self, creation: Creation, error: StreamError) -> None:
        """Clear away what an attempt may have made whose answer was lost, so that another one can be made."""
        row = endpoints.STREAM_CREATE.row
        logger.info("%s: it is not known whether an upload was made; looking for it", row)
        self._last = error
        self._pace.trouble()
        if await clear(self._transport, [creation]):
            await self._record.settled(creation)
        else:
            self._unknown.append(creation)
        self._tus.not_created()

    async def _edit(self, creation: Creation, uid: str, edits: Mapping[str, Any]) -> None:
        try:
            await self._transport.send(endpoints.STREAM_EDIT(edits, identifier=uid), timeout=None, bulk=self._pace.bulk)
        except StreamError:
            with suppress(StreamError):  # that this too may fail must not hide why it is done
                await take_back(self._transport, uid)
                await self._record.settled(creation)
            self._progress.uid = ""
            raise

    async def _take_back(self, uid: str) -> None:
        """Delete the video; that this too may fail must not hide why it is done."""
        with suppress(StreamError):
            await take_back(self._transport, uid)

    def _address(self, created: TusUpload) -> Secret:
        base = self._transport.session.base_url
        try:
            address = Secret(urljoin(f"{base}/", created.upload_url))
        except ValueError:
            address = Secret()
        if not self._transport.session.is_safe(address):
            raise UploadError(
                "the service gave an upload address that cannot be read or is without TLS; nothing was sent",
                uid=created.uid,
            )
        return address

    async def _ask(self, step: _tus.Ask) -> None:
        self._progress.attempt += 1
        request = _request(endpoints.TUS_HEAD, step)
        try:
            response = await self._transport.exchange(request, self._call, attempt=self._progress.attempt)
        except TransportError as error:
            self._interrupted(error, endpoints.TUS_HEAD)
        else:
            await self._standing(response)

    async def _standing(self, response: RawResponse) -> None:
        try:
            await self._answered(response, endpoints.TUS_HEAD)
        except (APIError, UploadError) as error:
            # what an earlier process has begun may be beyond use, and every later one would meet the same
            if not self._resumed or error.status == _UNAUTHORIZED:
                raise
            row = endpoints.TUS_HEAD.row
            logger.info("%s: what was begun is of no use any more (%s)", row, type(error).__name__)
            self._last = error
            self._tus.lost(error.status)
        if _tus.is_taken(response.status):
            self._resumed = False

    async def _left_whole(self, uid: str) -> bool:
        """Tell whether an upload that cannot be gone on with is whole after all; otherwise nothing is left of it."""
        if await self._is_whole(uid):
            self._tus.confirmed(complete=True)
            return True
        await self._take_back(uid)
        self._tus.uid = ""
        return False

    async def _is_whole(self, uid: str) -> bool:
        video = await look_up(self._transport, uid, bulk=self._pace.bulk)
        return video is not None and video.status.state != PENDING

    async def _send(self, step: _tus.Send) -> None:
        await self._source.check_unchanged()
        request = _request(endpoints.TUS_PATCH, step)
        failed: list[Exception] = []
        try:
            async with asyncio.timeout(None) as watchdog:
                response = await self._transport.exchange(
                    request,
                    self._call,
                    attempt=self._progress.attempt,
                    body=self._body(step, watchdog, failed),
                    answer_timeout=None,
                )
        except TransportError as error:
            if failed:  # aiohttp takes whatever the body raises for a broken connection
                raise failed[0] from failed[0].__cause__
            self._interrupted(error, endpoints.TUS_PATCH)
        except TimeoutError:
            stalled = RequestTimeoutError(
                "the server stopped taking bytes, or took all and said nothing", retryable=True
            )
            self._interrupted(stalled, endpoints.TUS_PATCH)
        else:
            await self._answered(response, endpoints.TUS_PATCH)

    async def _body(
        self, step: _tus.Send, watchdog: asyncio.Timeout, failed: list[Exception]
    ) -> AsyncIterator[bytes | memoryview]:
        """Read piece by piece; the watchdog runs while the socket takes one, and until the answer."""
        loop = asyncio.get_running_loop()
        position, end = step.offset, step.offset + step.length
        try:
            while position < end:
                piece = await self._piece(position, min(PIECE, end - position))
                watchdog.reschedule(loop.time() + _PULL_TIMEOUT)
                yield piece
                watchdog.reschedule(None)
                position += len(piece)
                if position > self._furthest:  # what is sent again is no progress
                    self._furthest, self._moved = position, self._clock.monotonic()
                await self._progress.at(position)
            watchdog.reschedule(loop.time() + _ANSWER_TIMEOUT)
        except Exception as error:
            failed.append(error)
            raise

    async def _piece(self, position: int, length: int) -> bytes | memoryview:
        piece = await self._source.read(position, length)
        if not piece:
            raise FileChangedError(f"{self._source.shown} became shorter while it was uploaded")
        return piece

    async def _answered(self, response: RawResponse, endpoint: Endpoint[None]) -> None:
        taken = _tus.is_taken(response.status)
        if not taken:
            # whoever has the address can write to the upload, and error pages repeat it
            self._last = self._transport.failure(response, (self._tus.url, urlsplit(self._tus.url).path))
            self._last.request = endpoint.row
            if _tus.is_refusal(response.status):
                raise self._last
            self._asked_wait = self._last.retry_after
            if response.status == _TIMED_OUT:
                self._pace.trouble()
            if classify(self._last) is Verdict.THROTTLED:
                self._throttled()
                return
        self._tus.received(response)
        if taken:
            if endpoint is endpoints.TUS_PATCH:  # that the server tells where it stands is no chunk that arrived
                self._pace.success()
            await self._progress.at(self._tus.offset, now=True)

    def _interrupted(self, error: TransportError, endpoint: Endpoint[None]) -> None:
        error.request = endpoint.row
        # an answer that came and that nobody can read is as good as a lost one: where the upload stands can be asked
        if isinstance(error, RedirectError) or not (error.retryable or error.sent):
            raise error
        logger.info("%s: interrupted (%s)", endpoint.row, type(error).__name__)
        self._last = error
        self._pace.trouble()
        self._tus.interrupted()

    def _throttled(self) -> None:
        """Pause the whole client; a pause that the service asks for is no failure of the upload."""
        policy = self._transport.settings.retry
        if self._asked_wait:
            self._tus.paused()
        else:
            self._tus.interrupted()
            self._asked_wait = policy.backoff(self._tus.stalls, random.uniform, throttled=True)
        self._transport.session.governor.pause(min(self._asked_wait, policy.max_retry_after))

    async def _pause_after_stall(self) -> None:
        """Wait longer with every step that brought the server no further; give up in the end."""
        asked, self._asked_wait = self._asked_wait, None
        wait = wait_after_stall(self._transport.settings.retry, self._tus.stalls, asked)
        if (self._tus.stalls or wait) and is_stalled(self._tus.stalls, self._clock.monotonic() - self._moved, wait):
            reason = self._last.args[0] if self._last else "the server stands still"
            raise UploadError(
                f"{self._source.shown}: no progress after {self._tus.stalls} attempts at byte "
                f"{self._tus.offset} of {self._tus.size}: {reason}",
                attempts=self._tus.stalls,
                retryable=True,
            ) from self._last
        if wait:
            await self._clock.sleep(wait)

    async def _finished(self, video: Video) -> Video:
        """Give the video, unless the file changed on the way."""
        await self._source.check_unchanged()
        with suppress(StreamError):  # the video is there all the same
            await self._clear_late()
        await self._record.done(video.uid)
        self._pace.success()
        await self._progress.at(self._tus.size, now=True)
        return video

    async def _clear_late(self) -> None:
        """Clear away what attempts have made that were not found when they were looked for."""
        found = await clear(self._transport, self._unknown, patient=False)
        for creation in self._unknown:
            if creation.op in found:
                await self._record.settled(creation)


def _request(endpoint: Endpoint[None], step: _tus.Ask | _tus.Send) -> Request[None]:
    return Request(endpoint, {}, Encoded(headers=step.headers), url=step.url)
