"""One RTMP connection: reads as fast as what is made of it can be made, and ends when nothing comes."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from cfstream.emulator.ingest import refusals
from cfstream.emulator.ingest.broadcast import Broadcast
from cfstream.emulator.ingest.broadcasts import Broadcasts
from cfstream.emulator.ingest.refusals import RefusedError
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.rtmp import flv
from cfstream.emulator.rtmp.chunks import Held
from cfstream.emulator.rtmp.errors import RtmpError
from cfstream.emulator.rtmp.flv import CodecError, Headers
from cfstream.emulator.rtmp.session import Ended, Event, Media, PublishRequest, Session

FIRST: Final = 10.0
"""Seconds in which a connection must have named its key."""
SILENCE: Final = 30.0
"""Seconds that a publisher may be silent."""

_BLOCK: Final = 64 * 1024
_FAREWELL: Final = 1.0
"""Seconds that a publisher gets to read why it has to go."""

_log = logging.getLogger("cfstream.emulator")


class Connection:
    """Serves one connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, broadcasts: Broadcasts, held: Held
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._broadcasts = broadcasts
        self._session = Session(held)
        self._uid: str | None = None
        self._headers = Headers()
        self._broadcast: Broadcast | None = None
        self._off = False
        self._task: asyncio.Task[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None

    def start(self) -> "asyncio.Task[None]":
        """Begin; the task ends with the connection."""
        self._task = asyncio.create_task(self._serve(), name="RTMP connection")
        return self._task

    async def end(self) -> None:
        """End it and wait until it has ended."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.wait({self._task})

    async def ended(self) -> None:
        """Wait until it has ended, and all that it sent has been taken in."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _serve(self) -> None:
        error: RefusedError | None = None
        self._expect(FIRST)
        try:
            await self._read()
        except RefusedError as refused:
            error = refused
            self._session.refuse(refused.code, refused.description)
            await self._say_goodbye()
        except (RtmpError, ConnectionError) as lost:
            _log.debug("An RTMP connection ended: %s", lost)
        except Exception:  # noqa: BLE001  # one connection is not to bring down the others
            _log.exception("RTMP connection")
        finally:
            if self._alarm is not None:
                self._alarm.cancel()
            self._session.close()
            if self._uid is not None:
                self._broadcasts.leave(self._uid, self, error)
            self._writer.transport.abort()

    async def _read(self) -> None:
        while data := await self._reader.read(_BLOCK):
            if self._uid is not None:
                self._expect(SILENCE)
            for event in self._session.receive(data):
                if isinstance(event, Ended):
                    return
                await self._handle(event)
            await self._send()

    def _expect(self, seconds: float) -> None:
        """Have the connection end if nothing comes for so long."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_later(seconds, self._writer.transport.abort)

    async def _send(self) -> None:
        out = self._session.outgoing()
        if out:
            self._writer.write(out)
            await self._writer.drain()

    async def _say_goodbye(self) -> None:
        """Sends what is left and waits until the peer has closed: a reset would take the message from it."""
        self._expect(_FAREWELL)
        with suppress(ConnectionError):
            await self._send()
            self._writer.write_eof()
            while await self._reader.read(_BLOCK):
                pass

    async def _handle(self, event: Event) -> None:
        if isinstance(event, PublishRequest):
            record = await self._broadcasts.enter(event.key, self)
            self._uid = record.uid
            self._session.accept()
            self._expect(SILENCE)
            await self._send()
        elif isinstance(event, Media) and len(event.body) > 1:
            await self._take(event)

    async def _take(self, media: Media) -> None:
        try:
            flv.check_codec(media)
        except CodecError as error:
            raise refusals.broken(error.code, error.text) from error
        if flv.is_header(media):
            self._know(media)
            return
        if self._broadcast is None and not self._off and flv.is_key_frame(media) and self._headers.video:
            await self._begin()
        if self._broadcast is not None:
            self._broadcasts.take(len(media.body))
            await self._write(self._broadcast, media)

    def _know(self, media: Media) -> None:
        """Takes note of what decoders need; if that is something new, the broadcast is over and another begins."""
        headers = self._headers.with_one(media)
        if headers != self._headers and self._broadcast is not None:
            self._broadcasts.finish(self._broadcast)
            self._broadcast = None
        self._headers = headers

    async def _begin(self) -> None:
        if self._uid is not None:
            self._broadcast = await self._broadcasts.begin(self._uid, self._headers)
            self._off = self._broadcast is None

    async def _write(self, broadcast: Broadcast, media: Media) -> None:
        # What waits for the child process is no silence of the publisher.
        if self._alarm is not None:
            self._alarm.cancel()
        try:
            await broadcast.write(media)
        except ConnectionError as lost:
            error = await broadcast.feed.end()
            if error is None:
                error = MediaError(UNKNOWN)
            raise refusals.broken(error.code, error.text) from lost
        self._expect(SILENCE)
