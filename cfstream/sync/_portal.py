"""One event loop on a thread of its own, and the way into it for blocking callers."""

import asyncio
import contextlib
import contextvars
import inspect
import os
import queue
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable, Iterator
from typing import Any, Final, TypeVar, cast

from cfstream.errors import ClientClosedError, InvalidInputError, StreamError

T = TypeVar("T")
K = TypeVar("K")

_STOP_WAIT = 2.0  # seconds for the thread to end
_INTERRUPT_WAIT = 1.0  # seconds for a cancelled call to end

_DONE: Final = object()


class _Inbox:
    """Where a waiting caller takes functions to run in its own thread, until its call is done."""

    def __init__(self, *, lasting: bool = False) -> None:
        self._lasting = lasting
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._open = True

    def run_here(self, function: Callable[[], object]) -> None:
        """Have the caller run the function; a caller that has left cannot, so it runs at once."""
        if self._open:
            self._queue.put(function)
        else:
            function()

    def finish(self) -> None:
        """Let the caller go on; called on the loop's thread, like `run_here`."""
        self._open = self._lasting
        self._queue.put(_DONE)

    def serve(self, wait: float | None = None) -> None:
        """Run functions until the call is done.

        Raises:
            queue.Empty: it was not done in time.
        """
        while (function := self._queue.get(timeout=wait)) is not _DONE:
            function()

    def drain(self, wait: float) -> None:
        """Wait until the call is done, without running anything more, but no longer than that in all."""
        end = time.monotonic() + wait
        try:
            while self._queue.get(timeout=max(0.0, end - time.monotonic())) is not _DONE:
                pass
        except queue.Empty:
            return


_caller: contextvars.ContextVar[_Inbox | None] = contextvars.ContextVar("cfstream_caller", default=None)


def in_callers_thread(callback: Callable[[T], object] | None, name: str) -> Callable[[T], None] | None:
    """Give a function for the loop's thread that has the callback run in the thread that waits for the call.

    Args:
        callback: what the caller gave.
        name: the keyword that it was given as.

    Raises:
        InvalidInputError: it is no function, or async, and nobody would await what it gives.
    """
    if callback is None:
        return None
    if not callable(callback):
        raise InvalidInputError(f"{name}: expected a function, got {type(callback).__name__}")
    if _is_async(callback):
        raise InvalidInputError(f"{name}: expected a plain function, got an async one, which needs cfstream.Stream")

    def forward(event: T) -> None:
        inbox = _caller.get()
        if inbox is None:
            callback(event)
        else:
            inbox.run_here(lambda: callback(event))

    return forward


def _is_async(function: Callable[..., object]) -> bool:
    """Tell whether calling it gives something to await; an object is told by its ``__call__``."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def callbacks_in_callers_thread(options: K) -> K:
    """Give the keywords with their ``on_`` functions made to run in the thread that waits for the call.

    Raises:
        InvalidInputError: as above.
    """
    given: Any = options
    moved: Any = {
        name: in_callers_thread(value, name) if name.startswith("on_") else value for name, value in given.items()
    }
    return cast("K", moved)


def read_by_caller(source: Any, each: Callable[[Any], Any] | None = None) -> Any:
    """Give what the loop's thread can walk while each item is made in the thread that waits for the call.

    Args:
        source: what the caller gave.
        each: what becomes of an item before it is handed on.
    """
    if isinstance(source, (str, bytes)) or not isinstance(source, Iterable):
        return source  # whoever takes it refuses it
    return _ReadByCaller(iter(source) if each is None else map(each, source))


class _ReadByCaller:
    """An iterator of the caller's, as an async one."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items

    def __aiter__(self) -> "_ReadByCaller":
        return self

    async def __anext__(self) -> Any:
        inbox, loop = _caller.get(), asyncio.get_running_loop()
        made: asyncio.Future[Any] = loop.create_future()

        def settle(item: Any, failure: Exception | None) -> None:
            if made.cancelled():
                return
            if failure is None:
                made.set_result(item)
            else:
                made.set_exception(failure)

        def read() -> None:
            item, failure = _DONE, None
            try:
                item = next(self._items, _DONE)
            except Exception as error:  # noqa: BLE001  # whoever walks the items gets it
                failure = error
            with contextlib.suppress(RuntimeError):  # the client was closed meanwhile, and with it the loop
                loop.call_soon_threadsafe(settle, item, failure)

        if inbox is None:
            read()
        else:
            inbox.run_here(read)
        item = await made
        if item is _DONE:
            raise StopAsyncIteration
        return item


class Portal:
    """Runs coroutines on a background event loop; the thread starts with the first call."""

    def __init__(self, name: str, *, after_fork: Callable[[], None]) -> None:
        self._name = name
        self._after_fork = after_fork
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self._closed = False
        self._walks: weakref.WeakSet[AsyncGenerator[Any]] = weakref.WeakSet()
        _portals.add(self)

    @property
    def started(self) -> bool:
        """Whether there is a thread."""
        return self._thread is not None

    def is_own_thread(self) -> bool:
        """Tell whether this is the loop's thread, which must not wait for it."""
        return threading.current_thread() is self._thread

    def call(self, coroutine: Coroutine[Any, Any, T], inbox: _Inbox | None = None) -> T:
        """Run the coroutine on the loop and wait for its result.

        Ctrl-C cancels the work, waits a moment for it to end, and leaves the client usable.

        Raises:
            StreamError: called from the loop's own thread, where waiting would never end.
            ClientClosedError: the client is closed.
        """
        try:
            loop = self._running()
        except StreamError:
            coroutine.close()
            raise
        inbox = inbox or _Inbox()
        context = contextvars.copy_context()
        context.run(_caller.set, inbox)
        tasks: list[asyncio.Task[T]] = []
        given_up = False

        def start() -> None:
            if given_up:
                coroutine.close()
                inbox.finish()
                return
            tasks.append(loop.create_task(coroutine, context=context))
            tasks[0].add_done_callback(lambda _: inbox.finish())

        def give_up() -> None:
            nonlocal given_up
            given_up = True
            if tasks:
                tasks[0].cancel()

        try:
            loop.call_soon_threadsafe(start)
            inbox.serve()
        except BaseException:
            given_up = True
            loop.call_soon_threadsafe(give_up)
            inbox.drain(_INTERRUPT_WAIT)
            raise
        if tasks[0].cancelled() and self._closed:
            raise ClientClosedError(f"{self._name} was closed during the call")
        return tasks[0].result()

    def iterate(self, make: Callable[[], AsyncGenerator[T]]) -> Generator[T]:
        """Walk an async generator; leaving early ends it."""
        generator, inbox = make(), _Inbox(lasting=True)
        self._walks.add(generator)
        try:
            while True:
                try:
                    item = self.call(_next(generator), inbox)
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self._end(generator)

    def _end(self, generator: AsyncGenerator[Any]) -> None:
        """End a generator whose walk is over, also where nobody can wait for it any more."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        if threading.current_thread() is thread:
            loop.create_task(generator.aclose())  # the loop's end cancels it if need be
        elif not self._closed:
            self.call(generator.aclose())

    def stop(self) -> None:
        """Cancel what still runs and end the thread; stopping twice is fine."""
        with self._lock:
            self._closed = True
            loop, thread, stop = self._loop, self._thread, self._stop
            self._loop = self._thread = self._stop = None
        if loop is None or thread is None or stop is None:
            return
        try:
            loop.call_soon_threadsafe(stop.set)
        except RuntimeError:
            return  # the loop ended by itself
        if threading.current_thread() is not thread:
            thread.join(_STOP_WAIT)

    def forget(self) -> None:
        """Start anew in a forked child: the thread stayed behind, and its sockets belong to the parent."""
        _left_to_parent.append((self._loop, self._stop))
        self._lock = threading.Lock()
        self._loop = self._thread = self._stop = None
        self._after_fork()

    def _running(self) -> asyncio.AbstractEventLoop:
        if self.is_own_thread():
            raise StreamError(
                f"{self._name} was called from its own background thread, where it would wait for itself; "
                "use the async client there"
            )
        loop = self._loop
        if loop is not None:
            return loop
        with self._lock:
            if self._closed:
                raise ClientClosedError(f"{self._name} is closed; make a new one")
            return self._loop or self._start()

    def _start(self) -> asyncio.AbstractEventLoop:
        ready: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = queue.SimpleQueue()

        async def main() -> None:
            stop = asyncio.Event()
            ready.put((asyncio.get_running_loop(), stop))
            await stop.wait()
            # outer generators first: the loop's own clean-up takes nested ones side by side
            for walk in list(self._walks):
                with contextlib.suppress(RuntimeError):  # it runs: it is cancelled with the call that waits for it
                    await walk.aclose()

        # asyncio.run cancels the tasks that are left and closes generators
        self._thread = threading.Thread(target=lambda: asyncio.run(main()), name=self._name, daemon=True)
        self._thread.start()
        self._loop, self._stop = ready.get()
        return self._loop


async def _next(generator: AsyncGenerator[T]) -> T:
    return await anext(generator)


_portals: weakref.WeakSet[Portal] = weakref.WeakSet()
# What a forked child must not let the garbage collector close: the parent still uses it.
_left_to_parent: list[Any] = []


def _forget_all() -> None:
    for portal in list(_portals):
        portal.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
