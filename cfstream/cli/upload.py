"""The command ``upload``: several files at a time, each for itself."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import attrs
import click

from cfstream import StreamError, Video, to_dict
from cfstream.cli.account import open_stream
from cfstream.cli.bars import Board, board
from cfstream.cli.failures import advice, code_of_many, line_of, problem
from cfstream.cli.options import debug_option, examples, json_option, read_pair, read_size
from cfstream.cli.running import run_async
from cfstream.cli.screen import Screen, cross, is_live, tick
from cfstream.cli.text import clean, many

if TYPE_CHECKING:
    from cfstream import Stream

_AT_ONCE = 3


@click.command(
    epilog=examples(
        ("cfstream upload talk.mp4", "prints uid, name and state"),
        ("cfstream upload *.mp4 --wait", "three at a time, until each of them plays"),
        ("cfstream upload talk.mp4 --name 'My talk' --meta room=a1", "with metadata"),
        ("cfstream upload talk.mp4 --require-signed-urls --json", "a private video; one JSON document in a line"),
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
@click.option("--wait", is_flag=True, help="Wait until every quality is encoded; a failed encode is a failure.")
@json_option("one JSON document in a line for each file")
@debug_option
def upload(files: Sequence[str], wait: bool, as_json: bool, meta: Sequence[tuple[str, str]], **given: Any) -> int:
    """Upload video files over tus; lost connections are resumed.

    One file that fails does not stop the others.
    """
    if given["name"] is not None and len(files) > 1:
        raise click.UsageError("--name is for one FILE; each of several keeps its own name")
    options = {name: value for name, value in given.items() if value not in (None, ())}
    return run_async(_Uploads(Screen(as_json=as_json), {**options, "meta": dict(meta)}, wait=wait).run(files))


@attrs.define
class _Uploads:
    """The uploads of one command."""

    screen: Screen
    options: Mapping[str, Any]
    wait: bool = attrs.field(kw_only=True)
    _slots: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(_AT_ONCE), init=False)
    _done: int = attrs.field(default=0, init=False)
    _failed: list[tuple[str, Exception]] = attrs.field(factory=list, init=False)

    async def run(self, files: Sequence[str]) -> int:
        """Upload all files and give the exit code."""
        console, live = self._canvas()
        async with open_stream() as stream:
            with board(console, live=live) as shown:
                async with asyncio.TaskGroup() as group:
                    for file in files:
                        group.create_task(self._one(stream, shown, file, len(files)))
        self._report(len(files))
        return code_of_many(self._done, [error for _, error in self._failed])

    def _canvas(self) -> Any:
        """Give the console that shows progress, and whether it can be drawn over without harm to the results."""
        screen = self.screen
        if is_live(screen.out):
            return (screen.err, False) if screen.as_json else (screen.out, True)
        return screen.err, is_live(screen.err)

    async def _one(self, stream: "Stream", shown: Board, file: str, total: int) -> None:
        shown.count(self._done + len(self._failed), total)
        try:
            video = await self._upload(stream, shown, file)
        except (StreamError, OSError) as error:
            self._failed.append((file, error))
            self._tell_failure(file, error, total)
        else:
            self._done += 1
            self._tell(file, video)
        shown.count(self._done + len(self._failed), total)

    async def _upload(self, stream: "Stream", shown: Board, file: str) -> Video:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._slots)
            bar = stack.enter_context(shown.bar(file))
            video = await stream.upload(file, on_progress=bar.sent, **self.options)
        if not self.wait:
            return video
        with shown.bar(file) as bar:
            return await stream.wait_until_ready(video.uid, timeout=None, on_state=bar.state)

    def _tell(self, file: str, video: Video) -> None:
        screen = self.screen
        if screen.as_json:
            screen.line({"file": file, "uid": video.uid, "state": video.status.state, "video": to_dict(video)})
        elif is_live(screen.out):
            mark = (tick(screen.out), "green")
            screen.say(mark, " ", (clean(video.uid), "bold"), f"  {clean(file)}  ", (clean(video.status.state), "dim"))
        else:
            click.echo("\t".join((clean(video.uid), clean(file), clean(video.status.state))))

    def _tell_failure(self, file: str, error: Exception, total: int) -> None:
        if self.screen.as_json:
            self.screen.line({"file": file, "error": problem(error)})
        elif total > 1:  # the reason comes at the end, where it is seen
            console = self.screen.out if is_live(self.screen.out) else self.screen.err
            self.screen.say((cross(console), "red"), f" {clean(file)} failed", console=console)

    def _report(self, total: int) -> None:
        """List what failed, and what to do about it, at the end, where it is seen."""
        alike: dict[tuple[str, str | None], list[str]] = {}
        for file, error in self._failed:
            alike.setdefault((line_of(error), advice(error)), []).append(clean(file))
        for (line, what), (first, *others) in alike.items():
            click.echo(f"error: {first}{f' and {len(others):,} more' if others else ''}: {line}", err=True)
            if what:
                click.echo(f"  {what}", err=True)
        if self._failed and total > 1:
            click.echo(f"{len(self._failed):,} of {many(total, 'file')} failed", err=True)
