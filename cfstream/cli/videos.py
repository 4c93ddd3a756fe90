"""Commands on videos that are there: list, get, delete."""

import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TextIO

import click

from cfstream import StreamError, Video, to_dict
from cfstream.cli.account import open_stream
from cfstream.cli.failures import SetupError, code_of, code_of_many, line_of, problem
from cfstream.cli.options import debug_option, examples, json_option
from cfstream.cli.running import run_async
from cfstream.cli.screen import Screen, is_live, tick
from cfstream.cli.tables import details, row, table
from cfstream.cli.text import clean, many

if TYPE_CHECKING:
    from cfstream import Stream

_PAGE = 1000


@click.command(
    "list",
    epilog=examples(
        ("cfstream list --limit 20", "the newest 20"),
        ("cfstream list --status error", "what could not be encoded"),
        ("cfstream list --creator alice --json", "one JSON document in a line for each video"),
        ("cfstream list | cut -f1", "uids; without a terminal the columns are separated by tabs"),
    ),
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show at most N videos in all; else every one.")
@click.option("--creator", metavar="ID", help="Only videos of this creator.")
@click.option("--status", metavar="STATE", help="Only videos in this state: ready, error, queued, inprogress, ...")
@click.option("--search", metavar="TEXT", help="Only videos with this in their name.")
@json_option("one JSON document in a line for each video")
@debug_option
def list_videos(limit: int | None, as_json: bool, **filters: str | None) -> None:
    """List videos, newest first."""
    screen = Screen(as_json=as_json)
    given = {name: value for name, value in filters.items() if value is not None}
    run_async(_list(screen, limit, given))


async def _list(screen: Screen, limit: int | None, filters: dict[str, Any]) -> None:
    drawn: list[Video] = []
    async with open_stream() as stream, aclosing(_some(stream, limit, filters)) as videos:
        async for video in videos:
            if screen.as_json:
                screen.line(to_dict(video))
            elif is_live(screen.out):
                drawn.append(video)
            else:
                click.echo("\t".join(row(video, local=False)))
    if drawn:
        screen.out.print(table(drawn, screen.out.width))
    if not screen.as_json and is_live(screen.out):
        screen.say((many(len(drawn), "video"), "dim"))


async def _some(stream: "Stream", limit: int | None, filters: dict[str, Any]) -> AsyncGenerator[Video]:
    """Give that many videos and ask for no more than that."""
    if limit is not None and limit <= _PAGE:
        for video in (await stream.list(limit=limit, **filters)).items:
            yield video
        return
    async with aclosing(stream.list(**filters).pages()) as pages:
        shown = 0
        async for page in pages:
            for video in page.items:
                if shown == limit:
                    return
                shown += 1
                yield video


@click.command(
    epilog=examples(
        ("cfstream get 6b9e68b07dfee8cc2d116e4c51d6a957", "what a person wants to know"),
        ("cfstream get 6b9e68b07dfee8cc2d116e4c51d6a957 --json", "all of it"),
    )
)
@click.argument("uid")
@json_option("the video as one JSON document")
@debug_option
def get(uid: str, as_json: bool) -> None:
    """Show one video."""
    screen = Screen(as_json=as_json)
    video = run_async(_get(uid))
    if as_json:
        screen.document(to_dict(video))
        return
    for name, value in details(video):
        screen.say((f"{name:<12}", "bold"), value)


async def _get(uid: str) -> Video:
    async with open_stream() as stream:
        return await stream.get(uid)


@click.command(
    epilog=examples(
        ("cfstream delete 6b9e68b07dfee8cc2d116e4c51d6a957", "asks first"),
        ("cfstream list --status error | cut -f1 | xargs cfstream delete --yes", "does not ask"),
    )
)
@click.argument("uids", metavar="UID...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option("one JSON document with what was deleted and what was not")
@debug_option
def delete(uids: Sequence[str], yes: bool, as_json: bool) -> int:
    """Delete videos for good."""
    screen = Screen(as_json=as_json)
    uids = list(dict.fromkeys(uids))
    stream = open_stream()
    # before the event loop runs: it would keep Ctrl-C from the prompt
    if not yes and not _ask(uids):
        raise click.ClickException("nothing was deleted")
    return run_async(_delete(stream, screen, uids))


def _ask(uids: Sequence[str]) -> bool:
    stdin: TextIO | None = sys.stdin  # None where it was closed
    if stdin is None or not stdin.isatty():
        raise SetupError("there is no terminal to ask on; --yes deletes without asking")
    for uid in uids:
        click.echo(f"  {clean(uid)}", err=True)
    return click.confirm(f"Delete {many(len(uids), 'video')} for good?", err=True)


async def _delete(stream: "Stream", screen: Screen, uids: Sequence[str]) -> int:
    failed: dict[str, StreamError] = {}
    async with stream:
        for uid in uids:
            try:
                await stream.delete(uid)
            except StreamError as error:
                failed[uid] = error
                click.echo(f"error: {clean(uid)}: {line_of(error)}", err=True)
            else:
                if not screen.as_json:
                    screen.say((tick(screen.out), "green"), f" deleted {clean(uid)}")
    done = [uid for uid in uids if uid not in failed]
    if screen.as_json:
        refused = [{"uid": uid, "error": problem(error)} for uid, error in failed.items()]
        screen.document({"deleted": done, "failed": refused})
    return code_of_many(len(done), map(code_of, failed.values()))
