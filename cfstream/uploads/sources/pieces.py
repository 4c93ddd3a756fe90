"""Streams of bytes that are read once: what gives them, and cutting them to measure."""

import asyncio
import io
import os
import stat
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from cfstream._redact import excerpt
from cfstream.errors import StreamError, UploadError
from cfstream.uploads.sources.base import PIECE

T = TypeVar("T")


class Pieces:
    """The bytes of an async iterator in the lengths that are asked for."""

    def __init__(self, iterator: AsyncIterator[Any], shown: str) -> None:
        self._iterator = iterator
        self._shown = shown
        self._rest = memoryview(b"")

    async def take(self, length: int) -> memoryview:
        """Give that many bytes, fewer only at the end.

        Raises:
            UploadError: the iterator failed, or gives something else than bytes.
        """
        taken = bytearray()
        while len(taken) < length:
            if not self._rest and not await self._more():
                break
            left = length - len(taken)
            taken += self._rest[:left]
            # nothing is held of a piece that is used up: whoever gave it may use its buffer again
            self._rest = self._rest[left:] if left < len(self._rest) else memoryview(b"")
        return memoryview(taken)

    async def _more(self) -> bool:
        try:
            piece = await anext(self._iterator)
        except StopAsyncIteration:
            return False
        except StreamError:
            raise
        except Exception as error:  # foreign code raises anything
            raise UploadError(
                f"{self._shown}: cannot be read: {excerpt(str(error)) or type(error).__name__}"
            ) from error
        try:
            self._rest = memoryview(piece).cast("B")
        except TypeError as error:
            raise UploadError(f"{self._shown}: gives {type(piece).__name__} instead of bytes") from error
        return True

    async def close(self) -> None:
        """End the iterator; how its own clean-up fails is of no use to an upload that is over."""
        end = getattr(self._iterator, "aclose", None)
        if end is not None:
            with suppress(Exception):
                await end()


async def read_async(read: Callable[[int], Awaitable[Any]]) -> AsyncIterator[Any]:
    """Give what an async ``read`` gives; anything but empty bytes goes on, because None is no end."""
    while (piece := await read(PIECE)) != b"":
        yield piece


async def read_blocking(file: Any) -> AsyncIterator[Any]:
    """Give what a file object gives that may block for any time."""
    descriptor = _pipe(file)
    # of a pipe take what is there: a thread that waits for more could not be stopped
    read = file.read if descriptor is None else getattr(file, "read1", file.read)
    while True:
        if descriptor is not None:
            await _readable(descriptor)
        piece = await in_own_thread(lambda: read(PIECE))
        if piece == b"":
            return
        yield piece


def _pipe(file: Any) -> int | None:
    raw = getattr(file, "raw", file)
    if not isinstance(raw, io.FileIO):
        return None
    mode = os.fstat(raw.fileno()).st_mode
    return raw.fileno() if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or raw.isatty() else None


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


async def in_own_thread(function: Callable[[], T]) -> T:
    """Run on a thread that nothing waits for: one of asyncio's own would hold up the end of the program."""
    outcome: Future[T] = Future()

    def run() -> None:
        if not outcome.set_running_or_notify_cancel():
            return  # nobody waits any more: what would be read now would be lost
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001  # whoever waits gets it
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True, name="cfstream-read").start()
    return await asyncio.wrap_future(outcome)
