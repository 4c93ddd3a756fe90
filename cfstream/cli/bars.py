"""Progress of uploads and encodes: bars on a terminal, now and then a line elsewhere."""

import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn
from rich.table import Column
from rich.text import Text

from cfstream import UploadProgress, Video
from cfstream.cli.text import clean, left, rate, size

_EVERY = 5.0
"""Seconds between two lines about one upload in a log."""

_LABEL_WIDTH = 32
_BAR_WIDTH = 30
_HUNDRED = 100.0
_BARS_MOST = 20
_OTHER_LINES = 4  # of the screen: that of all files, what was told last, the prompt


class Bar(Protocol):
    """One upload, or one encode."""

    def sent(self, progress: UploadProgress) -> None:
        """Show how far the upload is."""
        ...

    def state(self, video: Video) -> None:
        """Show how far the encode is."""
        ...


class Board(Protocol):
    """All that goes on at the same time."""

    def bar(self, label: str) -> AbstractContextManager[Bar]:
        """Show one more for as long as the context lasts, and as the screen has room for it."""
        ...

    def count(self, over: int, total: int | None, note: str) -> None:
        """Show how many are over; of how many may not be known yet."""
        ...


@contextmanager
def board(console: Console, *, live: bool) -> Generator[Board]:
    """Give bars, or lines where nothing can be drawn over."""
    if not live:
        yield _Lines(console)
        return
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}", markup=False, table_column=Column(max_width=_LABEL_WIDTH, no_wrap=True)),
        BarColumn(bar_width=_BAR_WIDTH),
        TaskProgressColumn("{task.percentage:>3.0f} %", style="", markup=False),
        TextColumn("{task.fields[note]}", markup=False, style="dim", table_column=Column(no_wrap=True)),
    )
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as progress:
        yield _Bars(progress, max(1, min(_BARS_MOST, console.height - _OTHER_LINES)))


def state_of(video: Video) -> str:
    """A state with its progress, such as ``inprogress 43 %``."""
    status = video.status
    if status.pct_complete is None or status.pct_complete >= _HUNDRED:
        return clean(status.state)
    return f"{clean(status.state)} {status.pct_complete:.0f} %"


class _Bars:
    def __init__(self, progress: Progress, most: int) -> None:
        self._progress = progress
        self._room = most
        self._all = progress.add_task("all files", visible=False, total=None, note="")

    @contextmanager
    def bar(self, label: str) -> Generator[Bar]:
        drawn = _DrawnBar(self, clean(label))
        drawn.appear()
        try:
            yield drawn
        finally:
            drawn.vanish()

    def add(self, label: str) -> TaskID | None:
        if self._room == 0:
            return None
        self._room -= 1
        return self._progress.add_task(label, total=None, note="")

    def update(self, task: TaskID, done: float, total: float, note: str) -> None:
        self._progress.update(task, completed=done, total=total, note=note)

    def remove(self, task: TaskID) -> None:
        self._room += 1
        self._progress.remove_task(task)

    def count(self, over: int, total: int | None, note: str) -> None:
        self._progress.update(self._all, completed=over, total=total, visible=total != 1, note=note)


class _DrawnBar:
    def __init__(self, bars: _Bars, label: str) -> None:
        self._bars = bars
        self._label = label
        self._task: TaskID | None = None

    def appear(self) -> None:
        if self._task is None:
            self._task = self._bars.add(self._label)

    def vanish(self) -> None:
        if self._task is not None:
            self._bars.remove(self._task)

    def sent(self, progress: UploadProgress) -> None:
        self._show(progress.bytes, progress.total, _note(progress))

    def state(self, video: Video) -> None:
        self._show(video.status.pct_complete or 0, _HUNDRED, clean(video.status.state))

    def _show(self, done: float, total: float, note: str) -> None:
        self.appear()  # others may have made room
        if self._task is not None:
            self._bars.update(self._task, done, total, note)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def bar(self, label: str) -> Generator[Bar]:
        yield _Line(self._console, clean(label))

    def count(self, over: int, total: int | None, note: str) -> None:
        """A log has a line for each of them anyway."""


class _Line:
    def __init__(self, console: Console, label: str) -> None:
        self._console = console
        self._label = label
        self._told = time.monotonic()

    def sent(self, progress: UploadProgress) -> None:
        if time.monotonic() - self._told >= _EVERY:
            self._told = time.monotonic()
            self._say(f"{progress.bytes / progress.total:.0%} of {size(progress.total)}, {_note(progress)}")

    def state(self, video: Video) -> None:
        self._say(state_of(video))

    def _say(self, text: str) -> None:
        self._console.print(Text(f"{self._label}: {text}"), soft_wrap=True)


def _note(progress: UploadProgress) -> str:
    resumed = f", resumed {progress.attempt - 1}x" if progress.attempt > 1 else ""
    if progress.bytes < progress.total:
        return left(progress.bytes, progress.total, progress.rate) + resumed
    return rate(progress.rate) + resumed
