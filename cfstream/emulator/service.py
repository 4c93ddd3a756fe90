"""What every handler works with: the account, its library, and the machinery around it."""

import asyncio
import hmac
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
from aiohttp import web
from yarl import URL

from cfstream._limits import Limits
from cfstream.emulator import times
from cfstream.emulator.answers import not_found
from cfstream.emulator.checks import UID
from cfstream.emulator.pages.entry import Entry
from cfstream.emulator.serving.hosts import Hosts, called
from cfstream.emulator.storage.disk import Disk
from cfstream.emulator.storage.library import Library
from cfstream.emulator.storage.records import Video
from cfstream.emulator.uploading.uploads import Writers

if TYPE_CHECKING:
    from cfstream.emulator.access.tokens import Signer
    from cfstream.emulator.control.state import Control
    from cfstream.emulator.delivery.deliveries import Sender
    from cfstream.emulator.encoding.jobs import Jobs
    from cfstream.emulator.encoding.made import Made
    from cfstream.emulator.encoding.transcribing import Transcriptions
    from cfstream.emulator.ingest.broadcasts import Broadcasts


@attrs.frozen(kw_only=True)
class Credentials:
    """Who may use the API."""

    api_token: str = attrs.field(repr=False)
    api_key: str | None = attrs.field(default=None, repr=False)
    api_email: str | None = attrs.field(default=None, repr=False)
    dashboard: Entry = attrs.field(factory=Entry, repr=False)
    """Who came by the dashboard's link has what the token has, from the dashboard's own pages."""

    def accept_token(self, token: str) -> bool:
        """Whether that is the token."""
        return _same(token, self.api_token)

    def accept_key(self, email: str, key: str) -> bool:
        """Whether those are the e-mail address and the key."""
        return _same(key, self.api_key) and _same(email, self.api_email)


def _same(given: str, expected: str | None) -> bool:
    if not expected:  # also an empty one, which every request without credentials would match
        return False
    return hmac.compare_digest(_bytes(given), _bytes(expected))


def _bytes(header: str) -> bytes:
    return header.encode("utf-8", "surrogateescape")


@attrs.define(kw_only=True, eq=False)
class Service:
    """One running emulator, seen from inside."""

    account_id: str
    credentials: Credentials
    control: "Control"
    library: Library
    jobs: "Jobs"
    made: "Made"
    signer: "Signer"
    sender: "Sender"
    transcriptions: "Transcriptions"
    broadcasts: "Broadcasts"
    hosts: Hosts
    disk: Disk
    writers: Writers = attrs.field(factory=Writers)
    allow_private_fetch: bool = False
    """Whether files are fetched from this machine and its network, too."""
    home: str = ""
    """Scheme, host and port for this machine; known once the port is."""
    closing: asyncio.Event = attrs.field(factory=asyncio.Event)
    """Set when the emulator begins to close."""
    sweeping: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    """Held while what fell due is being deleted, or everything is: new requests wait."""
    seeding: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    """Held while the files of a folder are taken in."""
    at_work: set[asyncio.Task[Any]] = attrs.field(factory=set)
    """The requests that are being answered."""

    @property
    def site(self) -> str:
        """Scheme, host and port: those by which the client knows it where one has asked, for it may be elsewhere."""
        return called.get() or self.home

    @property
    def ingest(self) -> str:
        """Where broadcasts are sent to: the stream key follows."""
        return f"rtmp://{URL(self.site).host_subcomponent}:{self.broadcasts.port}/live/"

    @property
    def limits(self) -> Limits:
        """The service's limits as they are now."""
        return self.control.limits

    @contextmanager
    def working(self) -> Generator[None]:
        """While it lasts, a reset ends the request that is being answered."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self.at_work.add(task)
        try:
            yield
        finally:
            self.at_work.discard(task)

    async def delete_video(self, uid: str) -> None:
        """Delete a video, and with it everything that is being done to it."""
        lag = round(self.control.list_lag * times.SECOND)
        if lag:
            self.library.store.bury(uid, self.library.now(), lag)
        self.library.store.delete_video(uid)
        await self.broadcasts.drop(uid)
        await self.writers.stop(uid)
        await self.jobs.cancel(uid)
        await self.made.cancel(self.library.folder(uid))
        await self.library.delete(uid)

    def video(self, request: web.Request) -> Video:
        """The video that a path names.

        Raises:
            Refused: there is none.
        """
        return self.find_video(request.match_info["identifier"])

    def find_video(self, uid: str) -> Video:
        """The video of that uid.

        Raises:
            Refused: there is none.
        """
        video = self.library.get(uid) if UID.fullmatch(uid) else None
        if video is None:
            raise not_found("video")
        return video


SERVICE: Final = web.AppKey("service", Service)
