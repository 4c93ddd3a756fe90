"""One upload from its source to its video, resumed across processes where a journal is kept."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import attrs

from cfstream import endpoints
from cfstream._redact import excerpt
from cfstream._transport import Transport
from cfstream._types import PathSource
from cfstream.errors import ClientClosedError, InvalidInputError, NotFoundError, StreamError
from cfstream.models import Video
from cfstream.uploads.journal import Entry, JournalWriter, UploadJournal, writing
from cfstream.uploads.leftovers import clear, take_back
from cfstream.uploads.options import UploadOptions
from cfstream.uploads.pace import UNPACED, Pace
from cfstream.uploads.progress import OnProgress, check_progress
from cfstream.uploads.record import Kept, Unkept
from cfstream.uploads.single import send
from cfstream.uploads.sources import Source, UploadSource, open_source
from cfstream.uploads.sources.base import name_of


async def upload(
    transport: Transport,
    source: UploadSource,
    options: UploadOptions,
    on_progress: OnProgress | None,
    *,
    length: int | None = None,
    resume: bool | PathSource = False,
) -> Video:
    """Upload one source and give its video.

    Raises:
        InvalidInputError: the source or an option is refused; nothing was sent.
        JournalError: the journal cannot be used.
        StreamError: the upload ended without a finished video.
    """
    check_progress(on_progress)
    journal = _journal(resume)
    chunk = options.chunk(transport.session.limits)
    opened = await open_source(source, transport.session.limits, length, chunk=chunk)
    try:
        if journal is None:
            return await send(transport, opened, options, on_progress, record=Unkept(transport.session.clock))
        async with writing(journal) as writer:
            key = await key_in_journal(transport, opened)
            async with writer.alone(key):
                record = await prepared(transport, opened, writer, key=key, shown=source_text(source))
                known = await _video(transport, record)
                return known or await sent(transport, opened, options, on_progress, record=record)
    finally:
        await opened.close()


def _journal(resume: Any) -> UploadJournal | None:
    if resume is False:
        return None
    if resume is True:
        return UploadJournal(default_journal())
    if isinstance(resume, (str, os.PathLike)):
        return UploadJournal(resume)
    raise InvalidInputError(f"resume: expected True, False or the path of a journal, got {type(resume).__name__}")


def default_journal() -> Path:
    """Give the journal of uploads that name none: in the user's state folder (XDG base directories)."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "cfstream" / "uploads.db"
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state") / "cfstream" / "uploads.db"


def key_of(transport: Transport, source_key: str) -> str:
    """Give the key of a source in a journal: the same file may be uploaded to several accounts."""
    return f"{transport.settings.account_id}:{source_key}"


def source_text(source: Any) -> str:
    """Give a source as a report can show it."""
    if isinstance(source, (str, os.PathLike)):
        return excerpt(os.fsdecode(source))
    return excerpt(name_of(source) or type(source).__name__)


async def key_in_journal(transport: Transport, source: Source) -> str:
    """Give what a journal knows an open source by.

    Raises:
        InvalidInputError: the source cannot be found again.
    """
    # in a thread, because the key of bytes is their hash
    source_key = await asyncio.to_thread(lambda: source.key)
    if source_key is None:
        raise InvalidInputError(
            f"source: {source.shown} can be read once only, so no journal can find it again; give a path, bytes, a "
            "file object of a file or a RangeSource"
        )
    return key_of(transport, source_key)


async def prepared(transport: Transport, source: Source, journal: JournalWriter, *, key: str, shown: str) -> Kept:
    """Give the record of a source, with what earlier processes left cleared away where it is of no use."""
    known = await journal.find(key)
    fresh = Entry(key=key, source=shown, size=source.size, stat=source.stat)
    if known is not None and await _is_same(known, source):
        entry = attrs.evolve(known, source=fresh.source, stat=fresh.stat)
    else:
        if known is not None and known.state != "done" and known.uid:
            # of a file that has changed since: nothing of it is joined to the new one
            await take_back(transport, known.uid)
        entry = attrs.evolve(fresh, sample=await source.sample())
        await journal.write(entry)
    return Kept(journal, entry, transport.session.clock)


async def _is_same(known: Entry, source: Source) -> bool:
    if known.size != source.size:
        return False
    return known.stat == source.stat or (known.sample is not None and known.sample == await source.sample())


async def _video(transport: Transport, record: Kept) -> Video | None:
    """Give the video of an upload that is done, unless it was deleted since."""
    entry = record.entry
    if entry.state != "done" or not entry.uid:
        return None
    try:
        return await transport.send(endpoints.STREAM_GET(identifier=entry.uid), timeout=None)
    except NotFoundError:
        return None


async def sent(
    transport: Transport,
    source: Source,
    options: UploadOptions,
    on_progress: OnProgress | None,
    *,
    record: Kept,
    pace: Pace = UNPACED,
) -> Video:
    """Send a source and keep how it ended."""
    unknown = [made for made in await record.journal.unknown() if made.key == record.entry.key]
    if unknown:
        await clear(transport, unknown)
        await record.journal.settled([made.op for made in unknown])
    try:
        return await send(transport, source, options, on_progress, record=record, pace=pace)
    except ClientClosedError:
        raise  # it has not failed: a later run goes on
    except StreamError as error:
        await record.failed(str(error))
        raise
