"""The command ``emulator``: a local service that runs until it is stopped."""

import asyncio
import errno
import os
import shlex
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from cfstream.cli.options import debug_option, examples, json_option
from cfstream.cli.running import StoppedError, run_async
from cfstream.cli.screen import Screen
from cfstream.cli.text import clean
from cfstream.emulator.errors import EmulatorError

if TYPE_CHECKING:
    from cfstream.emulator import Emulator

TOKEN: Final = "CFSTREAM_EMULATOR_TOKEN"  # noqa: S105  # the name of a variable


@click.command(
    epilog=examples(
        ("cfstream emulator", "videos are gone when it stops"),
        ("cfstream emulator --data ./videos --port 8787", "videos are kept"),
        ("cfstream emulator --seed ./fixtures", "with these videos in it"),
        ("cfstream emulator --json", "what to set, for programs"),
        (f"{TOKEN}=... cfstream emulator --host 0.0.0.0", "for other machines, too"),
    )
)
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="0 takes a free one.")
@click.option(
    "--live-port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Where broadcasts come in by RTMP; 0 takes a free one.",
)
@click.option("--data", metavar="DIR", type=click.Path(file_okay=False), help="Where videos are kept between runs.")
@click.option(
    "--seed",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="A folder whose media files are in the account from the start.",
)
@click.option(
    "--preset",
    type=click.Choice(["fast", "full"]),
    default="fast",
    show_default=True,
    help="Encode two small sizes quickly, or every size up to 1080.",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help=f"Where to listen. For an address that others can reach, put a token into {TOKEN}.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="A name that others know this machine by, such as a container's.",
)
@click.option("--allow-private-fetch", is_flag=True, help="Let it fetch from this machine and its network, too.")
@click.option("--disk-quota", type=click.IntRange(0), metavar="BYTES", help="The most that videos may take on disk.")
@click.option(
    "--transcriber",
    metavar="MODULE:FUNCTION",
    help="A Python function that writes captions: it takes an audio file and a language.",
)
@json_option("the variables and the page as one JSON document")
@debug_option
def emulator(as_json: bool, **options: Any) -> None:
    """Run a local Cloudflare Stream until Ctrl-C.

    The first lines are the variables to export in the terminal that is to use it. The token is a new one
    each time, unless CFSTREAM_EMULATOR_TOKEN has one.
    """
    served = asyncio.Event()
    run_until_stopped(_serve(Screen(as_json=as_json), served, options), served)


async def _serve(screen: Screen, served: asyncio.Event, options: dict[str, Any]) -> None:
    from cfstream.emulator import Emulator
    from cfstream.emulator.encoding.transcribing import load

    data, seed, name = options.pop("data"), options.pop("seed"), options.pop("transcriber")
    transcriber = None if name is None else load(name)
    token = os.environ.get(TOKEN) or None
    with _token_advised():
        made = Emulator(data, api_token=token, transcriber=transcriber, **options)
    async with started(made) as emulator:
        served.set()
        variables = environment(emulator)
        pages = {"page": emulator.url("/"), "dashboard": emulator.dashboard_url, "live": emulator.live_url}
        if screen.as_json:
            screen.document({**variables, **pages})
        else:
            for name, value in variables.items():
                screen.say(export(name, value))
            # on the other stream, so that the lines above can be kept in a file and sourced
            screen.say("\nThe dashboard is at ", (pages["dashboard"], "bold"), console=screen.err)
            screen.say(f"Broadcasts come in at {pages['live']}", console=screen.err)
            kept = f"kept in {clean(data)}" if data else "gone when this stops"
            screen.say((f"The videos are {kept}. Ctrl-C stops it.", "dim"), console=screen.err)
        if seed is not None:
            seeded = await emulator.seed(seed)
            screen.say((f"Seeded from {clean(seed)}: {len(seeded)}", "dim"), console=screen.err)
        await emulator.wait_closed()


def run_until_stopped(work: Coroutine[Any, Any, None], served: asyncio.Event) -> None:
    """Run what serves until somebody stops it.

    Raises:
        StoppedError: it was stopped before it served.
    """
    try:
        run_async(work)
    except StoppedError:
        # somebody has to stop a server: only before it serves is that a failure
        if not served.is_set():
            raise


@contextmanager
def _token_advised() -> Generator[None]:
    try:
        yield
    except EmulatorError as error:
        if "api_token" not in str(error):
            raise
        # no option takes it: what is typed in a command line others can read
        raise EmulatorError(f"{error}; put one into {TOKEN}") from error


@asynccontextmanager
async def started(emulator: "Emulator") -> AsyncGenerator["Emulator"]:
    """Run an emulator; the error of a port in use says which option takes another."""
    async with AsyncExitStack() as stack:
        with _port_advised():
            await stack.enter_async_context(emulator)
        yield emulator


@contextmanager
def _port_advised() -> Generator[None]:
    try:
        yield
    except EmulatorError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError) or cause.errno != errno.EADDRINUSE:
            raise
        option = "--live-port" if "RTMP" in str(error) else "--port"
        raise EmulatorError(f"{error}; {option} 0 takes a free one") from cause


def environment(emulator: "Emulator") -> dict[str, str]:
    """Give the variables that lead every client to the emulator."""
    return {
        "CLOUDFLARE_API_TOKEN": emulator.api_token,
        "CLOUDFLARE_ACCOUNT_ID": emulator.account_id,
        "CLOUDFLARE_BASE_URL": emulator.base_url,
    }


def export(name: str, value: str) -> str:
    """Give the line that sets a variable in a shell."""
    return f"export {name}={shlex.quote(value)}"
