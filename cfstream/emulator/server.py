"""The emulator as its users see it: started by ``async with`` or ``with``, closed without a trace."""

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from cfstream._limits import LIMITS, Limits
from cfstream._types import Clock, PathSource, SystemClock
from cfstream.emulator.answers import API
from cfstream.emulator.building import Plan, serving_all
from cfstream.emulator.checks import UID
from cfstream.emulator.control import resetting
from cfstream.emulator.control.face import ControlFace
from cfstream.emulator.control.state import Control
from cfstream.emulator.control.videos import AccountVideo, in_account
from cfstream.emulator.delivery.log import Deliveries
from cfstream.emulator.encoding.transcribing import Transcriber
from cfstream.emulator.errors import EmulatorError, check_extra, not_running
from cfstream.emulator.finishing import finished
from cfstream.emulator.ingest.publishing import Publisher
from cfstream.emulator.media.jobs import PresetName
from cfstream.emulator.service import Credentials, Service
from cfstream.emulator.serving import hosts
from cfstream.emulator.uploading import seeding

if TYPE_CHECKING:
    from cfstream.client import Stream
    from cfstream.emulator.blocking import BlockingEmulator

ACCOUNT_ID: Final = "cf57ea11000000000000000000000000"
"""The account, unless another is wished for."""

_TOKEN_LEAST = 16
"""The fewest characters of a token that other machines may try."""


class Emulator(ControlFace):
    """A local Cloudflare Stream.

    Args:
        data_dir: where videos are kept; without it they are gone after closing.
        port: where it listens; 0 takes a free port.
        limits: the service's limits, for tests with small files.
        rate_limit: whether requests above the limit of the API are refused.
        preset: how much work goes into encoding: ``fast`` (two small sizes) or ``full``.
        clock: the time it goes by, for tests of expiry.
        api_token: the token that opens it; a new one for each start unless given.
        account_id: the one account it has, 32 hexadecimal digits.
        api_key: a legacy API key that opens it, together with ``api_email``.
        api_email: the e-mail address that goes with the key.
        allow_private_fetch: whether copies and the like may be fetched from this machine and its network, too.
        transcriber: writes the captions that are to be generated: it takes an M4A file with a video's sound, which it
            only reads, and a language, and gives a WebVTT file or cues ``(start, end, text)`` in seconds; it may be
            async, and runs in a thread if not.
        host: the IP address that it listens on. One that other machines can reach needs an ``api_token`` of at least
            16 characters, and is warned of in the log.
        allowed_hosts: names that it answers to, besides this machine's own and the address it was reached by.
        disk_quota: how many bytes the data may take, all that is made of videos included; without it a twentieth of
            the disk, at most a gibibyte, is left free.
        seed: a folder whose media files are in the account from the start; see `seed`.
        live_port: where broadcasts are taken in by RTMP; 0 takes a free port.
    """

    def __init__(
        self,
        data_dir: PathSource | None = None,
        *,
        port: int = 0,
        limits: Limits = LIMITS,
        rate_limit: bool = False,
        preset: PresetName = "fast",
        clock: Clock | None = None,
        api_token: str | None = None,
        account_id: str = ACCOUNT_ID,
        api_key: str | None = None,
        api_email: str | None = None,
        allow_private_fetch: bool = False,
        transcriber: Transcriber | None = None,
        host: str = hosts.LOOPBACK,
        allowed_hosts: Iterable[str] = (),
        disk_quota: int | None = None,
        seed: PathSource | None = None,
        live_port: int = 0,
    ) -> None:
        plan = Plan(
            data_dir=None if data_dir is None else Path(data_dir),
            port=port,
            preset=preset,
            account_id=account_id,
            credentials=Credentials(
                api_token=api_token or secrets.token_urlsafe(30), api_key=api_key, api_email=api_email
            ),
            allow_private_fetch=allow_private_fetch,
            transcriber=transcriber,
            host=hosts.address(host),
            hosts=hosts.hosts(allowed_hosts),
            disk_quota=disk_quota,
            seed=None if seed is None else Path(seed),
            live_port=live_port,
        )
        if hosts.is_open(plan.host) and len(api_token or "") < _TOKEN_LEAST:
            raise EmulatorError(
                f"host: other machines can reach {host}: it needs an api_token of at least {_TOKEN_LEAST} characters"
            )
        self._plan = plan
        self._control = Control(
            clock or SystemClock(),
            limits,
            rate_limit=rate_limit,
            secrets=(self.api_token, api_key, plan.credentials.dashboard.key),
        )
        self._service: Service | None = None
        self._stack: AsyncExitStack | None = None
        self._starting: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._closed: asyncio.Event | None = None
        self._blocking: BlockingEmulator | None = None

    def __repr__(self) -> str:
        where = "not running" if self._service is None else self._service.site
        return f"cfstream.emulator.Emulator({where})"

    @property
    def base_url(self) -> str:
        """Where the API is: what a client takes as ``base_url``."""
        return f"{self._running.site}{API}"

    @property
    def api_token(self) -> str:
        """The token that opens the API."""
        return self._plan.credentials.api_token

    @property
    def account_id(self) -> str:
        """The account."""
        return self._plan.account_id

    def url(self, path: str = "/") -> str:
        """The address of something outside the API, such as ``/<uid>/watch``."""
        return f"{self._running.site}/{path.removeprefix('/')}"

    @property
    def dashboard_url(self) -> str:
        """The link to the dashboard; it lets the browser that opens it in, so keep it to yourself."""
        return self.url(f"/?key={self._plan.credentials.dashboard.key}")

    @property
    def videos(self) -> Mapping[str, AccountVideo]:
        """What is in the account now, by uid, the newest video first."""
        return in_account(self._running.library.store)

    @property
    def webhooks(self) -> Deliveries:
        """What was sent to the webhook's address, or is still to be."""
        return Deliveries(self._control.deliveries)

    def stream(self, **options: Any) -> "Stream":
        """An async client of this emulator; options are those of `cfstream.Stream`.

        The governor that keeps clients within the service's rate limit is off unless ``rate_limit`` is given.
        """
        from cfstream.client import Stream

        return Stream(**self.client_options(options))

    def client_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a client of this emulator."""
        credentials = {} if "api_key" in options else {"api_token": self.api_token}
        own = {
            **credentials,
            "account_id": self.account_id,
            "base_url": self.base_url,
            "rate_limit": None,
            "_limits": self.limits,
        }
        return {**own, **options}

    @property
    def live_url(self) -> str:
        """Where broadcasts are sent to by RTMP; a stream key follows."""
        return self._running.ingest

    def publish(
        self,
        live_input: str,
        *,
        seconds: float | None = None,
        speed: float | None = 1.0,
        size: tuple[int, int] = (640, 360),
        fps: int = 30,
        key_every: float = 1.0,
        audio: bool = True,
    ) -> Publisher:
        """Broadcast a moving picture and a tone to a live input: ``async with emulator.publish(uid, seconds=5)``.

        Args:
            live_input: its uid, or a stream key.
            seconds: how long; without it, until the block is over.
            speed: how fast time goes by in it: 2 sends two seconds of picture in each, None all as fast as it goes.
            size: width and height, even numbers.
            fps: pictures in a second.
            key_every: seconds from one key frame to the next.
            audio: whether there is a tone.

        Raises:
            EmulatorError: there is no such live input.
        """
        key = live_input
        if UID.fullmatch(live_input):
            record = self._running.broadcasts.find(live_input)
            if record is None:
                raise EmulatorError(f"There is no live input {live_input}")
            key = record.keys["rtmps"]
        wanted = {"seconds": seconds, "speed": speed, "size": size, "fps": fps, "key_every": key_every, "audio": audio}
        broadcasts = self._running.broadcasts
        return Publisher({"url": f"{self.live_url}{key}", **wanted}, lambda: broadcasts.taken_in(key[-32:]))

    def pause_encoding(self) -> None:
        """Keep further videos in the state ``queued``; those being encoded go on."""
        self._running.jobs.pause()

    def resume_encoding(self) -> None:
        """Let videos be encoded again."""
        self._running.jobs.resume()

    def step_encoding(self) -> None:
        """Let exactly one video into the paused encoder: the one that waits longest, or the next that comes."""
        self._running.jobs.step()

    async def seed(self, folder: PathSource) -> dict[str, str]:
        """Make every media file of a folder a video, and wait until all are encoded.

        A file whose video is there from an earlier time is left alone, unless the file has changed (another size or
        time) or the video has failed: then the old video is deleted, and the file taken in anew.

        Args:
            folder: its files with a suffix of the formats that the service takes, such as ``.mp4``; the JSON object
                in ``talk.json`` becomes the ``meta`` of ``talk.mp4``, whose name is that of the file otherwise.

        Returns:
            The uids by the names of the files.

        Raises:
            EmulatorError: it is not running or is closed or reset meanwhile, something cannot be read, there is no
                room, or a file is no video.
        """
        return await seeding.seed(self._running, Path(folder))

    async def reset(self) -> None:
        """Empty the account, end all work, and turn everything back to how it was at the start; credentials stay."""
        await resetting.reset(self._running)

    async def start(self) -> None:
        """Begin to serve.

        Raises:
            EmulatorError: it runs already, the extra is missing, or the port or the data folder is in use.
        """
        closing = self._closing is not None and not self._closing.done()
        if self._starting is not None or self._stack is not None or closing:
            raise EmulatorError("The emulator runs already")
        check_extra()
        self._starting = starting = asyncio.create_task(self._start(), name="start emulator")
        try:
            await asyncio.wait({starting})
        except asyncio.CancelledError:
            await self.close()
            raise
        finally:
            self._starting = None
        if starting.cancelled():
            raise EmulatorError("The emulator was closed while it started")
        starting.result()

    async def _start(self) -> None:
        async with AsyncExitStack() as stack:
            service = await stack.enter_async_context(serving_all(self._plan, self._control))
            self._service = service
            self._closed = asyncio.Event()
            self._stack = stack.pop_all()

    async def close(self) -> None:
        """End everything it started and wait until it has ended; also when the caller is cancelled meanwhile."""
        if (self._starting or self._stack) and (self._closing is None or self._closing.done()):
            self._closing = asyncio.create_task(self._close(), name="close emulator")
        if self._closing is None:
            return
        await finished(self._closing)

    async def _close(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            # How it ended is for who started it.
            await asyncio.gather(self._starting, return_exceptions=True)
        stack, self._stack = self._stack, None
        try:
            if stack is not None:
                await stack.aclose()
        finally:
            self._service = None
            if self._closed is not None:
                self._closed.set()

    async def wait_closed(self) -> None:
        """Wait until somebody closes it."""
        if self._closed is not None:
            await self._closed.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
        self._settle_faults(failed=error is not None)

    def __enter__(self) -> "BlockingEmulator":
        from cfstream.emulator.blocking import BlockingEmulator

        blocking = BlockingEmulator(self)
        blocking.start()
        self._blocking = blocking
        return blocking

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._blocking is not None:
            self._blocking.close()
        self._settle_faults(failed=error is not None)

    def _settle_faults(self, *, failed: bool) -> None:
        """Forget the planned faults, after making sure that none is left where nothing else failed.

        Raises:
            EmulatorError: it names those that no request met.
        """
        try:
            if not failed:
                self.faults.check()
        finally:
            self.faults.clear()

    @property
    def _running(self) -> Service:
        if self._service is None:
            raise not_running()
        return self._service
