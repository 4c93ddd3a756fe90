"""The group of commands, and what becomes of errors: one line and an exit code."""

import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from cfstream._version import __version__
from cfstream.cli.demo import demo
from cfstream.cli.download import download
from cfstream.cli.emulator import emulator
from cfstream.cli.failures import INTERRUPTED, REFUSED, code_of, line_of
from cfstream.cli.options import Settings, debug_option, examples
from cfstream.cli.running import StoppedError
from cfstream.cli.upload import upload
from cfstream.cli.videos import delete, get, list_videos


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        ("cfstream demo", "a real video through a local service, from upload to playback"),
        ("cfstream emulator", "a local service to work against; prints what to export"),
        ("cfstream upload talk.mp4 --wait", "upload, and wait until it plays"),
        ("cfstream list --json", "every video, one JSON document in a line"),
    ),
)
@click.version_option(__version__, message="cfstream %(version)s")
@debug_option
def cli() -> None:
    """Upload to and manage Cloudflare Stream, or try it all against a local emulator.

    Credentials come from the environment only: CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID
    (CLOUDFLARE_BASE_URL for another address than Cloudflare's). Exit codes: 0 done, 1 failed, 2 wrong usage or
    a missing setup, 130 interrupted, 143 stopped by SIGTERM.
    """


for command in (demo, emulator, upload, download, list_videos, get, delete):
    cli.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run a command line; gives the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot show a character must not end the command
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # tests put plain files there
    settings = Settings()
    try:
        result: Any = cli.main(list(arguments), prog_name="cfstream", obj=settings, standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # no traceback reaches a user who did not ask for it
        if settings.debug:
            traceback.print_exc()
        line, code = _told(error)
        if line:
            click.echo(line, err=True)
        return code
    finally:
        logging.getLogger("cfstream").handlers.clear()
    return result if isinstance(result, int) else 0


def _told(error: BaseException) -> tuple[str, int]:
    """Give the line and the exit code of an error."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    start = "\n" if sys.stderr.isatty() else ""  # behind the ^C that a terminal shows
    match error:
        case click.exceptions.NoArgsIsHelpError():
            return error.format_message(), REFUSED
        case click.UsageError():
            where = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
            return f"error: {line_of(error.format_message())}{where}", REFUSED
        case click.ClickException():
            return f"error: {line_of(error.format_message())}", error.exit_code
        case KeyboardInterrupt() | click.Abort():
            return f"{start}interrupted", INTERRUPTED
        case StoppedError():
            return f"{start}{error}", error.code
        case BrokenPipeError():  # whoever read the output has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return "", code_of(error)
        case _:
            return f"error: {line_of(error)}", code_of(error)
