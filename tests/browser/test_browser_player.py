"""The emulator's player in a real Chromium: moving pictures for those who may see them, as its parameters say."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
import pytest_asyncio
from browser_kit import FILM_SECONDS, FILM_SIZE, HERE, SHOWN_WITHIN, addresses, evaluate, film, plays_hls, see_it_play
from playwright.async_api import Page, expect

from cfstream import Stream
from cfstream.emulator import Emulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALLER = (424, 240)  # the other size that the emulator makes of the film
HLS, MP4 = "manifest/video.m3u8", "player/video.mp4"
ALONE = "autoplay&muted"  # a page that starts by itself; browsers let only silent ones

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
    file = await asyncio.to_thread(film, tmp_path_factory.mktemp("film"))
    async with Emulator() as emulator, emulator.stream() as stream:
        public = await stream.upload(file, name=NAME)
        private = await stream.upload(file, require_signed_urls=True)
        for video in (public, private):
            await stream.wait_until_ready(video.uid, timeout=60)
        emulator.pause_encoding()
        queued = await stream.upload(file, name=NAME)
        yield Stage(emulator=emulator, stream=stream, public=public.uid, private=private.uid, queued=queued.uid)


async def test_the_page_plays_hls(page: Page, stage: Stage) -> None:
    if not await plays_hls(page):
        pytest.skip("this browser plays no HLS by itself; Chromium does since 142")
    await page.goto(stage.site(f"/{stage.public}/watch?{ALONE}"))
    seen = await see_it_play(page)
    assert seen["source"] == stage.site(f"/{stage.public}/{HLS}")
    assert tuple(seen["size"]) in (FILM_SIZE, SMALLER)


async def test_without_hls_the_page_plays_the_mp4(page: Page, stage: Stage) -> None:
    await page.route(f"**/{HLS}", lambda route: route.abort())
    await page.goto(stage.site(f"/{stage.public}/watch?{ALONE}"))
    seen = await see_it_play(page)
    assert seen["source"] == stage.site(f"/{stage.public}/{MP4}")
    assert tuple(seen["size"]) == FILM_SIZE


async def test_the_page_waits_for_its_viewer(page: Page, stage: Stage) -> None:
    await page.goto(stage.site(f"/{stage.public}/watch"))
    video = page.locator("video")
    known = "video => video.readyState || new Promise(known => video.addEventListener('loadedmetadata', known))"
    await video.evaluate(known, timeout=SHOWN_WITHIN * 1000)
    assert await video.evaluate("video => [video.paused, video.currentTime, video.controls]") == [True, 0, True]
    await page.get_by_role("button", name="Play").click()
    await see_it_play(page)
    assert await page.locator(".play").count() == 0


@pytest.mark.parametrize("size", [SMALLER, FILM_SIZE], ids="{0[1]}p".format)
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
        assert (start, end) == pytest.approx((0, FILM_SECONDS), abs=0.1)
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
    own = (stage.site(f"/{token}/"), stage.site("/_pages/"))
    assert [url for url in asked if not url.startswith(own)] == []


async def test_a_subtitle_is_on_the_screen(page: Page, stage: Stage) -> None:
    await stage.stream.captions.language.update("en", identifier=stage.public, file=CAPTIONS)
    await page.goto(stage.site(f"/{stage.public}/iframe?{ALONE}&defaultTextTrack=en"))
    shown = """() => {
        const cues = document.querySelector("video").textTracks[0].activeCues ?? [];
        return [...cues].some((cue) => cue.text === "Good morning");
    }"""
    await page.wait_for_function(shown, timeout=SHOWN_WITHIN * 1000)
    assert await evaluate(page, "document.querySelector('video').textTracks[0].mode") == "showing"


async def test_the_parameters_are_followed(page: Page, stage: Stage) -> None:
    wishes = "controls=false&loop=true&startTime=0h0m4s&letterboxColor=%23123456&primaryColor=rgb(0,128,0)&preload=auto"
    await page.goto(stage.site(f"/{stage.public}/iframe?{ALONE}&{wishes}"))
    await page.wait_for_function("() => document.querySelector('video').currentTime > 4", timeout=SHOWN_WITHIN * 1000)
    look = """() => {
        const video = document.querySelector("video");
        const root = getComputedStyle(document.documentElement);
        const behind = getComputedStyle(video).backgroundColor;
        return [video.controls, video.loop, video.muted, behind, root.getPropertyValue("--primary")];
    }"""
    assert await evaluate(page, look) == [False, True, True, "rgb(18, 52, 86)", "rgb(0,128,0)"]
    # It begins anew, from the beginning.
    await page.wait_for_function("() => document.querySelector('video').currentTime < 3", timeout=SHOWN_WITHIN * 1000)


@pytest.mark.parametrize("value", ["red;background:url(//evil.example)", "url(//evil.example)", "var(--x)}"])
async def test_what_is_no_colour_changes_nothing(page: Page, stage: Stage, value: str) -> None:
    await page.goto(stage.site(f"/{stage.public}/iframe"))
    before = await evaluate(page, "getComputedStyle(document.body).background")
    await page.goto(stage.site(f"/{stage.public}/iframe?letterboxColor={value}&primaryColor={value}"))
    await expect(page.locator(".play")).to_be_visible()
    assert await evaluate(page, "getComputedStyle(document.body).background") == before
    assert await evaluate(page, "document.documentElement.getAttribute('style')") is None


async def test_a_private_page_says_why_it_shows_nothing(page: Page, stage: Stage) -> None:
    await page.goto(stage.site(f"/{stage.private}/iframe"))
    await expect(page.get_by_role("heading")).to_have_text("This video is private")


async def test_a_page_that_waits_shows_the_video_as_soon_as_it_is_ready(page: Page, tmp_path: Any) -> None:
    async with Emulator() as emulator, emulator.stream() as stream:
        emulator.pause_encoding()
        video = await stream.upload(await asyncio.to_thread(film, tmp_path), name="Mine")
        await page.goto(emulator.url(f"/{video.uid}/iframe?{ALONE}"))
        await expect(page.get_by_role("heading")).to_have_text("Waiting to be encoded")
        emulator.step_encoding()
        await page.wait_for_selector("video", timeout=SHOWN_WITHIN * 1000)
        await see_it_play(page)


async def test_a_broadcast_is_seen_and_what_is_left_when_it_ends(page: Page) -> None:
    if not await plays_hls(page):
        pytest.skip("this browser plays no HLS by itself; Chromium does since 142")
    async with Emulator() as emulator, emulator.stream() as stream:
        made = await stream.live_inputs.create(meta={"name": "Studio"}, recording={"mode": "automatic"})
        await page.goto(emulator.url(f"/{made.uid}/iframe?{ALONE}"))
        await expect(page.get_by_role("heading")).to_have_text("Nothing is on air")
        async with emulator.publish(made.uid):
            await page.wait_for_selector("video:not([hidden])", timeout=SHOWN_WITHIN * 1000)
            await see_it_play(page)
        await page.wait_for_selector("video[hidden]", state="attached", timeout=SHOWN_WITHIN * 1000)
        await expect(page.get_by_role("heading")).to_be_visible()


@pytest.mark.parametrize("path", ["/{public}/watch", "/{queued}/watch"])
async def test_a_name_stays_text_and_only_the_pages_script_runs(page: Page, stage: Stage, path: str) -> None:
    address = stage.site(path.format(public=stage.public, queued=stage.queued))
    await page.goto(address)
    assert NAME in await page.title()
    if "queued" in path:
        assert NAME in await page.locator("body").inner_text()
    sources = "[...document.querySelectorAll('script, img')].map((element) => element.getAttribute('src'))"
    assert await evaluate(page, sources) == ["/_pages/player.js"]
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
