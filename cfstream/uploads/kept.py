"""Uploads that a journal keeps: what it knows a source by, and how a source gets its record there."""

import asyncio
import os
from contextlib import suppress
from typing import Any

import attrs

from cfstream._redact import excerpt
from cfstream._transport import Transport
from cfstream.errors import ClientClosedError, StreamError
from cfstream.models import Video
from cfstream.uploads.driver import send
from cfstream.uploads.journal import Entry, JournalWriter
from cfstream.uploads.leftovers import PENDING, clear, in_vain, look_up, lost, take_back
from cfstream.uploads.options import UploadOptions
from cfstream.uploads.pace import UNPACED, Pace
from cfstream.uploads.progress import OnProgress
from cfstream.uploads.record import Kept
from cfstream.uploads.sources import Source
from cfstream.uploads.sources.base import name_of, read_once
from cfstream.uploads.sources.files import is_url


def key_of(transport: Transport, source_key: str) -> str:
    """Give the key of a source in a journal: the same file may be uploaded to several accounts."""
    return f"{transport.settings.account_id}:{source_key}"


def source_text(source: Any) -> str:
    """Give a source as a report can show it."""
    if isinstance(source, (str, os.PathLike)):
        with suppress(Exception):  # foreign code raises anything
            text = os.fsdecode(source)
            return excerpt(text.partition("?")[0] if is_url(text) else text)
    return excerpt(name_of(source) or type(source).__name__)


async def key_in_journal(transport: Transport, source: Source) -> str:
    """Give what a journal knows an open source by.

    Raises:
        InvalidInputError: the source cannot be found again.
    """
    # in a thread, because the key of bytes is their hash
    source_key = await asyncio.to_thread(lambda: source.key)
    if source_key is None:
        raise read_once(source.shown)
    return key_of(transport, source_key)


async def prepared(transport: Transport, source: Source, journal: JournalWriter, *, key: str, shown: str) -> Kept:
    """Give the record of a source, with what earlier processes left cleared away where it is of no use."""
    known = await _known(transport, source, journal, key)
    if known is not None:
        entry = attrs.evolve(known, source=shown, stat=source.stat)
    else:
        entry = Entry(key=key, source=shown, size=source.size, stat=source.stat, sample=await source.sample())
        await journal.write(entry)
    return Kept(journal, entry, transport.session.clock)


async def _known(transport: Transport, source: Source, journal: JournalWriter, key: str) -> Entry | None:
    """Give what the journal has of the same bytes; what was begun of others is ended."""
    known = await journal.find(key)
    if known is None or await _is_same(known, source):
        return known
    if known.state == "done" or not known.uid:
        return None
    whole = await _ended(transport, known, known.uid)
    # by a look inside alone: that the times are the same has been found to say nothing
    if whole is None or whole.sample is None or not await _looks_same(whole, source):
        return None
    await journal.write(whole)
    return whole


async def _ended(transport: Transport, known: Entry, uid: str) -> Entry | None:
    """Delete what was begun of a file that has changed since; a video that is whole after all is done, and stays."""
    video = await look_up(transport, uid, bulk=True)
    if video is not None and video.status.state != PENDING:
        return attrs.evolve(known, state="done", url=None, reason=None)
    # nothing of it is joined to the new one
    await take_back(transport, uid)
    return None


async def _is_same(known: Entry, source: Source) -> bool:
    if known.stat == source.stat:
        # who puts the time of change back hides it from everything but a look inside
        return known.size == source.size if known.state == "done" else await _looks_same(known, source)
    # a sample does not see every change, so nothing is joined to what an unfinished upload holds
    return known.state == "done" and known.sample is not None and await _looks_same(known, source)


async def _looks_same(known: Entry, source: Source) -> bool:
    return known.size == source.size and known.sample == await source.sample()


async def sent(
    transport: Transport,
    source: Source,
    options: UploadOptions,
    on_progress: OnProgress | None,
    *,
    record: Kept,
    pace: Pace = UNPACED,
    shown: str | None = None,
) -> Video:
    """Send a source and keep how it ended."""
    unknown = [made for made in await lost(transport, record.journal) if made.key == record.entry.key]
    if unknown:
        # a run has looked for them patiently before its first upload, and looks again after the last
        found = await clear(transport, unknown, patient=not pace.bulk)
        await record.journal.settled([made.op for made in unknown if made.op in found])
        if not pace.bulk:
            await in_vain(transport, record.journal, [made for made in unknown if made.op not in found])
    try:
        return await send(transport, source, options, on_progress, record=record, pace=pace, shown=shown)
    except ClientClosedError:
        raise  # it has not failed: a later run goes on
    except StreamError as error:
        await record.failed(str(error))
        raise
