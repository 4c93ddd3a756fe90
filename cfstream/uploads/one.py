"""One upload from its source to its video, resumed across processes where a journal is kept."""

import os
import sys
from pathlib import Path
from typing import Any

from cfstream._transport import Transport
from cfstream._types import PathSource
from cfstream.errors import InvalidInputError
from cfstream.models import Video
from cfstream.uploads.driver import send
from cfstream.uploads.journal import UploadJournal, writing
from cfstream.uploads.kept import key_in_journal, prepared, sent, source_text
from cfstream.uploads.leftovers import look_up
from cfstream.uploads.options import UploadOptions
from cfstream.uploads.progress import OnProgress, check_progress
from cfstream.uploads.record import Kept, Unkept
from cfstream.uploads.sources import UploadSource, open_source


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
    opened = await open_source(source, transport.session.limits, length, chunk=chunk, again=journal is not None)
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


async def _video(transport: Transport, record: Kept) -> Video | None:
    """Give the video of an upload that is done, unless it was deleted since."""
    uid = record.entry.done_uid
    return await look_up(transport, uid) if uid else None
