"""Pictures of dashboard and player, which the documentation shows: CFSTREAM_PICTURES names the folder they go to."""

import asyncio
import os
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from browser_kit import SHOWN_WITHIN, evaluate
from playwright.async_api import Browser, Page, ViewportSize, expect

from cfstream import Stream
from cfstream.emulator import Emulator, Fault

pytestmark = pytest.mark.asyncio(loop_scope="module")
expect.set_options(timeout=SHOWN_WITHIN * 1000)

VIEW: ViewportSize = {"width": 1180, "height": 720}
SMALL = 200_000  # bytes: they are kept in the repository
_LIGHTS = "gradients=size=640x360:rate=25:n=4:speed=0.01"
SCENES = {
    "Northern lights.mp4": f"{_LIGHTS}:seed=7:c0=0x04121f:c1=0x0b5d55:c2=0x51d88a:c3=0x1d2b64",
    "Zoom into the set.mov": "mandelbrot=size=640x360:rate=25:start_scale=0.7:end_scale=0.1",
    "Warm-up.webm": f"{_LIGHTS}:seed=3:c0=0x2b0a3d:c1=0xb5179e:c2=0xf77f00:c3=0xfcbf49",
}
CAPTIONS = b"WEBVTT\n\n00:00.000 --> 00:06.000\nAbove the clouds it is never dark for long.\n"


def paint(path: Path, source: str, seconds: float = 4) -> Path:
    """A short film of a source of libavfilter."""
    import av
    from av.filter import Graph

    graph = Graph()
    name, _, options = source.partition("=")
    graph.link_nodes(graph.add(name, options), graph.add("format", "yuv420p"), graph.add("buffersink")).configure()
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height = 640, 360
        for _ in range(round(seconds * 25)):
            frame = graph.vpull()
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get("CFSTREAM_PICTURES")
    return Path(given) if given else tmp_path_factory.mktemp("pictures")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Emulator, Stream, dict[str, str]]]:
    films = tmp_path_factory.mktemp("films")
    for name, source in SCENES.items():
        await asyncio.to_thread(paint, films / name, source)
    async with Emulator(seed=films, preset="full") as emulator, emulator.stream() as stream:
        uids = {video.name or "": uid for uid, video in emulator.videos.items()}
        await stream.captions.language.update("en", identifier=uids["Northern lights.mp4"], file=CAPTIONS)
        broken = await stream.upload(b"no video at all", name="notes.txt")
        while emulator.videos[broken.uid].state != "error":  # noqa: ASYNC110  # the emulator tells nobody
            await asyncio.sleep(0.05)
        emulator.pause_encoding()
        await stream.upload(films / "Warm-up.webm", name="Outtakes.mp4", require_signed_urls=True)
        await stream.live_inputs.create(meta={"name": "Studio"}, recording={"mode": "automatic"})
        emulator.faults.add("STREAM_GET", Fault.status(503, headers={"Retry-After": "0"}), Fault.drop())
        await stream.get(uids["Warm-up.webm"])
        emulator.faults.add("TUS_PATCH", Fault.drop(after_bytes=1000), times=3)
        yield emulator, stream, uids
        emulator.faults.clear()


async def picture(page: Page, path: Path) -> None:
    """Write a picture and hold that it is one, and a small one."""
    data = await page.screenshot(animations="disabled")
    path.write_bytes(data)  # noqa: ASYNC240  # nothing else happens meanwhile
    assert struct.unpack(">II", data[16:24]) == (VIEW["width"], VIEW["height"])
    assert 5_000 < len(data) < SMALL, len(data)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pictures_of_the_dashboard(
    browser: Browser, shown: tuple[Emulator, Stream, dict[str, str]], folder: Path, scheme: str
) -> None:
    emulator, _, _ = shown
    context = await browser.new_context(color_scheme="dark" if scheme == "dark" else "light", viewport=VIEW)
    page = await context.new_page()
    await page.goto(emulator.dashboard_url)
    await expect(page.locator(".video")).to_have_count(5)
    loaded = "() => [...document.querySelectorAll('.video img')].filter((image) => image.naturalWidth).length === 3"
    await page.wait_for_function(loaded, timeout=SHOWN_WITHIN * 1000)
    await picture(page, folder / f"dashboard-{scheme}.png")
    await page.get_by_role("link", name="Requests and faults").click()
    await expect(page.locator(".faults").first).to_contain_text("\N{MULTIPLICATION SIGN} 3")
    if scheme == "light":
        await picture(page, folder / "requests.png")
    await context.close()


async def test_a_picture_of_the_player(
    browser: Browser, shown: tuple[Emulator, Stream, dict[str, str]], folder: Path
) -> None:
    emulator, _, uids = shown
    context = await browser.new_context(viewport=VIEW)
    page = await context.new_page()
    await page.goto(emulator.url(f"/{uids['Northern lights.mp4']}/watch?autoplay&muted&defaultTextTrack=en"))
    await page.wait_for_function("() => document.querySelector('video').currentTime > 1", timeout=SHOWN_WITHIN * 1000)
    await evaluate(page, "document.querySelector('video').pause()")
    await picture(page, folder / "player.png")
    await context.close()
