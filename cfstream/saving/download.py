"""One download, driven to its end: fetched in as many attempts as it takes, and put in its place when it is whole."""

import asyncio
import re
from pathlib import Path
from typing import Any

from cfstream import endpoints
from cfstream._media import MEDIA_ROW, MediaAnswer, open_media
from cfstream._retry import HOPELESS, asked_wait, classify, is_stalled, wait_after_stall
from cfstream._session import logger
from cfstream._transport import Transport
from cfstream._types import PathSource, Secret
from cfstream.errors import DecodeError, InvalidInputError, StreamError, TransportError
from cfstream.models import DownloadType
from cfstream.saving import answers
from cfstream.saving.made import address_of
from cfstream.saving.part import Part, refuse_foreign
from cfstream.saving.places import place_for
from cfstream.saving.progress import OnProgress, Progress
from cfstream.uploads.progress import check_progress

_ENDINGS = {"default": "mp4", "audio": "m4a"}
_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_PIECE = 1024 * 1024


async def save_download(
    transport: Transport,
    uid: str,
    path: PathSource,
    *,
    kind: DownloadType,
    token: str | None,
    on_progress: OnProgress | None,
    overwrite: bool,
) -> Path:
    """Have the file made, fetch it and give its place.

    Raises:
        InvalidInputError: an argument is refused; nothing was asked for.
        StreamError: there is no file, or it did not come.
        OSError: it cannot be written.
    """
    endpoints.DOWNLOADS_CREATE_TYPE(identifier=uid, download_type=kind)  # refuses what cannot be a video or a type
    signed = _checked(token)
    check_progress(on_progress)
    place = place_for(path, f"{uid}.{_ENDINGS[kind]}", overwrite=overwrite)
    refuse_foreign(place, overwrite=overwrite)
    async with transport.session.call(None):
        url = await address_of(transport, uid, kind, signed)
        part = Part.open(place, uid, kind)
        try:
            progress = Progress(uid, place, transport.session.clock, on_progress)
            await _Download(transport, uid, url, signed, part=part, progress=progress).run()
            await asyncio.to_thread(part.finish, overwrite=overwrite)
        finally:
            part.close()
    return place


def _checked(token: Any) -> Secret | None:
    if token is None:
        return None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise InvalidInputError("token: expected a signed token: three parts with dots between them")
    return Secret(token)


class _Download:
    """The state of one download beside what is in its file."""

    def __init__(
        self, transport: Transport, uid: str, url: Secret, token: Secret | None, *, part: Part, progress: Progress
    ) -> None:
        self._transport = transport
        self._uid = uid
        self._url = url
        self._token = token
        self._part = part
        self._progress = progress
        self._clock = transport.session.clock
        self._furthest = part.size
        self._moved = self._clock.monotonic()
        self._stalls = 0

    async def run(self) -> None:
        """Ask again, from where the file ends, until all of it is there."""
        while True:
            error: StreamError = TransportError("the answer ended before the file did", retryable=True)
            try:
                if await self._attempt():
                    await self._progress.at(self._part.size, now=True)
                    return
            except StreamError as caught:
                caught.request = caught.request or MEDIA_ROW
                caught.attempts = caught.attempts or self._progress.attempt
                if classify(caught) in HOPELESS:
                    raise
                error = caught
            await self._pause(error)
            self._progress.again()

    async def _attempt(self) -> bool:
        """Take what one answer brings; tells whether the file is whole now."""
        headers, part = {"Accept-Encoding": "identity"}, self._part
        resume = part.size > 0 and part.validator is not None
        if resume and part.validator is not None:
            headers |= {"Range": f"bytes={part.size}-", "If-Range": part.validator}
        answer = await open_media(self._transport, self._url, headers, attempt=self._progress.attempt)
        try:
            await self._accept(answer, resume=resume)
            self._progress.total = part.total
            await self._progress.at(part.size, now=True)
            await self._receive(answer)
        finally:
            answer.close()
        if part.total is None:
            part.total = part.size
        if not part.total:
            raise DecodeError("the media host gave an empty file; nothing was saved")
        return part.size == part.total

    async def _accept(self, answer: MediaAnswer, *, resume: bool) -> None:
        """Set the part to where the body goes on, or begin it anew."""
        match answer.status:
            case answers.WHOLE:
                answers.check_media(answer.headers)
                await self._begin(answers.validator_of(answer.headers), answers.total_of(answer.headers))
            case answers.PARTIAL if resume:
                answers.check_media(answer.headers)
                await self._check_continues(answer)
            case answers.NO_SUCH_RANGE if resume:
                await self._changed()
            case _:
                raise await answers.refusal(answer, self._transport, self._uid, self._token)

    async def _check_continues(self, answer: MediaAnswer) -> None:
        part, span = self._part, answers.span_of(answer.headers)
        same = part.validator is not None and answers.still(part.validator, answer.headers)
        if not same or span is None or span.start != part.size or part.total not in (None, span.total):
            await self._changed()
        elif part.total is None:
            part.total = span.total

    async def _begin(self, validator: str | None, total: int | None) -> None:
        await asyncio.to_thread(self._part.begin, validator, total)

    async def _changed(self) -> None:
        """Throw the beginning away: two versions of a file are never joined."""
        await self._begin(None, None)
        raise TransportError("the file has changed on the media host, or it gave another part of it", retryable=True)

    async def _receive(self, answer: MediaAnswer) -> None:
        buffer = bytearray()
        try:
            while piece := await answer.read():
                buffer += piece
                await self._check_fits(len(buffer))
                if len(buffer) >= _PIECE:
                    full, buffer = buffer, bytearray()
                    await self._write(full)
        except TransportError:
            await self._write(buffer)  # what came before the break counts
            raise
        await self._write(buffer)

    async def _check_fits(self, more: int) -> None:
        total = self._part.total
        if total is not None and self._part.size + more > total:
            await self._begin(None, None)
            raise DecodeError("the media host gave more bytes than the file has; nothing was saved")

    async def _write(self, data: bytearray) -> None:
        await asyncio.to_thread(self._part.write, data)
        if self._part.size > self._furthest:
            self._furthest = self._part.size
            self._stalls, self._moved = 0, self._clock.monotonic()
        await self._progress.at(self._part.size)

    async def _pause(self, error: StreamError) -> None:
        """Wait longer with every attempt that brought nothing new; give up in the end."""
        row, attempt = MEDIA_ROW, self._progress.attempt
        logger.info("%s: attempt %d failed (%s)", row, attempt, type(error).__name__)
        self._stalls += 1
        wait = wait_after_stall(self._transport.settings.retry, self._stalls, asked_wait(error))
        if is_stalled(self._stalls, self._clock.monotonic() - self._moved, wait):
            total = "?" if self._part.total is None else self._part.total
            raise TransportError(
                f"no progress after {self._stalls} attempts at byte {self._part.size} of {total}: {error.args[0]}",
                request=MEDIA_ROW,
                attempts=self._progress.attempt,
                retryable=True,
            ) from error
        if wait:
            await self._clock.sleep(wait)
