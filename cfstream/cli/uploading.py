"""The uploads of one command: an outcome for each file as it comes, and a summary at the end."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import attrs
import click
from rich.console import Console

from cfstream import StreamError, Uploaded, UploadJob, UploadProgress, Video, to_dict
from cfstream.cli.account import open_stream
from cfstream.cli.bars import Bar, Board, board
from cfstream.cli.failures import code_of_many, problem
from cfstream.cli.finding import Files, Unread
from cfstream.cli.screen import Screen, cross, is_live, tick
from cfstream.cli.tally import Tally
from cfstream.cli.text import clean, many, size
from cfstream.errors import JournalError

if TYPE_CHECKING:
    from cfstream import Stream

_WAITING_MOST = 200  # videos waited for at once: more than the service encodes at once


class _File(UploadJob):
    """A file of the command."""

    def __init__(self, path: str, board: Board) -> None:
        self.path = path
        self.shown = _Shown(path, board)
        super().__init__(path, on_progress=self.shown.sent)


@attrs.define
class _Shown:
    """How far a file is; its bar is there from the first byte on, so that what needs none has none."""

    path: str
    board: Board
    size: int = 0
    _bar: Bar | None = None
    _open: ExitStack = attrs.field(factory=ExitStack, init=False)

    def sent(self, progress: UploadProgress) -> None:
        """Show how far it is."""
        if self._bar is None:
            self._bar = self._open.enter_context(self.board.bar(self.path))
        self.size = progress.total
        self._bar.sent(progress)

    def end(self) -> None:
        """Show it no longer."""
        self._open.close()


@attrs.define(kw_only=True)
class Uploading:
    """The uploads of one command."""

    screen: Screen
    files: Files
    journal: str | None
    wait: bool
    options: Mapping[str, Any]
    """Of ``upload_many``."""
    several: bool = attrs.field(init=False)
    tally: Tally = attrs.field(init=False)
    unknown: int = attrs.field(default=0, init=False)
    """How many attempts may have left something on the service."""
    _total: int | None = attrs.field(default=None, init=False)
    _waiting: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(_WAITING_MOST), init=False)

    def __attrs_post_init__(self) -> None:
        self.several = self.files.several
        self.tally = Tally(resumable=self.journal is not None)

    @property
    def how_to_go_on(self) -> str:
        """What to tell of a run that was stopped."""
        if self.journal is not None:
            return f"; the same command goes on: {clean(self.journal)} knows what is done"
        return "; with --journal PATH the same command could go on" if self.several else ""

    async def run(self) -> int:
        """Upload all files and give the exit code.

        Raises:
            StreamError: it ended early; what had been uploaded is told first.
        """
        console, live = self._canvas()
        async with open_stream() as stream:
            with board(console, live=live) as shown:
                async with asyncio.TaskGroup() as group:
                    counting = group.create_task(self._count(shown)) if live else None
                    failure = await self._upload(stream, shown, group)
                    if counting:
                        counting.cancel()
        if failure is None and self.tally.over == 0:
            failure = click.UsageError(self._nothing())
        self._report(failure)
        if failure is not None:
            raise failure
        return code_of_many(self.tally.done, self.tally.codes)

    def _canvas(self) -> tuple[Console, bool]:
        """Give the console that shows progress, and whether it can be drawn over without harm to the results."""
        screen = self.screen
        if is_live(screen.out):
            return (screen.err, False) if screen.as_json else (screen.out, True)
        return screen.err, is_live(screen.err)

    async def _count(self, shown: Board) -> None:
        """Find out how many files there are, where that can be known before they are uploaded."""
        if not self.files.listed:
            self._total = sum([1 async for _ in attrs.evolve(self.files).walk()])
            self._show(shown)

    async def _upload(
        self, stream: "Stream", shown: Board, group: asyncio.TaskGroup
    ) -> StreamError | click.ClickException | None:
        """Upload file after file; gives what ended it early, because what is waited for is still to be told."""
        try:
            async with stream.upload_many(self._jobs(shown), journal=self.journal, **self.options) as outcomes:
                async for outcome in outcomes:
                    file: _File = outcome.source
                    file.shown.end()
                    if outcome.error is not None:
                        self._fail(file.path, outcome.error)
                    elif self.wait:
                        await self._waiting.acquire()
                        group.create_task(self._encoded(stream, shown, file, outcome))
                    else:
                        self._succeed(file, outcome, outcome.video)
                    self._show(shown)
                self.unknown = outcomes.report.unknown
        except (StreamError, click.ClickException) as error:
            return error
        return None

    async def _jobs(self, shown: Board) -> AsyncGenerator[_File]:
        async for found in self.files.walk():
            if isinstance(found, Unread):
                self._fail(found.path, found.error)
            else:
                yield _File(found, shown)

    async def _encoded(self, stream: "Stream", shown: Board, file: _File, outcome: Uploaded) -> None:
        try:
            with shown.bar(file.path) as bar:
                video = await stream.wait_until_ready(outcome.uid, timeout=None, on_state=bar.state)
        except StreamError as error:
            self._fail(file.path, error)
        else:
            self._succeed(file, outcome, video)
        finally:
            self._waiting.release()
        self._show(shown)

    def _show(self, shown: Board) -> None:
        over, total = self.tally.over, self._total if self.several else 1
        counted = many(over, "file") if total is None else f"{over:,} of {many(total, 'file')}"
        failed = f", {self.tally.failed:,} failed" if self.tally.failed else ""
        shown.count(over, total, f"{counted}, {size(self.tally.bytes)}{failed}")

    # --- what is told --------------------------------------------------------------------------------------------

    def _succeed(self, file: _File, outcome: Uploaded, video: Video | None) -> None:
        self.tally.succeed(file.shown.size, known=outcome.from_journal)
        screen, state = self.screen, video.status.state if video else None
        if screen.as_json:
            known = {"video": video and to_dict(video), "from_journal": outcome.from_journal}
            screen.line({"file": file.path, "uid": outcome.uid, "state": state, **known})
            return
        cells = clean(outcome.uid), clean(file.path), clean(state or "from-journal")
        if is_live(screen.out):
            screen.say((tick(screen.out), "green"), " ", (cells[0], "bold"), f"  {cells[1]}  ", (cells[2], "dim"))
        else:
            click.echo("\t".join(cells))

    def _fail(self, file: str, error: StreamError | OSError) -> None:
        self.tally.fail(file, error)
        if self.screen.as_json:
            self.screen.line({"file": file, "error": problem(error, resumable=self.tally.resumable)})
        elif self.several:  # the reason comes at the end, where it is seen
            console = self.screen.out if is_live(self.screen.out) else self.screen.err
            self.screen.say((cross(console), "red"), f" {clean(file)} failed", console=console)

    def _report(self, failure: Exception | None) -> None:
        """Tell what is there, what failed, what to do about it, and how to go on."""
        tally = self.tally
        if self.several and tally.over:
            left_out = f"; {many(self.files.others, 'file')} in folders left out: no videos by name"
            click.echo(f"{tally.summary()}{left_out if self.files.others else ''}", err=True)
        for line in tally.reasons():
            click.echo(line, err=True)
        if tally.failed and self.several:
            click.echo(f"{tally.failed:,} of {many(tally.over, 'file')} failed", err=True)
        if self.journal is not None and self.unknown:
            click.echo(
                f"the answers to {many(self.unknown, 'attempt')} were lost, which may have left empty uploads: "
                f"the same command clears them away, ten minutes from now or later",
                err=True,
            )
        early = failure is not None and not isinstance(failure, (click.ClickException, JournalError))
        if self.journal is not None and (tally.failed or early):
            click.echo(f"to go on, run the same command again: {clean(self.journal)} knows what is done", err=True)

    def _nothing(self) -> str:
        if self.files.listed:
            return "standard input names no files"
        where = clean(self.files.arguments[0]) if len(self.files.arguments) == 1 else "these folders"
        others = f"; {many(self.files.others, 'other file')} there, which can be named" if self.files.others else ""
        return f"{where}: no videos there, by the ends of the names{others}"
