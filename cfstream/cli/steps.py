"""The steps of the demo: what is happening, then what came of it and how long it took."""

import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext

import attrs
from rich.console import Console
from rich.text import Text

from cfstream.cli.screen import is_live, tick


@attrs.define
class Step:
    """One step."""

    told: Text = attrs.field(factory=Text)
    """What came of it; set while it runs."""
    seconds: float = 0.0

    def tell(self, *parts: str | tuple[str, str]) -> None:
        """Say what came of it."""
        self.told = Text.assemble(*parts)


class Steps:
    """Prints one line for each step, and moves while a step runs where the console can."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long all of it has taken."""
        return time.monotonic() - self._began

    @contextmanager
    def step(self, doing: str, *, spinner: bool = True) -> Generator[Step]:
        """Run a step; without a spinner it has something of its own that moves."""
        step, began = Step(), time.monotonic()
        drawn = spinner and is_live(self._console)
        with self._console.status(Text(f"{doing} ...")) if drawn else nullcontext():
            yield step
        step.seconds = time.monotonic() - began
        line = Text.assemble((tick(self._console), "green"), (f" {step.seconds:5.1f} s  ", "dim"), step.told)
        self._console.print(line, soft_wrap=True)
