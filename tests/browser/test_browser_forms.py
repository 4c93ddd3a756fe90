"""A web site's own form that sends a file straight to the emulator, as its users would."""

from pathlib import Path

import pytest
from aiohttp import web
from browser_kit import SHOWN_WITHIN, film
from playwright.async_api import Page, expect

from cfstream.emulator import Emulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = """<!doctype html><form method="post" enctype="multipart/form-data" action="{address}" target="answer">
<input type="file" name="file"><button>Send</button></form><iframe name="answer"></iframe>"""
FETCH = """async (address) => {
    const form = new FormData();
    form.append("file", document.querySelector("input").files[0]);
    const answer = await fetch(address, { method: "POST", body: form });
    return answer.status;
}"""


@pytest.mark.parametrize("by", ["form", "fetch"])
async def test_a_visitors_file_becomes_a_video(page: Page, tmp_path: Path, by: str) -> None:
    async with Emulator() as emulator, emulator.stream() as stream:
        made = await stream.direct_upload.create(max_duration_seconds=60)

        async def form(_: web.Request) -> web.Response:
            return web.Response(text=FORM.format(address=str(made.upload_url)), content_type="text/html")

        app = web.Application()
        app.router.add_get("/", form)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        await page.set_input_files("input", film(tmp_path, seconds=2))
        if by == "form":
            async with page.expect_response(
                lambda answer: "/upload/" in answer.url, timeout=SHOWN_WITHIN * 1000
            ) as sent:
                await page.get_by_role("button", name="Send").click()
            status = (await sent.value).status
        else:
            status = await page.evaluate(FETCH, str(made.upload_url))
        assert status == 200
        video = await stream.wait_until_ready(made.uid, timeout=SHOWN_WITHIN)
        assert video.duration == pytest.approx(2, abs=0.2)
        await page.goto(emulator.url(f"/{made.uid}/iframe?autoplay&muted"))
        await expect(page.locator("video")).to_have_js_property("paused", value=False)
        await runner.cleanup()
