"""Many uploads: a bounded number at once, every outcome a value, none lost to another's failure or a killed process."""

import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AsyncExitStack, aclosing
from typing import Any, Unpack

import attrs

from cfstream._params import refuse_unknown
from cfstream._redact import excerpt, shown
from cfstream._session import logger
from cfstream._transport import Transport
from cfstream._types import PathSource
from cfstream.bulk import Bulk, checked_concurrency, items_of, outcomes_of
from cfstream.errors import ClientClosedError, InvalidInputError, JournalError, StreamError, UploadError
from cfstream.models import CopyJobParams, UploadJobParams, Video
from cfstream.uploads.copies import copied
from cfstream.uploads.driver import send
from cfstream.uploads.journal import Entry, FailedEntry, JournalWriter, UploadJournal, UploadReport, writing
from cfstream.uploads.kept import key_in_journal, key_of, prepared, sent, source_text
from cfstream.uploads.leftovers import settle
from cfstream.uploads.options import UploadOptions
from cfstream.uploads.pace import STORAGE_FULL, SharedPace
from cfstream.uploads.progress import check_progress
from cfstream.uploads.record import Kept, Record, Unkept
from cfstream.uploads.sources import Source, UploadSource, open_source
from cfstream.uploads.sources.files import is_url, path_key


class UploadJob:
    """One source of `upload_many` with options of its own.

    Args:
        source: as `stream.upload` takes it.
        options: those of `stream.upload`; they go before the defaults of the run.
    """

    def __init__(self, source: UploadSource, **options: Unpack[UploadJobParams]) -> None:
        self.source = source
        self.options = options

    def __repr__(self) -> str:
        return f"UploadJob({self.source!r:.200})"


class CopyJob:
    """One video of `upload_many` that the service fetches itself.

    Args:
        url: the http or https address of the video.
        options: those of `stream.copy.create`.
    """

    def __init__(self, url: str, **options: Unpack[CopyJobParams]) -> None:
        self.url = url
        self.options = options

    def __repr__(self) -> str:
        return "CopyJob(...)"  # the address may be signed


Job = UploadSource | UploadJob | CopyJob


@attrs.frozen(kw_only=True)
class Uploaded:
    """A video is on the service."""

    source: Any = attrs.field(repr=False)
    """What was given: a source, or a job."""
    uid: str
    video: Video | None
    """As the service told it; None where the journal knew the upload as done and nobody was asked."""
    from_journal: bool = False
    error: None = None


@attrs.frozen(kw_only=True)
class UploadFailed:
    """A source was not uploaded, or not whole."""

    source: Any = attrs.field(repr=False)
    """What was given: a source, or a job."""
    error: StreamError


class Uploads(Bulk[Uploaded | UploadFailed]):
    """Many uploads at work: ``async for`` gives an outcome for each, in the order of completion.

    Sources are read as places become free. Leaving early ends the work; use ``async with`` to have that happen at
    once. What was begun can be gone on with where a journal is kept.
    """

    def __init__(self, work: "_Run") -> None:
        super().__init__(work.outcomes())
        self._work = work

    async def run(self) -> UploadReport:
        """Do all of it, and tell how it ended: of this run, or of the whole journal where one is kept."""
        async with self:
            async for _ in self:
                pass
        return self.report

    @property
    def report(self) -> UploadReport:
        """How it stands: of this run, or of the whole journal once it has ended."""
        return self._work.report


def upload_many(
    transport: Transport,
    sources: Any,
    *,
    journal: PathSource | UploadJournal | None,
    concurrency: int,
    max_failures: int | None,
    options: UploadJobParams,
) -> Uploads:
    """Make the run; nothing is opened or sent before its outcomes are walked.

    Raises:
        InvalidInputError: an argument is refused.
    """
    _options(options)
    kept: Any = UploadJournal(journal) if isinstance(journal, (str, os.PathLike)) else journal
    if kept is not None and not isinstance(kept, UploadJournal):
        raise InvalidInputError(f"journal: expected a path or an UploadJournal, got {type(kept).__name__}")
    allowed: Any = 0 if max_failures is None else max_failures
    if isinstance(allowed, bool) or not isinstance(allowed, int) or allowed < 0:
        raise InvalidInputError(f"max_failures: expected a whole number from 0 on, or None, got {shown(allowed)}")
    items = items_of("sources", sources)
    return Uploads(_Run(transport, items, kept, checked_concurrency(concurrency), max_failures, options))


@attrs.frozen
class _Options:
    """The options of one upload, taken apart."""

    service: UploadOptions
    on_progress: Any
    length: int | None


def _options(given: UploadJobParams) -> _Options:
    known: dict[str, Any] = dict(given)
    refuse_unknown(UploadJobParams, known)
    on_progress, length = known.pop("on_progress", None), known.pop("length", None)
    check_progress(on_progress)
    return _Options(UploadOptions(**known), on_progress, length)


_NOTHING_YET = UploadReport(done=0, failed=(), pending=0, bytes=0)


@attrs.define
class _Run:
    """One run over the sources."""

    transport: Transport
    sources: AsyncIterator[Any]
    journal: UploadJournal | None
    concurrency: int
    max_failures: int | None
    defaults: UploadJobParams
    _writer: JournalWriter | None = None
    _counted: UploadReport = _NOTHING_YET
    _failed: list[FailedEntry] = attrs.field(factory=list)
    _pace: SharedPace = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._pace = SharedPace(self.transport, self.concurrency)

    @property
    def report(self) -> UploadReport:
        """How it ended."""
        return _with(self._counted, self._failed)

    async def outcomes(self) -> AsyncGenerator[Uploaded | UploadFailed]:
        """Upload source after source; what lost attempts left on the service is looked for before and afterwards."""
        async with AsyncExitStack() as stack:
            if self.journal is not None:
                self._writer = await stack.enter_async_context(writing(self.journal))
                await settle(self.transport, self._writer, last=False)
            walk = await stack.enter_async_context(
                aclosing(outcomes_of(self.transport.session, self.sources, self._one, self.concurrency))
            )
            async for outcome in walk:
                self._count(outcome)
                yield outcome
                self._check_failures()
            if self._writer is not None:
                await self._settle_late(self._writer)
                self._counted = await self._writer.report()

    async def _settle_late(self, writer: JournalWriter) -> None:
        """Clear away what lost attempts left; where the service is away now, the next run does it."""
        try:
            await settle(self.transport, writer, last=True)
        except StreamError as error:
            logger.info("lost attempts are looked for by the next run (%s)", type(error).__name__)

    def _count(self, outcome: Uploaded | UploadFailed) -> None:
        if isinstance(outcome, UploadFailed):
            self._failed.append(FailedEntry(source=shown_source(outcome.source), reason=str(outcome.error)))
        else:
            size = (outcome.video.size if outcome.video else None) or 0
            counted = self._counted
            self._counted = attrs.evolve(counted, done=counted.done + 1, bytes=counted.bytes + size)

    def _check_failures(self) -> None:
        failures, done = len(self._failed), self._counted.done
        if self.max_failures is not None and failures > self.max_failures:
            raise UploadError(f"stopped: failures {failures}, at most {self.max_failures} wanted; uploads done {done}")

    async def _one(self, item: Any) -> Uploaded | UploadFailed:
        async with self._pace.place():
            try:
                return await (self._copy(item) if isinstance(item, CopyJob) else self._upload(item))
            except (ClientClosedError, JournalError):
                raise
            except StreamError as error:
                if STORAGE_FULL in error.codes:
                    raise  # the next one would meet the same
                return UploadFailed(source=item, error=error)

    async def _upload(self, item: Any) -> Uploaded:
        job = item if isinstance(item, UploadJob) else UploadJob(item)
        options = _options({**self.defaults, **job.options})
        chunk = options.service.chunk(self.transport.session.limits)
        try:
            source = await open_source(
                job.source,
                self.transport.session.limits,
                options.length,
                chunk=chunk,
                again=self._writer is not None,
            )
        except InvalidInputError as error:
            known = await self._unopened(job.source, error)
            if known:
                return Uploaded(source=item, uid=known, video=None, from_journal=True)
            raise
        try:
            return await self._sent(item, source, options)
        finally:
            await source.close()

    async def _unopened(self, source: Any, error: InvalidInputError) -> str | None:
        """Give the uid of a file that was uploaded before and is gone now; otherwise keep why it failed."""
        if self._writer is None or not isinstance(source, (str, os.PathLike)) or is_url(os.fsdecode(source)):
            return None
        key = key_of(self.transport, path_key(source))
        known = await self._writer.find(key)
        if known is not None and known.done_uid:
            return known.done_uid
        entry = known or Entry(key=key, source=shown_source(source))  # where its bytes go stays known
        await self._writer.write(attrs.evolve(entry, state="failed", reason=str(error)))
        return None

    async def _sent(self, item: Any, source: Source, options: _Options) -> Uploaded:
        shown = shown_source(item)  # with its path, for files of one name are in many folders
        given = (self.transport, source, options.service, options.on_progress)
        if self._writer is None:
            unkept = Unkept(self.transport.session.clock)
            video = await send(*given, record=unkept, pace=self._pace, shown=shown)
            return Uploaded(source=item, uid=video.uid, video=video)
        key = await key_in_journal(self.transport, source)
        async with self._writer.alone(key):
            record = await prepared(self.transport, source, self._writer, key=key, shown=shown)
            if record.entry.done_uid:
                return Uploaded(source=item, uid=record.entry.done_uid, video=None, from_journal=True)
            video = await sent(*given, record=record, pace=self._pace, shown=shown)
            return Uploaded(source=item, uid=video.uid, video=video)

    async def _copy(self, job: CopyJob) -> Uploaded:
        if self._writer is None:
            return await self._copied(job, Unkept(self.transport.session.clock))
        # hashed, because the address may be signed
        key = key_of(
            self.transport, f"copy:{hashlib.sha256(str(job.url).encode('utf-8', 'backslashreplace')).hexdigest()}"
        )
        async with self._writer.alone(key):
            entry = await self._writer.find(key) or Entry(key=key, source=shown_source(job))
            if entry.done_uid:
                return Uploaded(source=job, uid=entry.done_uid, video=None, from_journal=True)
            return await self._copied(job, Kept(self._writer, entry, self.transport.session.clock))

    async def _copied(self, job: CopyJob, record: Record) -> Uploaded:
        video = await copied(self.transport, job.url, job.options, record=record, pace=self._pace)
        return Uploaded(source=job, uid=video.uid, video=video)


def _with(report: UploadReport, failed: Iterable[FailedEntry]) -> UploadReport:
    """Add the failures of sources that no journal can find again."""
    kept = {entry.source for entry in report.failed}
    return attrs.evolve(report, failed=(*report.failed, *(entry for entry in failed if entry.source not in kept)))


def shown_source(item: Any) -> str:
    """Give a source or a job as a report can show it."""
    if isinstance(item, CopyJob):
        return f"copy of {excerpt(str(item.url).partition('?')[0])}"
    return source_text(item.source if isinstance(item, UploadJob) else item)
