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
from cfstream._redact import excerpt
from cfstream._retry import Verdict, classify
from cfstream._session import Call, logger, origin_of
from cfstream._transport import Transport
from cfstream._types import Secret
from cfstream.endpoints import Endpoint, Request
from cfstream.errors import (
    FileChangedError,
    InvalidInputError,
    NotFoundError,
    RequestTimeoutError,
    StreamError,
    TransportError,
    UploadError,
)
from cfstream.models import TusUpload, Video
from cfstream.uploads.options import UploadOptions
from cfstream.uploads.progress import OnProgress, Progress
from cfstream.uploads.sources import PIECE, Source, UploadSource, open_source

_STALLS = 8
_NO_PROGRESS = 600.0  # seconds
_PULL_TIMEOUT = 30.0  # seconds without the socket taking a byte; aiohttp has no limit of its own for that
_ANSWER_TIMEOUT = 120.0  # seconds from the last byte of a chunk to its answer
_PENDING = "pendingupload"


async def upload(
    transport: Transport, source: UploadSource, options: UploadOptions, on_progress: OnProgress | None
) -> Video:
    """Upload one source and give its video.

    Raises:
        InvalidInputError: the source or an option is refused; nothing was sent.
        StreamError: the upload ended without a finished video.
    """
    if on_progress is not None and not callable(on_progress):
        raise InvalidInputError(f"on_progress: expected a function, got {type(on_progress).__name__}")
    chunk = options.chunk(transport.session.limits)
    opened = await open_source(source, transport.session.limits)
    try:
        metadata = options.metadata(opened.name)
        request = endpoints.STREAM_CREATE(
            {
                "upload_length": opened.size,
                "upload_metadata": metadata,
                **({} if options.creator is None else {"upload_creator": options.creator}),
            }
        )
        progress = Progress(opened.name or "bytes", opened.size, transport.session.clock, on_progress)
        async with transport.session.call(None) as call:
            driver = _Upload(
                transport, call, source=opened, create=request, options=options, progress=progress, chunk=chunk
            )
            return await driver.run()
    finally:
        await opened.close()


class _Upload:
    """The state of one upload beside the protocol's own."""

    def __init__(
        self,
        transport: Transport,
        call: Call,
        *,
        source: Source,
        create: Request[TusUpload],
        options: UploadOptions,
        progress: Progress,
        chunk: int,
    ) -> None:
        self._transport = transport
        self._source = source
        self._create = create
        self._options = options
        self._progress = progress
        self._call = call
        self._clock = transport.session.clock
        self._tus = _tus.Upload(size=source.size, chunk_size=chunk)
        self._last: StreamError | None = None
        self._asked_wait: float | None = None
        self._moved = self._clock.monotonic()

    async def run(self) -> Video:
        """Carry out step after step until the video is there; that of a file which changed is taken back."""
        try:
            return await self._steps()
        except UploadError as error:
            error.uid = error.uid or self._progress.uid or None
            error.offset = error.offset or self._tus.offset
            if isinstance(error, FileChangedError) and error.uid:
                await self._take_back(error.uid)
            raise

    @property
    def _shown(self) -> str:
        return excerpt(self._source.name or "the data")

    async def _steps(self) -> Video:
        while True:
            match self._tus.next_request():
                case _tus.Create():
                    await self._begin()
                case _tus.Ask() as step:
                    await self._ask(step)
                case _tus.Send() as step:
                    await self._send(step)
                case _tus.Confirm(uid):
                    video = await self._video(uid)
                    complete = video is not None and video.status.state != _PENDING
                    self._tus.confirmed(complete=complete)
                    if complete and video is not None:
                        return await self._finished(video)
                case _tus.Done(uid):
                    request = endpoints.STREAM_GET(identifier=uid)
                    return await self._finished(await self._transport.send(request, timeout=None))
            await self._pause_after_stall()

    async def _begin(self) -> None:
        created = await self._transport.send(self._create, timeout=None)
        self._progress.uid = created.uid
        edits = self._options.edits()
        if edits:
            await self._edit(created.uid, edits)
        self._tus.created(created.uid, self._address(created))
        await self._progress.at(0, now=True)

    async def _edit(self, uid: str, edits: Mapping[str, Any]) -> None:
        try:
            await self._transport.send(endpoints.STREAM_EDIT(edits, identifier=uid), timeout=None)
        except StreamError:
            await self._take_back(uid)
            raise

    async def _take_back(self, uid: str) -> None:
        """Delete the video; that this too may fail must not hide why it is done."""
        with suppress(StreamError):
            await self._transport.send(endpoints.STREAM_DELETE(identifier=uid), timeout=None)

    def _address(self, created: TusUpload) -> str:
        base = self._transport.session.base_url
        try:
            address = Secret(urljoin(f"{base}/", created.upload_url))
        except ValueError:
            address = Secret()
        scheme, host, port = origin_of(address)
        if not host or port is None or scheme not in {"https", urlsplit(base).scheme}:
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
            await self._answered(response, endpoints.TUS_HEAD)

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
            stalled = RequestTimeoutError("the server stopped taking bytes", retryable=True)
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
                self._moved = self._clock.monotonic()
                await self._progress.at(position)
            watchdog.reschedule(loop.time() + _ANSWER_TIMEOUT)
        except Exception as error:
            failed.append(error)
            raise

    async def _piece(self, position: int, length: int) -> bytes | memoryview:
        piece = await self._source.read(position, length)
        if not piece:
            raise FileChangedError(f"{self._shown} became shorter while it was uploaded")
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
            if classify(self._last) is Verdict.THROTTLED:
                self._throttled()
                return
        self._tus.received(response)
        if taken:
            await self._progress.at(self._tus.offset, now=True)

    def _interrupted(self, error: TransportError, endpoint: Endpoint[None]) -> None:
        error.request = endpoint.row
        if not error.retryable:
            raise error
        logger.info("%s: interrupted (%s)", endpoint.row, type(error).__name__)
        self._last = error
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
        wait = self._wait()
        patience = _NO_PROGRESS - (self._clock.monotonic() - self._moved)
        if self._tus.stalls >= _STALLS or wait > patience:
            reason = self._last.args[0] if self._last else "the server stands still"
            raise UploadError(
                f"{self._shown}: no progress after {self._tus.stalls} attempts at byte "
                f"{self._tus.offset} of {self._tus.size}: {reason}",
                attempts=self._tus.stalls,
                retryable=True,
            ) from self._last
        if wait:
            await self._clock.sleep(wait)

    def _wait(self) -> float:
        asked, self._asked_wait = self._asked_wait, None
        policy = self._transport.settings.retry
        if asked is not None:
            return min(asked, policy.max_retry_after)
        # the first doubt is settled at once: a lost connection usually can be made anew
        return policy.backoff(self._tus.stalls - 1, random.uniform) if self._tus.stalls > 1 else 0.0

    async def _video(self, uid: str) -> Video | None:
        try:
            return await self._transport.send(endpoints.STREAM_GET(identifier=uid), timeout=None)
        except NotFoundError:
            return None

    async def _finished(self, video: Video) -> Video:
        """Give the video, unless the file changed on the way."""
        await self._source.check_unchanged()
        await self._progress.at(self._tus.size, now=True)
        return video


def _request(endpoint: Endpoint[None], step: _tus.Ask | _tus.Send) -> Request[None]:
    return Request(endpoint, {}, Encoded(headers=step.headers), url=step.url)
