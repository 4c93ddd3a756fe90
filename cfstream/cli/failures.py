"""Errors as the command line tells them: one line, an exit code, and what to do."""

from collections.abc import Iterable
from typing import Any

import click

from cfstream.cli.text import clean
from cfstream.emulator import EmulatorError
from cfstream.errors import (
    AmbiguousResultError,
    EncodingFailedError,
    InvalidInputError,
    StreamError,
    UploadError,
    WaitTimeoutError,
)

FAILED = 1
REFUSED = 2
INTERRUPTED = 130


class SetupError(click.ClickException):
    """Something outside the command line is missing."""

    exit_code = REFUSED


def line_of(error: BaseException | str) -> str:
    """Give an error in one line that no terminal obeys."""
    match error:
        case str():
            text = error
        case StreamError() | click.ClickException():
            text = str(error)
        case OSError():
            text = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        case _:
            text = f"unexpected {type(error).__name__}: {error} (--debug shows where; please report it)"
    return clean(" ".join(text.split("\n")).strip()) or type(error).__name__


def code_of(error: BaseException) -> int:
    """Give the exit code of an error."""
    # what stops an emulator from starting is its port, its folder or a missing extra
    if isinstance(error, (InvalidInputError, EmulatorError)):
        return REFUSED
    return FAILED


def code_of_many(done: int, codes: Iterable[int]) -> int:
    """Give the exit code of a command on several things: 2 only when every one of them was refused as input."""
    different = set(codes)
    if not different:
        return 0
    return REFUSED if different == {REFUSED} and not done else FAILED


def advice(error: BaseException, *, resumable: bool = False) -> str | None:
    """Say what to do where the error itself does not; a journal makes the same command the answer to a lost upload."""
    match error:
        case AmbiguousResultError() | UploadError() if resumable:
            return "the same command goes on with it"
        case AmbiguousResultError():
            return "look whether it is there before you try again: cfstream list --limit 5"
        case EncodingFailedError():
            return f"remove it: cfstream delete {error.uid}"
        case WaitTimeoutError():
            return f"look again later: cfstream get {error.uid}"
        case UploadError(uid=str(uid)) if uid:
            return f"try again; remove the unfinished video: cfstream delete {uid}"
        case StreamError(retryable=True):
            return "try again later"
        case _:
            return None


def problem(error: BaseException, *, resumable: bool = False) -> dict[str, Any]:
    """Give an error as JSON."""
    codes = list(error.codes) if isinstance(error, StreamError) else []
    told = advice(error, resumable=resumable)
    return {"type": type(error).__name__, "message": str(error), "codes": codes, "advice": told}
