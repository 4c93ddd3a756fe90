"""Who publishes to which live input, and what becomes of it: the one place that knows all running broadcasts."""

import asyncio
import hmac
import logging
import shutil
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import attrs

from cfstream.emulator import times
from cfstream.emulator.answers import Refused
from cfstream.emulator.checks import UID
from cfstream.emulator.control.state import Control
from cfstream.emulator.encoding.jobs import Jobs
from cfstream.emulator.ingest import recording, refusals, status
from cfstream.emulator.ingest.broadcast import Broadcast
from cfstream.emulator.ingest.refusals import RefusedError
from cfstream.emulator.ingest.viewers import Viewers
from cfstream.emulator.rtmp.flv import Headers
from cfstream.emulator.storage import room
from cfstream.emulator.storage.disk import Disk
from cfstream.emulator.storage.library import Library
from cfstream.emulator.storage.records import LIVE, LiveInput, Video

_LINGER: Final = 120 * times.SECOND
"""How long players may go on with the last pieces of a broadcast when its recording is ready."""
_MINUTE: Final = 60 * times.SECOND

_log = logging.getLogger("cfstream.emulator")


class Connection(Protocol):
    """A connection that publishes."""

    async def end(self) -> None:
        """End it and wait until it has ended."""

    async def ended(self) -> None:
        """Wait until it has ended, and all that it sent has been taken in."""


class Broadcasts:
    """The running broadcasts."""

    def __init__(self, *, library: Library, jobs: Jobs, control: Control, disk: Disk) -> None:
        self.port = 0
        """Where RTMP is taken in; known once it is."""
        self.viewers = Viewers(control.clock)
        self._library = library
        self._jobs = jobs
        self._control = control
        self._disk = disk
        self._publishers: dict[str, Connection] = {}
        self._running: dict[str, Broadcast] = {}
        self._ending: dict[Broadcast, asyncio.Task[None]] = {}
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._over: dict[str, int] = {}
        self._open = True
        library.ended.append(self._note_over)

    def find(self, uid: str) -> LiveInput | None:
        """The live input of that uid."""
        document = self._library.store.get("live_input", uid) if UID.fullmatch(uid) else None
        return None if document is None else LiveInput.load(document)

    def taken_in(self, uid: str) -> Callable[[], Awaitable[None]] | None:
        """How to wait for the end of who publishes to a live input now, if anybody does."""
        publisher = self._publishers.get(uid)
        return None if publisher is None else publisher.ended

    def video_of(self, uid: str) -> str | None:
        """The video that is live at a live input."""
        broadcast = self._running.get(uid)
        return None if broadcast is None else broadcast.video

    async def enter(self, key: str, publisher: Connection) -> LiveInput:
        """Let in who has the key of a live input; whoever published there before has to leave.

        Raises:
            RefusedError: the key opens nothing now, or there is no room.
        """
        record = self._opened(key)
        while (earlier := self._publishers.get(record.uid)) is not None:
            await earlier.end()
            record = self._opened(key)  # it may have been changed meanwhile
        try:
            self._check_room()
        except RefusedError as error:
            self._note(record.uid, status.ERRORED, error.reason)
            raise
        self._publishers[record.uid] = publisher
        self._stop_waiting(record.uid)
        back = record.uid in self._running
        self._note(record.uid, status.CONNECTED, status.RECONNECTED if back else None)
        return record

    def _opened(self, key: str) -> LiveInput:
        record = self.find(key[-32:])
        if record is None or not hmac.compare_digest(key.encode(), record.keys["rtmps"].encode()):
            raise refusals.wrong_key()
        if not record.enabled:
            raise refusals.disabled()
        if not self._open:
            raise refusals.closing()
        return record

    def _check_room(self) -> None:
        try:
            room.check_minutes(self._library, self._control.limits)
            self._disk.check()
        except Refused as error:
            raise refusals.full(error.errors[0][1]) from error

    def take(self, size: int) -> None:
        """Make sure that there is room on the disk for the next bytes of a broadcast.

        Raises:
            RefusedError: there is none.
        """
        try:
            self._disk.take(size)
        except Refused as error:
            raise refusals.full(error.errors[0][1]) from error

    async def begin(self, uid: str, headers: Headers) -> Broadcast | None:
        """A publisher sends its first key frame: the broadcast it goes to, or None if nobody is to see it.

        It goes on with the broadcast that waits for it, if the decoders need nothing new for that.

        Raises:
            RefusedError: there is no room for another video.
            ConnectionError: the process for it has ended at once.
        """
        waiting = self._running.get(uid)
        if waiting is not None and waiting.headers == headers:
            waiting.join()
            return waiting
        if waiting is not None:
            self._finish(waiting)
        await self._settled(uid)
        record = self.find(uid)
        if record is None or record.recording["mode"] == "off":
            return None
        self._check_room()
        await self._clear()
        video = self._new_video(record)
        broadcast = self._running[uid] = Broadcast(
            video=video.uid,
            live_input=uid,
            headers=headers,
            patience=record.recording.get("timeoutSeconds", 0),
            folder=self._library.live(video.uid),
        )
        await broadcast.begin()
        return broadcast

    async def _settled(self, uid: str) -> None:
        """Wait for the ends of earlier broadcasts, so that a live input never has more than one process."""
        ending = [task for broadcast, task in self._ending.items() if broadcast.live_input == uid]
        if ending:
            await asyncio.wait(ending)

    def _new_video(self, record: LiveInput) -> Video:
        now = self._library.now()
        # Seen on the service: the name of the live input, then when the broadcast began.
        words = [record.name] if record.name else []
        return self._library.make(
            now,
            state=LIVE,
            uploaded=now,
            live_input=record.uid,
            creator=record.default_creator,
            require_signed_urls=record.require_signed_urls,
            allowed_origins=record.allowed_origins,
            meta={"name": " ".join([*words, f"{times.moment(now):%d %b %y %H:%M} UTC"])},
        )

    def leave(self, uid: str, publisher: Connection, error: RefusedError | None) -> None:
        """A publisher has gone: by itself, or because of an error."""
        if self._publishers.get(uid) is not publisher:
            return
        del self._publishers[uid]
        broadcast, record = self._running.get(uid), self.find(uid)
        may_return = error is None and self._open and record is not None and record.enabled
        waits = broadcast is not None and broadcast.patience > 0 and may_return and not broadcast.unwanted
        if error is not None and error.reason is not None:
            self._note(uid, status.ERRORED, error.reason)
        else:
            self._note(uid, status.RECONNECTING if waits else status.DISCONNECTED, status.CLIENT_LEFT)
        if broadcast is not None and waits:
            self._start_waiting(broadcast)
        elif broadcast is not None:
            self._finish(broadcast)

    def _start_waiting(self, broadcast: Broadcast) -> None:
        uid = broadcast.live_input
        self._waiting[uid] = asyncio.create_task(self._wait(broadcast), name=f"wait for the publisher of {uid}")

    def _stop_waiting(self, uid: str) -> None:
        task = self._waiting.pop(uid, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    async def _wait(self, broadcast: Broadcast) -> None:
        """Wait for a publisher to come back; when it has been away for too long, the broadcast is over."""
        await self._control.clock.sleep(broadcast.patience)
        self._finish(broadcast)
        self._note(broadcast.live_input, status.DISCONNECTED, status.CLIENT_LEFT)

    def finish(self, broadcast: Broadcast) -> None:
        """A broadcast is over though its publisher is still there."""
        if self._running.get(broadcast.live_input) is broadcast:
            self._finish(broadcast)

    def _finish(self, broadcast: Broadcast) -> None:
        del self._running[broadcast.live_input]
        self._stop_waiting(broadcast.live_input)
        task = asyncio.create_task(self._end(broadcast), name=f"end of {broadcast.video}")
        self._ending[broadcast] = task
        task.add_done_callback(lambda _: self._ending.pop(broadcast, None))

    async def _end(self, broadcast: Broadcast) -> None:
        await broadcast.feed.end()
        self.viewers.forget(broadcast.video)
        if broadcast.unwanted or not self._open:
            return  # what was live when the emulator closed is recorded at the next start
        record, deletion = self.find(broadcast.live_input), None
        if record is not None and record.delete_recording_after_days is not None:
            due = self._library.now() + round(record.delete_recording_after_days * times.DAY)
            deletion = due // _MINUTE * _MINUTE  # to the minute, as seen on the service
        if self._library.change(broadcast.video, scheduled_deletion=deletion) is not None:
            recording.begin(self._library, self._jobs, broadcast.video)

    def _note(self, uid: str, state: str, reason: str | None) -> None:
        record = self.find(uid)
        if record is not None:
            changed = attrs.evolve(record, status=status.changed(record.status, self._library.now(), state, reason))
            self._library.store.put("live_input", uid, attrs.asdict(changed))

    async def end_input(self, uid: str) -> None:
        """A live input is switched off or deleted: its publisher has to leave, and nobody is waited for."""
        publisher = self._publishers.get(uid)
        if publisher is not None:
            await publisher.end()
        waiting = self._running.get(uid)
        if waiting is not None:
            self._finish(waiting)
            self._note(uid, status.DISCONNECTED, status.CLIENT_LEFT)

    async def drop(self, video: str) -> None:
        """A video is being deleted: if it is live, its publisher has to leave; afterwards nothing writes its files."""
        broadcast = next((each for each in self._running.values() if each.video == video), None)
        if broadcast is not None:
            broadcast.unwanted = True
            await self.end_input(broadcast.live_input)
        ending = [task for broadcast, task in self._ending.items() if broadcast.video == video]
        if ending:
            await asyncio.wait(ending)

    async def close(self) -> None:
        """End all publishers and all that is made of what they sent."""
        self._open = False
        for publisher in list(self._publishers.values()):
            await publisher.end()
        for broadcast in list(self._running.values()):
            self._finish(broadcast)
        if self._ending:
            await asyncio.wait(self._ending.values())

    def reopen(self) -> None:
        """Let publishers in again, to an empty account."""
        self._over.clear()
        self._open = True

    async def resume(self) -> None:
        """Settle what was going on when the emulator ended without closing."""
        for document in self._library.store.all("live_input"):
            if status.on_air(document.get("status")):
                self._note(document["uid"], status.DISCONNECTED, status.CLIENT_LEFT)
        await recording.resume(self._library, self._jobs)

    def _note_over(self, video: Video) -> None:
        if video.live_input is not None:
            self._over[video.uid] = self._library.now() + _LINGER

    async def _clear(self) -> None:
        """Remove the pieces of broadcasts that nobody asks for any more."""
        now = self._library.now()
        for uid in [uid for uid, due in self._over.items() if due <= now]:
            del self._over[uid]
            await asyncio.to_thread(shutil.rmtree, self._library.live(uid), ignore_errors=True)
