"""The emulator for code without an event loop: it runs on a thread of its own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from cfstream._types import PathSource
from cfstream.emulator.control.face import ControlFace
from cfstream.emulator.control.videos import AccountVideo
from cfstream.emulator.delivery.log import BlockingDeliveries
from cfstream.emulator.errors import not_running
from cfstream.emulator.ingest.publishing import BlockingPublisher

if TYPE_CHECKING:
    from cfstream.emulator.server import Emulator
    from cfstream.sync import Stream

T = TypeVar("T")


class BlockingEmulator(ControlFace):
    """What ``with Emulator() as emulator`` gives."""

    def __init__(self, emulator: "Emulator") -> None:
        self._emulator = emulator
        self._control = emulator._control  # noqa: SLF001  # the two are one emulator
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()
        self._abandoned = False

    def __repr__(self) -> str:
        return repr(self._emulator).replace("Emulator", "BlockingEmulator")

    @property
    def base_url(self) -> str:
        """Where the API is: what a client takes as ``base_url``."""
        return self._emulator.base_url

    @property
    def api_token(self) -> str:
        """The token that opens the API."""
        return self._emulator.api_token

    @property
    def account_id(self) -> str:
        """The account."""
        return self._emulator.account_id

    def url(self, path: str = "/") -> str:
        """The address of something outside the API, such as ``/<uid>/watch``."""
        return self._emulator.url(path)

    @property
    def dashboard_url(self) -> str:
        """The link to the dashboard; it lets the browser that opens it in, so keep it to yourself."""
        return self._emulator.dashboard_url

    @property
    def videos(self) -> Mapping[str, AccountVideo]:
        """What is in the account now, by uid, the newest video first."""
        return self._call(lambda: self._emulator.videos)

    @property
    def webhooks(self) -> BlockingDeliveries:
        """What was sent to the webhook's address, or is still to be."""
        return BlockingDeliveries(self._control.deliveries)

    def stream(self, **options: Any) -> "Stream":
        """A blocking client of this emulator; options are those of `cfstream.sync.Stream`."""
        from cfstream.sync import Stream

        return Stream(**self._emulator.client_options(options))

    @property
    def live_url(self) -> str:
        """Where broadcasts are sent to by RTMP; a stream key follows."""
        return self._emulator.live_url

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
    ) -> BlockingPublisher:
        """Broadcast a moving picture and a tone to a live input: ``with emulator.publish(uid, seconds=5)``.

        The arguments are those of the async face.

        Raises:
            EmulatorError: there is no such live input.
        """
        return BlockingPublisher(
            self._call(
                lambda: self._emulator.publish(
                    live_input,
                    seconds=seconds,
                    speed=speed,
                    size=size,
                    fps=fps,
                    key_every=key_every,
                    audio=audio,
                )
            ),
            self._wait,
        )

    def pause_encoding(self) -> None:
        """Keep further videos in the state ``queued``; those being encoded go on."""
        self._call(self._emulator.pause_encoding)

    def resume_encoding(self) -> None:
        """Let videos be encoded again."""
        self._call(self._emulator.resume_encoding)

    def step_encoding(self) -> None:
        """Let exactly one video into the paused encoder: the one that waits longest, or the next that comes."""
        self._call(self._emulator.step_encoding)

    def seed(self, folder: PathSource) -> dict[str, str]:
        """Make every media file of a folder a video, and wait until all are encoded: as with the async face.

        Raises:
            EmulatorError: as with the async face.
        """
        return self._wait(lambda: self._emulator.seed(folder))

    def reset(self) -> None:
        """Empty the account, end all work, and turn everything back to how it was at the start; credentials stay."""
        self._wait(self._emulator.reset)

    def start(self) -> None:
        """Begin to serve.

        Raises:
            EmulatorError: as with the async face.
        """
        started: Future[None] = Future()
        # A daemon: a program that forgets to close must still be able to end.
        self._thread = threading.Thread(target=self._run, args=(started,), name="cfstream-emulator", daemon=True)
        self._thread.start()
        try:
            started.result()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End everything and wait until it has ended."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._abandoned = True
        if self._loop is not None:
            # The loop may have ended by itself when starting failed.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._end.set)
        thread.join()

    def _run(self, started: "Future[None]") -> None:
        try:
            asyncio.run(self._serve(started))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    async def _serve(self, started: "Future[None]") -> None:
        self._loop = asyncio.get_running_loop()
        if self._abandoned:  # closed before there was a loop to tell
            self._end.set()
        ending = asyncio.create_task(self._close_at_end(), name="end of emulator")
        try:
            await self._emulator.start()
        except BaseException:
            ending.cancel()  # what could not start is not ours to close: another may run
            raise
        try:
            started.set_result(None)
            await ending
        finally:
            await self._emulator.close()

    async def _close_at_end(self) -> None:
        await self._end.wait()
        await self._emulator.close()

    def _call(self, function: Callable[[], T]) -> T:
        async def call() -> T:
            return function()

        return self._wait(call)

    def _wait(self, function: Callable[[], Awaitable[T]]) -> T:
        async def call() -> T:
            return await function()

        if self._loop is None or self._loop.is_closed():
            raise not_running()
        return asyncio.run_coroutine_threadsafe(call(), self._loop).result()
