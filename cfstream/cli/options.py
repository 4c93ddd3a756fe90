"""What commands share on the command line: ``--json`` and ``--debug``, sizes, pairs, examples in the help."""

import logging
import re
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
import click

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_SIZE = re.compile(r"(\d+)\s*(?:([kmg]?)(?:i?b)?)", re.IGNORECASE)


@attrs.define
class Settings:
    """What holds for the whole command line."""

    debug: bool = False


def _debug(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.find_object(Settings).debug:  # type: ignore[union-attr]  # run() always sets it
        context.find_object(Settings).debug = True  # type: ignore[union-attr]  # the same
        log = logging.getLogger("cfstream")
        log.setLevel(logging.DEBUG)
        log.addHandler(logging.StreamHandler())


def debug_option(function: F) -> F:
    """Add ``--debug``."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_debug,
        help="Show tracebacks, and the library's log on standard error.",
    )(function)


def json_option(what: str) -> Callable[[F], F]:
    """Add ``--json``, which promises that nothing else is on standard output."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {what} and nothing else on standard output.")


def examples(*lines: tuple[str, str]) -> str:
    """Give the examples at the end of a command's help."""
    width = max(len(command) for command, _ in lines)
    shown = "\n".join(f"  {command:<{width}}  # {what}" for command, what in lines)
    return f"\b\nExamples:\n{shown}"


def read_size(text: str) -> int:
    """Read bytes, with or without a unit such as ``50MiB``."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise click.BadParameter(f"{text!r} is not a size such as 52428800 or 50MiB")
    return int(match[1]) * _UNITS[(match[2] or "").lower()]


def read_pair(text: str) -> tuple[str, str]:
    """Read ``KEY=VALUE``."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE")
    return key, value
