"""The command ``download``: a video, or its sound, as a file."""

from pathlib import Path
from typing import Any, get_args

import attrs
import click

from cfstream import UploadProgress
from cfstream.cli.account import open_stream
from cfstream.cli.bars import Bar, board
from cfstream.cli.options import debug_option, examples, json_option
from cfstream.cli.running import run_async
from cfstream.cli.screen import Screen, is_live, tick
from cfstream.cli.text import clean, size
from cfstream.models import DownloadProgress, DownloadType

_TYPES = get_args(DownloadType)


@click.command(
    epilog=examples(
        ("cfstream download 6b9e68b07dfee8cc2d116e4c51d6a957", "to <uid>.mp4 in this folder"),
        ("cfstream download 6b9e68b07dfee8cc2d116e4c51d6a957 -o talk.mp4", "to a file of that name"),
        ("cfstream download 6b9e68b07dfee8cc2d116e4c51d6a957 --type audio", "the sound alone, to <uid>.m4a"),
        ("cfstream download 6b9e68b07dfee8cc2d116e4c51d6a957 --signed", "a video with signed URLs"),
    )
)
@click.argument("uid")
@click.option("--type", "download_type", type=click.Choice(_TYPES), default="default", help="default: MP4; audio: M4A.")
@click.option(
    "-o", "--output", "path", default=".", metavar="PATH", help="The new file, or a folder; here unless given."
)
@click.option("--signed", is_flag=True, help="Have a token made for it, as a video with signed URLs needs one.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@json_option("one JSON document")
@debug_option
def download(as_json: bool, **given: Any) -> None:
    """Save a ready video as a file; the download is made where it is not, and lost connections are resumed.

    What a stopped download has left in PATH.part is taken up by the next one, in whole blocks of 64 MiB.
    """
    screen = Screen(as_json=as_json)
    _tell(screen, given["uid"], run_async(_download(screen, **given)))


async def _download(screen: Screen, *, uid: str, path: str, signed: bool, **options: Any) -> Path:
    console = screen.human if is_live(screen.human) else screen.err
    async with open_stream() as stream:
        if signed:
            options["token"] = (await stream.token.create(uid, downloadable=True)).token
        with board(console, live=is_live(console)) as shown, shown.bar(uid) as bar:
            return await stream.downloads.save(uid, path, on_progress=_Shown(bar).received, **options)


def _tell(screen: Screen, uid: str, saved: Path) -> None:
    count = saved.stat().st_size
    if screen.as_json:
        screen.document({"uid": uid, "path": str(saved), "bytes": count})
    elif is_live(screen.out):
        mark = (tick(screen.out), "green")
        screen.say(mark, " ", (clean(str(saved)), "bold"), f"  {size(count)}")
    else:
        click.echo("\t".join((clean(uid), clean(str(saved)), str(count))))


@attrs.frozen
class _Shown:
    """A bar of uploads that shows a download."""

    bar: Bar

    def received(self, event: DownloadProgress) -> None:
        """Show how far it is, where the length of the file is known."""
        if event.total is not None:
            self.bar.sent(
                UploadProgress(
                    source=event.path,
                    uid=event.uid,
                    bytes=event.bytes,
                    total=event.total,
                    rate=event.rate,
                    attempt=event.attempt,
                )
            )
