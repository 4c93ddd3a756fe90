"""The command ``upload``: files, folders, and lists of files."""

from collections.abc import Sequence
from typing import Any

import click

from cfstream.cli.finding import STANDARD_INPUT, Files
from cfstream.cli.options import debug_option, examples, json_option, read_pair, read_size
from cfstream.cli.running import StoppedError, run_async
from cfstream.cli.screen import Screen

_AT_ONCE = 3  # the uplink of a desk is full with that, and what is on its way is soon done
_AT_ONCE_MOST = 1000


@click.command(
    epilog=examples(
        ("cfstream upload talk.mp4", "prints uid, name and state"),
        ("cfstream upload *.mp4 --wait", "until each of them plays"),
        ("cfstream upload talk.mp4 --name 'My talk' --meta room=a1", "with metadata"),
        ("cfstream upload talk.mp4 --require-signed-urls --json", "a private video; one JSON document in a line"),
        ("cfstream upload talks/ --journal talks.db", "a folder; after a stop the same command goes on"),
        ("find . -name '*.mov' -print0 | cfstream upload -0 -", "a list of any length"),
    )
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--name", help="What the dashboard shows; the file's name unless given. For one FILE.")
@click.option("--meta", type=read_pair, multiple=True, metavar="KEY=VALUE", help="Further metadata; repeatable.")
@click.option("--creator", metavar="ID", help="Your own id of whoever made the video.")
@click.option("--require-signed-urls", is_flag=True, default=None, help="Playback needs a signed token.")
@click.option(
    "--allowed-origin", "allowed_origins", multiple=True, metavar="HOST", help="Where it may be embedded; repeatable."
)
@click.option("--max-duration-seconds", type=int, metavar="N", help="Refuse a longer video after the upload.")
@click.option("--chunk-size", type=read_size, metavar="SIZE", help="5MiB to 200MiB; 50MiB unless given.")
@click.option(
    "--journal",
    type=click.Path(dir_okay=False),
    metavar="PATH",
    help="Keep here what is begun and done, so that the same command goes on.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, _AT_ONCE_MOST),
    default=_AT_ONCE,
    metavar="N",
    help=f"How many at once; {_AT_ONCE} unless given. Many small files want more.",
)
@click.option("--max-failures", type=click.IntRange(0), metavar="N", help="Stop after more failures than that.")
@click.option("-0", "--null", is_flag=True, help="A zero byte ends each name of the list on standard input.")
@click.option("--wait", is_flag=True, help="Wait until every quality is encoded; a failed encode is a failure.")
@json_option("one JSON document in a line for each file")
@debug_option
def upload(
    *,
    files: Sequence[str],
    journal: str | None,
    null: bool,
    wait: bool,
    as_json: bool,
    meta: Sequence[tuple[str, str]],
    **given: Any,
) -> int:
    """Upload video files over tus; lost connections are resumed.

    FILE may be a folder: the videos in it and below, by the ends of their names, without hidden ones. A FILE of -
    reads names from standard input, one in a line. One file that fails does not stop the others.
    """
    from cfstream.cli.uploading import Uploading  # when it is needed: it brings the HTTP client

    named = Files(files, null=null)
    _check(named, given["name"])
    options = {name: value for name, value in given.items() if value not in (None, ())} | {"meta": dict(meta)}
    work = Uploading(screen=Screen(as_json=as_json), files=named, journal=journal, wait=wait, options=options)
    try:
        return run_async(work.run())
    except StoppedError as stopped:
        raise StoppedError(stopped.number, work.how_to_go_on) from stopped


def _check(files: Files, name: str | None) -> None:
    if name is not None and files.several:
        raise click.UsageError("--name is for one FILE; each of several keeps its own name")
    if files.arguments.count(STANDARD_INPUT) > 1:
        raise click.UsageError("- is given more than once; standard input can be read once")
    if files.null and not files.listed:
        raise click.UsageError("--null is for a list on standard input; give - as FILE")
