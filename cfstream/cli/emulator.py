"""The command ``emulator``: a local service that runs until it is stopped."""

import shlex
from typing import TYPE_CHECKING, Literal

import click

from cfstream.cli.options import debug_option, examples, json_option
from cfstream.cli.running import run_async
from cfstream.cli.screen import Screen
from cfstream.cli.text import clean

if TYPE_CHECKING:
    from cfstream.emulator import Emulator


@click.command(
    epilog=examples(
        ("cfstream emulator", "videos are gone when it stops"),
        ("cfstream emulator --data ./videos --port 8787", "videos are kept"),
        ("cfstream emulator --json", "what to set, for programs"),
    )
)
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="0 takes a free one.")
@click.option("--data", metavar="DIR", type=click.Path(file_okay=False), help="Where videos are kept between runs.")
@click.option(
    "--preset",
    type=click.Choice(["fast", "full"]),
    default="fast",
    show_default=True,
    help="Encode two small sizes quickly, or every size up to 1080.",
)
@json_option("the variables and the page as one JSON document")
@debug_option
def emulator(port: int, data: str | None, preset: Literal["fast", "full"], as_json: bool) -> None:
    """Run a local Cloudflare Stream on 127.0.0.1 until Ctrl-C.

    The first lines are the variables to export in the terminal that is to use it.
    """
    run_async(_serve(Screen(as_json=as_json), port, data, preset))


async def _serve(screen: Screen, port: int, data: str | None, preset: Literal["fast", "full"]) -> None:
    from cfstream.emulator import Emulator

    async with Emulator(data, port=port, preset=preset) as emulator:
        variables = environment(emulator)
        page = emulator.url("/")
        if screen.as_json:
            screen.document({**variables, "page": page})
        else:
            for name, value in variables.items():
                screen.say(export(name, value))
            # on the other stream, so that the lines above can be kept in a file and sourced
            screen.say("\nThe videos are shown at ", (page, "bold"), console=screen.err)
            kept = f"kept in {clean(data)}" if data else "gone when this stops"
            screen.say((f"They are {kept}. Ctrl-C stops it.", "dim"), console=screen.err)
        await emulator.wait_closed()


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
