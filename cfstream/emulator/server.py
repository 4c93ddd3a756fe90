"""The emulator as its users see it: started by ``async with`` or ``with``, closed without a trace."""

import asyncio
import contextlib
import fcntl
import os
import secrets
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from aiohttp import web

from cfstream._limits import LIMITS, Limits
from cfstream._types import Clock, PathSource, SystemClock
from cfstream.emulator import audio, copies, incoming, tus
from cfstream.emulator.answers import API
from cfstream.emulator.app import make_app
from cfstream.emulator.checks import UID
from cfstream.emulator.control import resetting
from cfstream.emulator.control.face import ControlFace
from cfstream.emulator.control.state import Control
from cfstream.emulator.control.sweeping import on_moves
from cfstream.emulator.errors import EmulatorError, check_extra, not_running
from cfstream.emulator.jobs import Jobs
from cfstream.emulator.library import Library
from cfstream.emulator.made import Made
from cfstream.emulator.media.jobs import PresetName
from cfstream.emulator.service import Credentials, Service
from cfstream.emulator.store import Store
from cfstream.emulator.tokens import Signer

if TYPE_CHECKING:
    from cfstream.client import Stream
    from cfstream.emulator.blocking import BlockingEmulator

HOST: Final = "127.0.0.1"
ACCOUNT_ID: Final = "cf57ea11000000000000000000000000"
"""The account, unless another is wished for."""

_DATABASE = "emulator.sqlite"

_PATIENCE = 0.5
"""Seconds that running requests get to end by themselves on close."""


class Emulator(ControlFace):
    """A local Cloudflare Stream.

    Args:
        data_dir: where videos are kept; without it they are gone after closing.
        port: where it listens on 127.0.0.1; 0 takes a free port.
        limits: the service's limits, for tests with small files.
        rate_limit: whether requests above the limit of the API are refused.
        preset: how much work goes into encoding: ``fast`` (two small sizes) or ``full``.
        clock: the time it goes by, for tests of expiry.
        api_token: the token that opens it; a new one for each start unless given.
        account_id: the one account it has, 32 hexadecimal digits.
        api_key: a legacy API key that opens it, together with ``api_email``.
        api_email: the e-mail address that goes with the key.
        allow_private_fetch: whether copies and the like may be fetched from this machine and its network, too.
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
    ) -> None:
        self._data_dir = None if data_dir is None else Path(data_dir)
        self._port = port
        self._preset: PresetName = preset
        if not UID.fullmatch(account_id):
            raise EmulatorError(f"account_id: {account_id!r:.80} is not 32 hexadecimal digits in lower case")
        self._account_id = account_id
        self._credentials = Credentials(
            api_token=api_token or secrets.token_urlsafe(30), api_key=api_key, api_email=api_email
        )
        self._control = Control(
            clock or SystemClock(), limits, rate_limit=rate_limit, secrets=(self.api_token, api_key)
        )
        self._allow_private_fetch = allow_private_fetch
        self._service: Service | None = None
        self._stack: AsyncExitStack | None = None
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
        return self._credentials.api_token

    @property
    def account_id(self) -> str:
        """The account."""
        return self._account_id

    def url(self, path: str = "/") -> str:
        """The address of something outside the API, such as ``/<uid>/watch``."""
        return f"{self._running.site}/{path.removeprefix('/')}"

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

    def pause_encoding(self) -> None:
        """Keep further videos in the state ``queued``; those being encoded go on."""
        self._running.jobs.pause()

    def resume_encoding(self) -> None:
        """Let videos be encoded again."""
        self._running.jobs.resume()

    async def reset(self) -> None:
        """Empty the account, end all work, and turn everything back to how it was at the start; credentials stay."""
        await resetting.reset(self._running)

    async def start(self) -> None:
        """Begin to serve.

        Raises:
            EmulatorError: it runs already, the extra is missing, or the port or the data folder is in use.
        """
        if self._stack is not None:
            raise EmulatorError("The emulator runs already")
        check_extra()
        async with AsyncExitStack() as stack:
            service = await self._build(stack)
            service.site = await stack.enter_async_context(_served(service, self._port))
            await stack.enter_async_context(on_moves(service))
            tus.finish_complete(service)
            service.jobs.restart()
            incoming.clear(service.library)
            copies.resume(service)
            audio.resume(service)
            self._service = service
            self._closed = asyncio.Event()
            self._stack = stack.pop_all()

    async def _build(self, stack: AsyncExitStack) -> Service:
        if self._data_dir is None:
            temporary = tempfile.TemporaryDirectory(prefix="cfstream-emulator-", ignore_cleanup_errors=True)
            root = Path(stack.enter_context(temporary))
        else:
            root = stack.enter_context(_locked(self._data_dir))
        store = stack.enter_context(contextlib.closing(Store(None if self._data_dir is None else root / _DATABASE)))
        library = Library(store, root, self.clock)
        jobs, made = Jobs(library, self._preset), Made()
        stack.push_async_callback(jobs.close)
        stack.push_async_callback(made.close)
        return Service(
            account_id=self._account_id,
            credentials=self._credentials,
            control=self._control,
            library=library,
            jobs=jobs,
            made=made,
            signer=Signer(library),
            allow_private_fetch=self._allow_private_fetch,
        )

    async def close(self) -> None:
        """End everything it started and wait until it has ended; also when the caller is cancelled meanwhile."""
        stack, self._stack = self._stack, None
        if stack is not None:
            self._closing = asyncio.create_task(self._close(stack), name="close emulator")
        if self._closing is None:
            return
        cancelled: asyncio.CancelledError | None = None
        while not self._closing.done():
            try:
                await asyncio.shield(self._closing)
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled
        self._closing.result()

    async def _close(self, stack: AsyncExitStack) -> None:
        try:
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


@asynccontextmanager
async def _served(service: Service, port: int) -> AsyncGenerator[str]:
    """Serve the application; gives its address."""
    runner = web.AppRunner(make_app(service), access_log=None, handle_signals=False, shutdown_timeout=_PATIENCE)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            raise EmulatorError(f"The emulator cannot listen on {HOST}:{port}: {error.strerror}") from error
        yield f"http://{HOST}:{runner.addresses[0][1]}"
        service.closing.set()
        service.writers.stop_all()
    finally:
        await runner.cleanup()


@contextmanager
def _locked(folder: Path) -> Generator[Path]:
    """Keep a data folder to ourselves."""
    try:
        # It holds private keys: nobody else may read it, whatever the umask.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with contextlib.suppress(IsADirectoryError):  # which opening the database tells
            os.close(os.open(folder / _DATABASE, flags, 0o600))
        descriptor = os.open(folder / "lock", flags, 0o600)
    except OSError as error:
        raise EmulatorError(f"The data folder {folder} cannot be used: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EmulatorError(f"The data folder {folder} is in use by another emulator") from error
        yield folder
    finally:
        os.close(descriptor)
