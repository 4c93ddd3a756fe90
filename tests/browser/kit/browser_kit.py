"""What the tests in a real browser share: how it starts, how to look at pictures that move, and a film to show."""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.async_api import ConsoleMessage, Page, Request

HERE = Path(__file__).parents[1]
SHOWN_WITHIN = 30
"""Seconds."""
FILM_SIZE = (848, 480)
FILM_SECONDS = 6
"""Two segments."""

# Nothing but the emulator has a name, so that no service of the browser's maker is found; the rest spares the tries.
OFFLINE = (
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-quic",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
)


def addresses(page: Page) -> list[str]:
    """Give the list that all addresses go to that the page asks for from now on."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    return asked


async def evaluate(page: Page, script: str, argument: Any = None) -> Any:
    async with asyncio.timeout(SHOWN_WITHIN):
        return await page.evaluate(script, argument)


def complaints(page: Page) -> list[str]:
    """Give the list that errors of the page's scripts and breaches of its policy go to from now on."""
    told: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            told.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: told.append(str(error)))
    return told


def film(folder: Path, name: str = "film.mp4", seconds: float = FILM_SECONDS) -> Path:
    """A file with a moving picture and a tone."""
    from cfstream.emulator.media.testvideo import make_test_video

    make_test_video(folder / name, seconds=seconds, size=FILM_SIZE)
    return folder / name


async def see_it_play(page: Page) -> Any:
    """Hold that the page's video moves, in time and in its pictures; give what was seen."""
    seen = await evaluate(page, (HERE / "pictures.js").read_text(encoding="utf-8"), {"count": 3, "apart": 0.5})
    pictures = seen["pictures"]
    for before, after in pairwise(pictures):
        assert after["clock"] > before["clock"]
        changed = sum(old != new for old, new in zip(before["pixels"], after["pixels"], strict=True))
        assert changed > len(after["pixels"]) / 50
    assert seen["sound"] > 0
    # The test picture is full of colours; a picture that was not decoded, or not shown to the canvas, has one.
    assert all(len(set(picture["pixels"])) > 100 for picture in pictures)
    return seen


async def plays_hls(page: Page) -> bool:
    kind = "application/vnd.apple.mpegurl"
    return bool(await evaluate(page, "kind => document.createElement('video').canPlayType(kind)", kind))
