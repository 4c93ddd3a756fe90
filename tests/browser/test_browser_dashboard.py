"""The emulator's dashboard in a real Chromium: uploads, states, faults and live inputs, by mouse and keyboard."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
import pytest_asyncio
from aiohttp import web
from browser_kit import SHOWN_WITHIN, complaints, evaluate, film
from playwright.async_api import Locator, Page, expect

from cfstream import Stream
from cfstream.emulator import Emulator, Fault

pytestmark = pytest.mark.asyncio(loop_scope="module")
expect.set_options(timeout=SHOWN_WITHIN * 1000)

NAME = "<img src=x onerror='window.ran = true'>.mp4"


@attrs.frozen(kw_only=True)
class Desk:
    """An open dashboard and what stands behind it."""

    emulator: Emulator
    stream: Stream
    page: Page

    def card(self, name: str) -> Locator:
        return self.page.locator(".video").filter(has=self.page.get_by_role("heading", name=name, exact=True))

    async def tab(self, name: str) -> None:
        await self.page.get_by_role("link", name=name).click()

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()


def size_of(file: Path) -> int:
    return file.stat().st_size


def in_base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film"), "talk.mp4", 2)


@pytest_asyncio.fixture(loop_scope="module")
async def desk(page: Page) -> AsyncIterator[Desk]:
    async with Emulator() as emulator, emulator.stream() as stream:
        told = complaints(page)
        await page.goto(emulator.dashboard_url)
        await expect(page.get_by_role("heading", name="cfstream emulator")).to_be_visible()
        yield Desk(emulator=emulator, stream=stream, page=page)
        assert told == []
        emulator.faults.clear()


async def test_the_link_lets_in_and_does_not_stay_in_the_address(page: Page) -> None:
    async with Emulator() as emulator:
        await page.goto(emulator.url("/"))
        await expect(page.locator("body")).to_contain_text("opens with the link that was printed when this")
        await page.goto(emulator.dashboard_url)
        await expect(page.get_by_text("There are no videos yet")).to_be_visible()
        assert page.url == emulator.url("/")
        await page.reload()
        await expect(page.get_by_text("There are no videos yet")).to_be_visible()
        assert await evaluate(page, "document.cookie") == ""


async def test_a_file_goes_from_the_upload_box_to_ready_and_plays(desk: Desk, file: Path) -> None:
    await desk.page.set_input_files("#files", file)
    card = desk.card("talk.mp4")
    await expect(card.locator(".badge")).to_have_text("ready")
    await expect(card).to_contain_text("2.0 s · 848\N{MULTIPLICATION SIGN}480")
    image = card.locator("img")
    await desk.page.wait_for_function("() => document.querySelector('.video img')?.naturalWidth > 0")
    ratio = await image.evaluate("image => image.naturalWidth / image.naturalHeight")
    assert ratio == pytest.approx(848 / 480, rel=0.01)
    await card.get_by_role("button", name="Play talk.mp4").click()
    player = desk.page.frame_locator(".theatre iframe").locator("video")
    await expect(player).to_have_js_property("paused", value=False)
    await desk.press("Close")
    await expect(desk.page.locator("dialog")).to_have_count(0)
    (video,) = desk.emulator.videos.values()
    assert (video.name, video.size, video.private) == ("talk.mp4", size_of(file), False)


async def test_files_can_be_dropped(desk: Desk, file: Path) -> None:
    content = in_base64(file)
    await evaluate(
        desk.page,
        """async ({ content, name }) => {
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], name, { type: "video/mp4" }));
            const box = document.querySelector(".drop");
            for (const kind of ["dragover", "drop"]) {
                box.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
            }
        }""",
        {"content": content, "name": NAME},
    )
    await expect(desk.card(NAME).locator(".badge")).to_have_text("ready")
    assert await evaluate(desk.page, "window.ran === undefined")


async def test_a_private_video_plays_in_the_dashboard_only(desk: Desk, file: Path) -> None:
    await desk.page.get_by_label("Private").check()
    await desk.page.set_input_files("#files", file)
    card = desk.card("talk.mp4")
    await expect(card.locator(".badge").first).to_have_text("ready")
    (video,) = desk.emulator.videos.values()
    assert video.private
    await desk.page.wait_for_function("() => document.querySelector('.video img')?.naturalWidth > 0")
    await card.get_by_role("button", name="Play talk.mp4").click()
    await expect(desk.page.frame_locator(".theatre iframe").locator("video")).to_have_js_property("paused", value=False)
    answer = await desk.page.goto(desk.emulator.url(f"/{video.uid}/watch"))
    assert answer is not None
    assert answer.status == 401


async def test_an_upload_gets_over_faults_and_they_are_seen(desk: Desk, file: Path) -> None:
    desk.emulator.faults.add("TUS_PATCH", Fault.drop(after_bytes=1000), Fault.status(503))
    await desk.page.set_input_files("#files", file)
    await expect(desk.card("talk.mp4").locator(".badge")).to_have_text("ready")
    assert desk.emulator.faults.pending == ()
    (video,) = desk.emulator.videos.values()
    assert video.size == size_of(file)
    await desk.tab("Requests and faults")
    await expect(desk.page.locator(".spent")).to_contain_text("status 503")
    await expect(desk.page.locator("tbody")).to_contain_text("drop after 1000 bytes")


async def test_an_upload_can_be_cancelled_and_a_refused_one_says_why(desk: Desk, file: Path) -> None:
    desk.emulator.faults.add("TUS_PATCH", Fault.stall())
    await desk.page.set_input_files("#files", file)
    await desk.press("Cancel")
    await expect(desk.page.locator(".upload")).to_contain_text("cancelled")
    desk.emulator.faults.add("STREAM_CREATE", Fault.status(413, code=10011))
    await desk.press("Again")
    await expect(desk.page.locator(".upload .bad")).to_contain_text("Planned fault")
    await desk.press("Again")
    await expect(desk.page.locator(".video .good")).to_have_text("ready")


async def test_encoding_is_paused_stepped_and_resumed(desk: Desk, file: Path) -> None:
    await desk.press("Pause")
    badges = desk.page.locator(".video .badge")
    for count in range(1, 4):  # one after another, so that the first is the one that waits longest
        await desk.page.set_input_files("#files", file)
        await expect(badges).to_have_text(["queued"] * count)
    await desk.press("Step")
    await expect(badges).to_have_text(["queued", "queued", "ready"])
    await desk.press("Resume")
    await expect(badges).to_have_text(["ready"] * 3)


async def test_a_fault_is_added_met_and_seen_as_spent(desk: Desk) -> None:
    await desk.tab("Requests and faults")
    await desk.page.get_by_label("Call").select_option("STREAM_GET")
    await desk.page.get_by_label("Retry-After").fill("0")
    await desk.page.get_by_label("times").fill("2")
    await desk.press("Add fault")
    await expect(desk.page.locator(".faults").first).to_contain_text("STREAM_GETstatus 503\N{MULTIPLICATION SIGN} 2")
    created = await desk.stream.create(upload_length=10_000_000)
    await desk.stream.get(created.uid)  # gets over both of them
    await expect(desk.page.locator(".spent")).to_contain_text("\N{MULTIPLICATION SIGN} 2")
    await expect(desk.page.get_by_text("None is planned.")).to_be_visible()
    await expect(desk.page.locator("tbody .bad")).to_have_text(["503", "503"])


async def test_the_clock_goes_forward_and_uploads_expire(desk: Desk) -> None:
    created = await desk.stream.create(upload_length=10_000_000, upload_metadata={"name": "never sent"})
    await expect(desk.card("never sent").locator(".badge")).to_have_text("waiting for upload")
    assert created.uid in desk.emulator.videos
    await desk.press("+1 day")
    await expect(desk.card("never sent")).to_have_count(0)


async def test_a_video_is_deleted(desk: Desk) -> None:
    await desk.stream.create(upload_length=10_000_000, upload_metadata={"name": "old"})
    desk.page.once("dialog", lambda dialog: dialog.accept())
    await desk.card("old").get_by_role("button", name="Delete").click()
    await expect(desk.card("old")).to_have_count(0)
    assert dict(desk.emulator.videos) == {}


async def test_a_live_input_tells_how_to_publish_and_shows_that_it_is_on_air(desk: Desk) -> None:
    await desk.tab("Live inputs")
    await desk.page.get_by_label("Name of a new live input").fill(NAME)
    await desk.press("Create")
    (made,) = [each async for each in desk.stream.live_inputs.list()]
    shown = await desk.stream.live_inputs.get(made.uid)
    assert shown.rtmps is not None
    address = shown.rtmps.url.rstrip("/") + "/" + shown.rtmps.stream_key
    card = desk.page.locator(".input")
    await expect(card.get_by_role("heading")).to_have_text(NAME)
    await expect(card).to_contain_text(f'-f flv "{address}"')
    await expect(card).to_contain_text("HLS manifest")
    async with desk.emulator.publish(made.uid):
        await expect(card.locator(".badge")).to_have_text("on air")
        await desk.tab("Videos")
        video = desk.page.locator(".video")
        await expect(video.locator(".unseen")).to_have_css("opacity", "1")
        assert await evaluate(desk.page, PLAY_SIGN) == "0.95"
        async with desk.page.expect_popup() as opened:
            await video.get_by_role("button", name="New tab").click()
        tab = await opened.value
        await expect(tab.locator("video")).to_have_js_property("paused", value=True)
        await tab.close()
        await desk.tab("Live inputs")
        await card.get_by_role("button", name="Watch").click()
        player = desk.page.frame_locator(".theatre iframe").locator("video")
        await expect(player).to_have_js_property("paused", value=False)
        await desk.press("Close")
        await card.get_by_role("button", name="Disable").click()
        await expect(card.locator(".badge")).to_have_text("disabled")


async def test_the_tab_counts_the_requests_that_are_listed_in_utc(desk: Desk) -> None:
    video = await desk.stream.create(upload_length=10_000_000)
    await desk.page.goto(desk.emulator.url(f"/{video.uid}/watch"))  # is left out unless asked for
    await desk.page.goto(desk.emulator.url("/#requests"))
    rows = desk.page.locator("tbody tr")
    await expect(rows).to_have_count(1)
    (made,) = [record for record in desk.emulator.requests if record.row]
    await expect(rows.locator(".time")).to_have_text(f"{datetime.fromtimestamp(made.time, UTC):%H:%M:%S}")
    tab = desk.page.get_by_role("link", name="Requests and faults")
    await expect(tab).to_have_text("Requests and faults 1")
    await desk.page.get_by_label("with media and pages").check()
    await expect(rows).not_to_have_count(1)
    await expect(tab).to_have_text(f"Requests and faults {await rows.count()}")


async def test_webhooks_are_set_and_what_was_sent_is_seen(desk: Desk, file: Path) -> None:
    async def take(_: web.Request) -> web.Response:
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await desk.tab("Webhooks")
    address, hook = desk.page.get_by_label("Address of the webhook"), f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    await address.fill("127.0.0.1:9000")
    await desk.press("Set")
    await expect(desk.page.get_by_role("alert")).to_contain_text("begins with http:// or https://")
    await address.fill(hook)
    await desk.press("Set")
    await expect(desk.page.get_by_text("Messages go to")).to_be_visible()
    secret = (await desk.stream.webhooks.get()).secret
    assert secret is not None
    await expect(desk.page.locator("dd .secret")).to_have_text(secret)
    await expect(desk.page.locator("dd .secret")).to_have_css("filter", "blur(4px)")
    await desk.page.reload()
    await expect(address).to_have_value(hook)
    await desk.stream.upload(file, name="talk")
    await expect(desk.page.locator(".delivery")).to_contain_text("deliveredready")
    await desk.page.locator(".delivery summary").click()
    await expect(desk.page.locator(".delivery pre")).to_contain_text("Webhook-Signature: time=")
    await desk.press("Send again")
    await expect(desk.page.locator(".delivery")).to_have_count(2)
    await runner.cleanup()


@pytest.mark.parametrize("width", [400, 900])
async def test_nothing_is_cut_off_on_a_narrow_screen(desk: Desk, width: int) -> None:
    await desk.page.set_viewport_size({"width": width, "height": 800})
    await desk.stream.live_inputs.create(meta={"name": "Gate"})
    video = await desk.stream.create(upload_length=10_000_000)
    desk.emulator.faults.add("STREAM_GET", Fault.status(503, headers={"Retry-After": "0"}))
    await desk.stream.get(video.uid)
    for name in ("Videos", "Live inputs", "Requests and faults", "Webhooks"):
        await desk.tab(name)
        assert await evaluate(desk.page, CUT_OFF) == []
        assert await evaluate(desk.page, "document.documentElement.scrollWidth") <= width


async def test_what_fails_is_told(desk: Desk) -> None:
    await desk.tab("Live inputs")
    desk.emulator.faults.add("LIVE_INPUTS_CREATE", Fault.status(500))
    await desk.press("Create")
    await expect(desk.page.get_by_role("alert")).to_have_text("Planned fault")


async def test_the_page_says_when_the_emulator_is_gone(page: Page) -> None:
    emulator = Emulator()
    async with emulator:
        await page.goto(emulator.dashboard_url)
        await expect(page.get_by_text("There are no videos yet")).to_be_visible()
    await expect(page.get_by_text("The emulator does not answer")).to_be_visible()


PLAY_SIGN = "getComputedStyle(document.querySelector('.unseen'), '::after').opacity"
CUT_OFF = """[...document.querySelectorAll("nav, .scroll, dd code, .tools")]
    .filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth).map((box) => box.outerHTML)"""
FORGED = """async (site) => {
    const form = document.createElement("form");
    Object.assign(form, { method: "POST", action: `${site}/_emulator/reset`, target: "hole" });
    document.body.append(Object.assign(document.createElement("iframe"), { name: "hole" }), form);
    form.submit();
    const tries = ["GET", "POST"].map((method) =>
        fetch(`${site}/_emulator/faults`, { method, mode: "no-cors", credentials: "include" }).catch(() => null));
    const api = `${site}/client/v4/accounts/ACCOUNT/stream`;
    tries.push(fetch(api, { mode: "no-cors", credentials: "include" }).catch(() => null));
    const asked = fetch(`${site}/_emulator/overview`, { credentials: "include" });
    const read = asked.then((answer) => answer.text(), () => "refused");
    await Promise.all(tries);
    await new Promise((done) => setTimeout(done, 500));
    return read;
}"""


async def test_a_page_of_another_port_of_this_machine_can_do_nothing(page: Page) -> None:
    """Browsers send it the cookie: what keeps it out is where the request says it comes from."""

    async def evil(_: web.Request) -> web.Response:
        return web.Response(text="<p>evil</p>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", evil)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with Emulator() as emulator, emulator.stream() as stream:
        await page.goto(emulator.dashboard_url)
        await expect(page.get_by_text("There are no videos yet")).to_be_visible()
        await stream.create(upload_length=10_000_000, upload_metadata={"name": "kept"})
        emulator.faults.add("STREAM_GET", Fault.status(503))
        await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        read = await evaluate(page, FORGED.replace("ACCOUNT", emulator.account_id), emulator.url("/").rstrip("/"))
        record = emulator.requests[-1]
        assert (record.row, record.status, record.headers["Cookie"]) == ("STREAM_LIST", 401, "***")
        assert read == "refused"
        assert [video.name for video in emulator.videos.values()] == ["kept"]
        assert len(emulator.faults.pending) == 1
        emulator.faults.clear()
    await runner.cleanup()
