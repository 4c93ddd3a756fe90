"""The command ``demo``: a real video through the local service, from upload to playback."""

import asyncio
import math
import tempfile
import time
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import attrs
import click
from rich.padding import Padding

from cfstream import Video, to_dict
from cfstream.cli.bars import board
from cfstream.cli.emulator import environment, export, run_until_stopped, started
from cfstream.cli.options import debug_option, examples, json_option
from cfstream.cli.paced import PacedFile
from cfstream.cli.screen import Screen, is_live
from cfstream.cli.steps import Steps
from cfstream.cli.tables import row, table
from cfstream.cli.text import clean, many, rate, size

if TYPE_CHECKING:
    from cfstream import Stream
    from cfstream.emulator import Emulator
    from cfstream.emulator.media.jobs import MakeJob, PlayJob

_MIB = 1024**2
_CHUNK = 5 * _MIB
_SECONDS = 8
_PACE = 8_000_000
_SHOWN = 5
_INDENT = 4


@click.command(
    epilog=examples(
        ("cfstream demo", "a test video, made on the spot"),
        ("cfstream demo talk.mp4", "a video of yours; nothing leaves this machine"),
        ("cfstream demo --serve", "keeps running, so that a browser can play it"),
    )
)
@click.argument("file", required=False)
@click.option("--serve", is_flag=True, help="Keep serving afterwards, until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Where to serve; else a free port.")
@json_option("one JSON document with what was done")
@debug_option
def demo(file: str | None, serve: bool, port: int, as_json: bool) -> None:
    """See a real video go through a local service.

    It is uploaded over tus, encoded, listed and played back from its HLS, all on this machine: no account and no
    network are needed. Without FILE a test video is made.
    """
    served = asyncio.Event()
    run_until_stopped(_demo(Screen(as_json=as_json), file, served, serve=serve, port=port), served)


async def _demo(screen: Screen, file: str | None, served: asyncio.Event, *, serve: bool, port: int) -> None:
    from cfstream.emulator import Emulator

    screen.say(("cfstream demo", "bold"), ": a real video through a local Cloudflare Stream\n")
    steps = Steps(screen.human)
    async with AsyncExitStack() as stack:
        with steps.step("Starting the emulator") as step:
            emulator = await stack.enter_async_context(started(Emulator(port=port)))
            stream = await stack.enter_async_context(emulator.stream())
            step.tell("Started the emulator at ", emulator.url("/"))
        tour = _Tour(screen, steps, stream)
        if file is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cfstream-demo-"))
            video = await tour.upload(await tour.make(Path(folder)), made=True)
        else:
            video = await tour.upload(file, made=False)
        video = await tour.encode(video)
        await tour.show_library()
        await tour.play(video)
        if screen.as_json:
            screen.document({**tour.report, **({"environment": environment(emulator)} if serve else {})})
        _say_summary(screen, steps, video)
        if serve:
            served.set()
            _say_serving(screen, emulator)
            await emulator.wait_closed()
    screen.say("The emulator has stopped, and these addresses with it. To keep it running and open the")
    screen.say("player in a browser, add ", ("--serve", "bold"), " to the command.")


@attrs.define
class _Tour:
    """The way of one video, step by step, and the report of it."""

    screen: Screen
    steps: Steps
    stream: "Stream"
    report: dict[str, Any] = attrs.field(factory=dict, init=False)

    async def make(self, folder: Path) -> str:
        """Make a video to upload."""
        from cfstream.emulator.media.jobs import MakeJob

        job = MakeJob(target=folder / "test-picture.mp4", seconds=_SECONDS)
        with self.steps.step("Making a test video") as step:
            made = await _done(job)
            step.tell(f"Made a test video of {_SECONDS} s: moving picture and tone, {size(made['size'])}")
        return str(job.target)

    async def upload(self, path: str, *, made: bool) -> Video:
        """Upload it; what was made for the demo at a speed that can be watched, if somebody does."""
        console = self.screen.human
        paced = made and is_live(console)
        with self.steps.step("Uploading", spinner=False) as step, board(console, live=is_live(console)) as shown:
            with shown.bar("Uploading") as bar, _opened(path, paced=paced) as source:
                began = time.monotonic()
                video = await self.stream.upload(source, chunk_size=_CHUNK, on_progress=bar.sent)
                took = time.monotonic() - began
            total = video.size or 0
            chunks = math.ceil(total / _CHUNK)
            speed = rate(total / took) + (", slowed down to be watched" if paced else "")
            step.tell(f"Uploaded over tus: {size(total)} in {many(chunks, 'chunk')}, {speed}")
        self.report["upload"] = {"bytes": total, "chunks": chunks, "seconds": round(took, 3)}
        return video

    async def encode(self, video: Video) -> Video:
        """Wait for the encoder, and keep the states as they pass."""
        console, seen, began = self.screen.human, list[dict[str, Any]](), time.monotonic()
        with self.steps.step("Encoding", spinner=False) as step, board(console, live=is_live(console)) as shown:
            with shown.bar("Encoding") as bar:

                def on_state(now: Video) -> None:
                    bar.state(now)
                    passed = round(time.monotonic() - began, 3)
                    status = now.status
                    seen.append({"state": status.state, "pct_complete": status.pct_complete, "seconds": passed})

                video = await self.stream.wait_until_ready(video.uid, timeout=None, on_state=on_state)
            first = {each["state"]: each["seconds"] for each in reversed(seen)}
            passed = (f"{clean(state)} {first[state]:.1f} s" for state in reversed(first))
            step.tell(f"Encoded: {', '.join(passed)}")
        self.report |= {"states": seen, "video": to_dict(video)}
        return video

    async def show_library(self) -> None:
        """List what is there."""
        console = self.screen.human
        with self.steps.step("Listing the library") as step:
            videos = (await self.stream.list(limit=_SHOWN)).items
            step.tell(f"Listed the library: {many(len(videos), 'video')}")
        if is_live(console):
            console.print(Padding(table(videos, console.width - _INDENT), (0, 0, 0, _INDENT)))
        else:
            for video in videos:
                uid, name, state, duration, created = row(video, local=False)
                length = f"{duration} s" if duration else "-"
                self.screen.say(f"    {uid}  {name}  {state}  {length}  {created}")

    async def play(self, video: Video) -> None:
        """Prove that it plays: fetch what a player fetches, and decode it."""
        from cfstream.emulator.media.jobs import PlayJob

        with self.steps.step("Playing it back") as step:
            proof = await _done(PlayJob(address=video.playback.hls or ""))
            del proof["event"]
            picture = f"{proof['frames']:,} pictures of {proof['width']}x{proof['height']} decoded"
            sound = "with sound" if proof["audio_frames"] else "without sound"
            step.tell(f"Played its HLS back: {picture}, {sound}")
        self.report["playback"] = proof


async def _done(job: "MakeJob | PlayJob") -> dict[str, Any]:
    """Do media work in a child process, which Ctrl-C ends at any moment.

    Raises:
        EmulatorError: the test video could not be made, or what the emulator serves not be played.
    """
    from cfstream.emulator import EmulatorError
    from cfstream.emulator.media.errors import MediaError
    from cfstream.emulator.media.runner import run_job

    try:
        return await run_job(job)
    except MediaError as error:
        raise EmulatorError(f"{job.name}: {error.text}") from error


@contextmanager
def _opened(path: str, *, paced: bool) -> Generator[str | BinaryIO]:
    if not paced:
        yield path
        return
    with PacedFile(path, _PACE) as file:
        yield file


def _say_summary(screen: Screen, steps: Steps, video: Video) -> None:
    screen.say()
    screen.say((f"It works: the video went all the way in {steps.seconds:.1f} s.", "bold green"))
    screen.say()
    for name, address in (
        ("player", video.preview),
        ("manifest", video.playback.hls),
        ("thumbnail", video.thumbnail),
    ):
        screen.say((f"  {name:<11}", "bold"), clean(address or ""))
    screen.say()


def _say_serving(screen: Screen, emulator: "Emulator") -> None:
    screen.say("Open the player in a browser, or the dashboard of everything:\n")
    screen.say((f"  {'dashboard':<11}", "bold"), emulator.dashboard_url)
    screen.say("\nTo use this service from another terminal:\n")
    for name, value in environment(emulator).items():
        screen.say(export(name, value))
    screen.say(("\nServing until Ctrl-C.", "dim"))
