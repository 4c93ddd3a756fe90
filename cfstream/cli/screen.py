"""Where output goes: results to standard output, the rest where it does not disturb them."""

import json
import sys
from typing import Any

import click
from rich.console import Console
from rich.text import Text


class Screen:
    """The two streams of a command.

    Standard output has only JSON where that was asked for, and then what people read goes to standard error.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.out = _console(error=False)
        self.err = _console(error=True)
        self.human = self.err if as_json else self.out

    def document(self, value: Any) -> None:
        """Print one JSON document."""
        click.echo(json.dumps(value, indent=2))

    def line(self, value: Any) -> None:
        """Print one JSON document in a line."""
        click.echo(json.dumps(value))

    def say(self, *parts: str | tuple[str, str], console: Console | None = None) -> None:
        """Print a line, whatever its length; parts are texts, or texts with a style."""
        (console or self.human).print(Text.assemble(*parts), soft_wrap=True)


def is_live(console: Console) -> bool:
    """Whether the console may be drawn over: never in a log, even where somebody asks for colours there."""
    return console.is_interactive and console.file.isatty()


def tick(console: Console) -> str:
    """The mark of something done."""
    return "✓" if console.encoding.startswith("utf") else "ok"


def cross(console: Console) -> str:
    """The mark of something that failed."""
    return "✗" if console.encoding.startswith("utf") else "--"


def _console(*, error: bool) -> Console:
    # bound to the stream of now: a bar that is being drawn puts something else in its place
    return Console(file=sys.stderr if error else sys.stdout, highlight=False, markup=False, emoji=False)
