"""Tells the kinds of sources apart."""

import asyncio
import inspect
import os
from collections.abc import AsyncIterable, AsyncIterator, Awaitable
from typing import Any, Protocol

from cfstream._limits import Limits
from cfstream._redact import excerpt, shown
from cfstream._types import PathSource
from cfstream.errors import InvalidInputError, StreamError, UploadError
from cfstream.uploads.sources.base import Source, name_of, opened_in_thread, read_once
from cfstream.uploads.sources.files import File, FileObject
from cfstream.uploads.sources.memory import Memory
from cfstream.uploads.sources.pieces import Pieces, in_own_thread, read_async, read_blocking
from cfstream.uploads.sources.ranges import Ranged, RangeSource
from cfstream.uploads.sources.streams import Spooled, Streamed


class Readable(Protocol):
    """A binary file object, at least as far as it is read."""

    def read(self, size: int, /) -> bytes:
        """Give at most that many bytes; none at the end."""
        ...


class AsyncReadable(Protocol):
    """A binary file object of an async library, a stream reader, the body of a request."""

    def read(self, size: int, /) -> Awaitable[bytes]:
        """Give at most that many bytes; none at the end."""
        ...


UploadSource = PathSource | bytes | Readable | AsyncReadable | AsyncIterable[bytes] | RangeSource
"""A path, bytes, a binary file object, also one with an async ``read``, an async iterator of bytes, a range source."""


async def open_source(
    source: UploadSource,
    limits: Limits,
    length: int | None = None,
    *,
    chunk: int | None = None,
    again: bool = False,
) -> Source:
    """Open whatever was given.

    Args:
        source: what to upload.
        limits: of the service.
        length: the size of a source that does not know it.
        chunk: the size of the chunks it is sent in, unless that may be any.
        again: whether it must be one that another process can find again.

    Raises:
        InvalidInputError: it cannot be uploaded; the message says why and what to give instead.
        UploadError: it cannot be read, or there is no room for it on the disk.
    """
    _check_length(length, limits)
    try:
        opened = await _opened(source, limits, length, chunk=chunk or limits.chunk_max, again=again)
    except StreamError:
        raise
    except Exception as error:  # foreign code raises anything
        raise UploadError(f"source: {type(source).__name__} cannot be opened: {excerpt(str(error))}") from error
    problem = _size_problem(opened.shown, opened.size, limits)
    if problem is None and length not in (None, opened.size):
        problem = f"{opened.shown} has {opened.size} bytes, but length={length} was given; leave length= out"
    if problem:
        await opened.close()
        raise InvalidInputError(f"source: {problem}")
    return opened


async def _opened(source: Any, limits: Limits, length: int | None, *, chunk: int, again: bool) -> Source:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Memory(source)
    if isinstance(source, (str, os.PathLike)):
        return await opened_in_thread(lambda: File.open(source), File.let_go)
    if isinstance(source, RangeSource):
        return Ranged(source)
    stream: AsyncIterator[Any]
    if hasattr(source, "read"):
        is_async = await _reads_async(source)
        seekable = None if is_async else await in_own_thread(lambda: FileObject.of(source))
        if seekable is not None:
            return seekable
        stream = read_async(source.read) if is_async else read_blocking(source)
    elif isinstance(source, AsyncIterable):
        stream = aiter(source)
    else:
        raise InvalidInputError(
            f"source: cannot upload {type(source).__name__}; give a path, bytes, a binary file object, an async "
            "iterator of bytes or a RangeSource"
        )
    name = name_of(source)
    shown_name = excerpt(name or "the stream")
    if again:
        raise read_once(shown_name)  # before any of its bytes are used up
    pieces = Pieces(stream, shown_name)
    if length is None:
        return await Spooled.of(pieces, limits, name)
    return await Streamed.of(pieces, length, chunk, name)


async def _reads_async(file: Any) -> bool:
    """Tell whether the file object's ``read`` is async, and refuse one that gives no bytes."""
    try:
        # asked for nothing, so that nothing is lost, neither does it wait
        empty = file.read(0) if inspect.iscoroutinefunction(file.read) else await asyncio.to_thread(file.read, 0)
        is_async = inspect.isawaitable(empty)
        if is_async:
            empty = await empty
    except Exception as error:  # foreign code raises anything
        raise InvalidInputError(f"source: the file object cannot be read: {excerpt(str(error))}") from error
    if not isinstance(empty, bytes):
        raise InvalidInputError("source: the file object gives text; open it in binary mode ('rb')")
    return is_async


def _check_length(length: Any, limits: Limits) -> None:
    if length is None:
        return
    if isinstance(length, bool) or not isinstance(length, int) or length < 0:
        raise InvalidInputError(f"length: expected a whole number of bytes, got {shown(length)}")
    problem = _size_problem("the source", length, limits)
    if problem:
        raise InvalidInputError(f"length: {problem}")


def _size_problem(named: str, size: int, limits: Limits) -> str | None:
    if size == 0:
        return f"{named} is empty; the service takes no empty videos"
    if size > limits.file_max:
        return f"{named} has {size} bytes; the service takes at most {limits.file_max}"
    return None
