"""The emulator's pages in a real Chromium: moving pictures for those who may see them, and no scripts."""

import asyncio
import os
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Request, async_playwright

from cfstream import Stream
from cfstream.emulator import Emulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE = Path(__file__).parent
SIZE = (848, 480)
SMALLER = (424, 240)  # the other size that the emulator makes of it
SECONDS = 6  # two segments
HLS, MP4 = "manifest/video.m3u8", "player/video.mp4"
ALONE = "autoplay&muted"  # a page that starts by itself; browsers let only silent ones
SHOWN_WITHIN = 30

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
CAPTIONS = b"WEBVTT\n\n00:00.000 --> 00:02.000\nGood morning\n"
NAME = "</title><script>window.ran = true</script><img src=x onerror='window.ran = true'>"


@attrs.frozen(kw_only=True)
class Stage:
    """An emulator, what it has to show, and a client of it."""

    emulator: Emulator
    stream: Stream
    public: str
    private: str
    queued: str

    def site(self, path: str) -> str:
        return self.emulator.url(path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    from cfstream.emulator.media.testvideo import make_test_video

    film = tmp_path_factory.mktemp("film") / "film.mp4"
    await asyncio.to_thread(make_test_video, film, seconds=SECONDS, size=SIZE)
    async with Emulator() as emulator, emulator.stream() as stream:
        public = await stream.upload(film, name=NAME)
        private = await stream.upload(film, require_signed_urls=True)
        for video in (public, private):
            await stream.wait_until_ready(video.uid, timeout=60)
        emulator.pause_encoding()
        queued = await stream.upload(film, name=NAME)
        yield Stage(emulator=emulator, stream=stream, public=public.uid, private=private.uid, queued=queued.uid)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    executable = os.environ.get("CHROMIUM")
    if not executable:
        pytest.fail("CHROMIUM must name the browser; the session `browser` finds it")
    async with async_playwright() as playwright:
        # Its sandbox does not work for root nor in many containers, and the pages opened here are our own.
        browser = await playwright.chromium.launch(executable_path=executable, args=OFFLINE, chromium_sandbox=False)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, stage: Stage, tmp_path: Path) -> AsyncIterator[Page]:
    """A fresh page that asks nobody but the emulator for anything; a picture of it stays in the test's folder."""
    context = await browser.new_context()
    page = await context.new_page()
    asked = addresses(page)
    yield page
    await page.screenshot(path=tmp_path / "page.png")
    await context.close()
    assert [url for url in asked if not url.startswith((stage.site("/"), "blob:"))] == []


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


async def test_the_page_plays_hls_without_a_script(page: Page, stage: Stage) -> None:
    if not await plays_hls(page):
        pytest.skip("this browser plays no HLS by itself; Chromium does since 142")
    await page.goto(stage.site(f"/{stage.public}/watch?{ALONE}"))
    seen = await see_it_play(page)
    assert seen["source"] == stage.site(f"/{stage.public}/{HLS}")
    assert tuple(seen["size"]) in (SIZE, SMALLER)


async def test_without_hls_the_page_plays_the_mp4(page: Page, stage: Stage) -> None:
    await page.route(f"**/{HLS}", lambda route: route.abort())
    await page.goto(stage.site(f"/{stage.public}/watch?{ALONE}"))
    seen = await see_it_play(page)
    assert seen["source"] == stage.site(f"/{stage.public}/{MP4}")
    assert tuple(seen["size"]) == SIZE


async def test_the_page_waits_for_its_viewer(page: Page, stage: Stage) -> None:
    await page.goto(stage.site(f"/{stage.public}/watch"))
    video = page.locator("video")
    known = "video => video.readyState || new Promise(known => video.addEventListener('loadedmetadata', known))"
    await video.evaluate(known, timeout=SHOWN_WITHIN * 1000)
    assert await video.evaluate("video => [video.paused, video.currentTime, video.controls]") == [True, 0, True]
    await video.click()
    await see_it_play(page)


@pytest.mark.parametrize("size", [SMALLER, SIZE], ids="{0[1]}p".format)
async def test_the_dash_manifest_plays(page: Page, stage: Stage, size: tuple[int, int]) -> None:
    """No browser plays DASH by itself; a page of a few lines reads the manifest here, the browser does the rest."""
    empty = stage.site("/empty")
    await page.route(empty, lambda route: route.fulfill(content_type="text/html", body="<video muted></video>"))
    await page.goto(empty)
    manifest = stage.site(f"/{stage.public}/manifest/video.mpd")
    script = (HERE / "dash.js").read_text(encoding="utf-8")
    picture, sound = await evaluate(page, script, {"manifest": manifest, "height": size[1]})
    assert (picture["type"].split(";")[0], sound["type"].split(";")[0]) == ("video/mp4", "audio/mp4")
    for track in (picture, sound):
        assert track["segments"] == 2
        ((start, end),) = track["spans"]  # one span: the second segment goes on where the first one ends
        assert (start, end) == pytest.approx((0, SECONDS), abs=0.1)
    assert tuple((await see_it_play(page))["size"]) == size


async def test_captions_are_offered_and_load(page: Page, stage: Stage) -> None:
    await stage.stream.captions.language.update("en", identifier=stage.public, file=CAPTIONS)
    await page.goto(stage.site(f"/{stage.public}/watch"))
    track = await evaluate(
        page,
        """() => new Promise((loaded) => {
            const element = document.querySelector("track");
            element.addEventListener("load", () => loaded({
                language: element.track.language,
                label: element.track.label,
                cues: [...element.track.cues].map((cue) => [cue.startTime, cue.endTime, cue.text]),
            }));
            element.track.mode = "showing";
        })""",
    )
    assert track == {"language": "en", "label": "English", "cues": [[0, 2, "Good morning"]]}


async def test_a_private_page_needs_a_token(page: Page, stage: Stage) -> None:
    answer = await page.goto(stage.site(f"/{stage.private}/watch?{ALONE}"))
    assert answer is not None
    assert answer.status == 401
    assert await page.locator("video").count() == 0


@pytest.mark.parametrize("source", [HLS, MP4])
async def test_a_private_page_plays_with_a_token(page: Page, stage: Stage, source: str) -> None:
    if source == HLS and not await plays_hls(page):
        pytest.skip("this browser plays no HLS by itself; Chromium does since 142")
    if source == MP4:
        await page.route(f"**/{HLS}", lambda route: route.abort())
    token = str((await stage.stream.token.create(stage.private)).token)
    asked = addresses(page)
    await page.goto(stage.site(f"/{token}/watch?{ALONE}"))
    seen = await see_it_play(page)
    assert seen["source"] == stage.site(f"/{token}/{source}")
    assert any(url.endswith(".mp4") for url in asked)
    assert [url for url in asked if not url.startswith(stage.site(f"/{token}/"))] == []


@pytest.mark.parametrize("path", ["/", "/{public}/watch", "/{queued}/watch"])
async def test_a_name_stays_text_and_no_script_runs(page: Page, stage: Stage, path: str) -> None:
    address = stage.site(path.format(public=stage.public, queued=stage.queued))
    await page.route(address, lambda route: route.fulfill(status=204))  # the page of a queued video loads itself anew
    await page.route(address, lambda route: route.continue_(), times=1)
    await page.goto(address)
    body, foreign = await evaluate(page, "[document.body.innerText, document.querySelectorAll('script, img').length]")
    assert NAME in (body if path == "/" else await page.title())
    if "queued" in path:
        assert NAME in body
    assert foreign == 0
    # Even where a name got through, the page's policy would keep its script from running.
    directive = await evaluate(
        page,
        """() => new Promise((refused) => {
            document.addEventListener("securitypolicyviolation", (event) => refused(event.effectiveDirective));
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            if (window.ran) refused("nothing");
        })""",
    )
    assert directive.startswith("script-src")
    assert await evaluate(page, "window.ran === undefined")
