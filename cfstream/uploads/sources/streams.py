"""Streams that give their bytes once: spooled whole, or by the chunk where their length is known."""

import asyncio

from cfstream._limits import Limits
from cfstream.errors import FileChangedError, InvalidInputError, UploadError
from cfstream.uploads.sources.base import PIECE, Source, opened_in_thread
from cfstream.uploads.sources.pieces import Pieces
from cfstream.uploads.sources.spool import Spool


class Spooled(Source):
    """A stream that was written to a temporary file as a whole."""

    def __init__(self, spool: Spool, size: int, name: str | None) -> None:
        self._spool = spool
        self.size = size
        self.name = name

    @classmethod
    async def of(cls, pieces: Pieces, limits: Limits, name: str | None) -> "Spooled":
        """Take all bytes.

        Raises:
            InvalidInputError: there are more than the service takes.
            UploadError: they cannot be read or kept.
        """
        try:
            spool = await opened_in_thread(lambda: Spool.open(limits.file_max), Spool.close)
            try:
                size = await _copied(pieces, spool, limits.file_max)
            except BaseException:
                await _let_go(spool)
                raise
        finally:
            await pieces.close()
        return cls(spool, size, name)

    async def read(self, offset: int, length: int) -> bytes:
        """Read in a thread."""
        return await asyncio.to_thread(self._spool.read, offset, length)

    async def close(self) -> None:
        """Let the temporary file go."""
        await _let_go(self._spool)


async def _let_go(spool: Spool) -> None:
    """Close it, also where whoever waits for that is cancelled: a thread that has not begun yet would not begin."""
    await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, spool.close))


async def _copied(pieces: Pieces, spool: Spool, most: int) -> int:
    size = 0
    while piece := await pieces.take(PIECE):
        if size + len(piece) > most:
            raise InvalidInputError(f"source: the stream has more bytes than the {most} that the service takes")
        await asyncio.to_thread(spool.write, size, piece)
        size += len(piece)
    return size


class Streamed(Source):
    """A stream of announced length, of which the last chunk is kept.

    That is enough, because the server's offset can only lie in the chunk that is being sent, and no read goes beyond
    its end: what is kept reaches from there back to its beginning.
    """

    def __init__(self, pieces: Pieces, spool: Spool, *, size: int, kept: int, name: str | None) -> None:
        self._pieces = pieces
        self._spool = spool
        self._kept = kept
        self._head = 0
        self._filling: asyncio.Task[memoryview] | None = None
        self.size = size
        self.name = name

    @classmethod
    async def of(cls, pieces: Pieces, size: int, chunk: int, name: str | None) -> "Streamed":
        """Make room for a chunk.

        Raises:
            UploadError: there is none.
        """
        kept = min(chunk, size)
        spool = await opened_in_thread(lambda: Spool.open(kept), Spool.close)
        return cls(pieces, spool, size=size, kept=kept, name=name)

    def check_reach(self, offset: int) -> None:
        """Make sure that the bytes from there on are kept, or still to come."""
        if not max(0, self._head - self._kept) <= offset <= self._head:
            raise UploadError(
                f"{self.shown}: the upload would have to go on at byte {offset}, but what is read only once is kept "
                "for one chunk; begin again with a new stream, or leave length= out to have it kept whole"
            )

    async def read(self, offset: int, length: int) -> bytes | memoryview:
        """Give what is kept, or take more from the stream."""
        self.check_reach(offset)
        if offset < self._head:
            return await asyncio.to_thread(self._spool.read, offset, min(length, self._head - offset))
        length = min(length, self.size - offset)
        if not length:
            return b""
        # a task of its own, because bytes are lost if it is cancelled; the next call takes up one that was left
        filling = self._filling = self._filling or asyncio.create_task(self._fill(length))
        await asyncio.wait({filling})
        if filling.cancelled():
            raise UploadError(f"{self.shown}: cannot be read: the stream was cancelled")
        return filling.result()[:length]

    async def _fill(self, length: int) -> memoryview:
        piece = await self._pieces.take(length)
        end = self._head + len(piece)
        if len(piece) < length:
            raise FileChangedError(f"{self.shown} ended after {end} bytes, but length={self.size} was given")
        # the last bytes are held back until it is sure that they are, or a cut video would count as whole
        if end == self.size and await self._pieces.take(1):
            raise FileChangedError(f"{self.shown} has more bytes than the length={self.size} that was given")
        await asyncio.to_thread(self._spool.write, self._head, piece)
        self._head = end
        self._filling = None
        return piece

    async def close(self) -> None:
        """Stop reading, end the iterator and let the temporary file go."""
        try:
            if self._filling is not None:
                self._filling.cancel()
                await asyncio.gather(self._filling, return_exceptions=True)
            await self._pieces.close()
        finally:
            await _let_go(self._spool)
