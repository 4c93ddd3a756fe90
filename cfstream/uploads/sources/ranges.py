"""Objects that can be read from any byte on, such as those in buckets."""

from collections.abc import AsyncIterator
from typing import Any, Protocol, runtime_checkable

from cfstream._redact import excerpt, shown
from cfstream.errors import FileChangedError, InvalidInputError, UploadError
from cfstream.uploads.sources.base import Source, name_of
from cfstream.uploads.sources.pieces import Pieces


@runtime_checkable
class RangeSource(Protocol):
    """Bytes that are kept elsewhere and can be read from any offset on; nothing of them is put on the disk.

    An object behind HTTP, whose reading goes on at the right byte after a lost connection::

        class HttpObject:
            def __init__(self, http: aiohttp.ClientSession, url: str, size: int, etag: str) -> None:
                self.http, self.url, self.size, self.etag = http, url, size, etag
                self.fingerprint = f"{url} {etag}"

            async def open(self, offset: int) -> AsyncIterator[bytes]:
                headers = {"Range": f"bytes={offset}-", "If-Match": self.etag}
                async with self.http.get(self.url, headers=headers) as answer:
                    if answer.status != 206:
                        raise OSError(f"{self.url}: status {answer.status} instead of 206")
                    async for piece in answer.content.iter_chunked(1024 * 1024):
                        yield piece

    An attribute ``name``, where there is one, names the video unless ``name=`` does.
    """

    @property
    def size(self) -> int:
        """Bytes of the whole object."""
        ...

    @property
    def fingerprint(self) -> str:
        """What another process finds the same bytes by: the address and the version of the object."""
        ...

    def open(self, offset: int) -> AsyncIterator[bytes]:
        """Give all bytes from the offset to the end, in pieces of any length; an async generator is closed after use.

        It is called anew, with another offset, when bytes have to be sent again.
        """
        ...


class Ranged(Source):
    """Reads a `RangeSource` from one end to the other, and opens it anew where that does not go on."""

    def __init__(self, source: RangeSource) -> None:
        self._source = source
        self.size = _checked_size(source.size)
        self._fingerprint = _checked_fingerprint(source.fingerprint)
        self.name = name_of(source)
        self._pieces: Pieces | None = None
        self._position = 0

    @property
    def key(self) -> str:
        """The fingerprint."""
        return f"range:{self._fingerprint}"

    @property
    def stat(self) -> str:
        """The size: the key says all else."""
        return str(self.size)

    async def read(self, offset: int, length: int) -> memoryview:
        """Take the next bytes; a call that is cancelled or fails ends the iterator."""
        length = min(length, self.size - offset)
        if self._pieces is not None and offset != self._position:
            await self.close()
        pieces, self._pieces = self._pieces or self._open(offset), None
        try:
            piece = await self._take(pieces, offset, length)
        except BaseException:
            await pieces.close()
            raise
        self._pieces, self._position = pieces, offset + length
        return piece

    async def _take(self, pieces: Pieces, offset: int, length: int) -> memoryview:
        piece = await pieces.take(length)
        if len(piece) < length:
            raise FileChangedError(f"{self.shown} ended after {offset + len(piece)} of {self.size} bytes")
        # the last bytes are held back until it is sure that they are, or a cut video would count as whole
        if offset + length == self.size and await pieces.take(1):
            raise FileChangedError(f"{self.shown} has more than {self.size} bytes")
        return piece

    def _open(self, offset: int) -> Pieces:
        iterator: Any
        try:
            iterator = self._source.open(offset)
        except Exception as error:  # foreign code raises anything
            raise UploadError(f"{self.shown}: cannot be opened: {excerpt(str(error))}") from error
        if not isinstance(iterator, AsyncIterator):
            if hasattr(iterator, "close"):  # a coroutine that nobody awaits warns
                iterator.close()
            raise UploadError(
                f"{self.shown}: open gives {type(iterator).__name__} instead of an async iterator; "
                "write it as an async generator"
            )
        return Pieces(iterator, self.shown)

    async def check_unchanged(self) -> None:
        """Ask the source for its size and fingerprint again."""
        try:
            now = self._source.size, self._source.fingerprint
        except Exception as error:  # foreign code raises anything
            raise UploadError(f"{self.shown}: cannot be looked at: {excerpt(str(error))}") from error
        if now != (self.size, self._fingerprint):
            raise FileChangedError(f"{self.shown} was changed while it was uploaded")

    async def close(self) -> None:
        """End the iterator."""
        pieces, self._pieces = self._pieces, None
        if pieces is not None:
            await pieces.close()


def _checked_size(size: Any) -> int:
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise InvalidInputError(f"source: size must be a whole number of bytes, not {shown(size)}")
    return size


def _checked_fingerprint(fingerprint: Any) -> str:
    if not isinstance(fingerprint, str) or not fingerprint:
        raise InvalidInputError(f"source: fingerprint must be a text that names the bytes, not {shown(fingerprint)}")
    return fingerprint
