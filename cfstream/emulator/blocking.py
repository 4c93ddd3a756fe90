"""The emulator for code without an event loop: it runs on a thread of its own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cfstream.emulator.control.face import ControlFace
from cfstream.emulator.errors import not_running

if TYPE_CHECKING:
    from cfstream.emulator.server import Emulator
    from cfstream.sync import Stream


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

    def stream(self, **options: Any) -> "Stream":
        """A blocking client of this emulator; options are those of `cfstream.sync.Stream`."""
        from cfstream.sync import Stream

        return Stream(**self._emulator.client_options(options))

    def pause_encoding(self) -> None:
        """Keep further videos in the state ``queued``; those being encoded go on."""
        self._call(self._emulator.pause_encoding)

    def resume_encoding(self) -> None:
        """Let videos be encoded again."""
        self._call(self._emulator.resume_encoding)

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
        await self._emulator.start()
        try:
            started.set_result(None)
            await self._end.wait()
        finally:
            await self._emulator.close()

    def _call(self, function: Callable[[], None]) -> None:
        async def call() -> None:
            function()

        self._wait(call)

    def _wait(self, function: Callable[[], Awaitable[None]]) -> None:
        async def call() -> None:
            await function()

        if self._loop is None or self._loop.is_closed():
            raise not_running()
        asyncio.run_coroutine_threadsafe(call(), self._loop).result()
