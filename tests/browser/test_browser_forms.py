"""A web site's own form that sends a file straight to the emulator, as its users would."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
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

TUS = """async (address) => {
    const file = document.querySelector("input").files[0];
    const version = { "Tus-Resumable": "1.0.0" };
    const asked = await fetch(address, { method: "HEAD", headers: version });
    const offset = asked.headers.get("Upload-Offset");
    const headers = { ...version, "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" };
    const sent = await fetch(address, { method: "PATCH", headers, body: file });
    return [asked, sent].map((answer) => [
        answer.status,
        ...["Upload-Offset", "Upload-Length", "stream-media-id"].map((name) => answer.headers.get(name)),
    ]);
}"""


@asynccontextmanager
async def foreign_page(text: str) -> AsyncGenerator[str]:
    """A page of another origin than the emulator's; gives its address."""

    async def shown(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", shown)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("by", ["form", "fetch"])
async def test_a_visitors_file_becomes_a_video(page: Page, tmp_path: Path, by: str) -> None:
    async with AsyncExitStack() as stack:
        emulator = await stack.enter_async_context(Emulator())
        stream = await stack.enter_async_context(emulator.stream())
        made = await stream.direct_upload.create(max_duration_seconds=60)
        await page.goto(await stack.enter_async_context(foreign_page(FORM.format(address=str(made.upload_url)))))
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


async def test_a_visitors_file_comes_by_tus_and_the_page_reads_how_far_it_is(page: Page, tmp_path: Path) -> None:
    file = film(tmp_path, seconds=2)
    size = str(file.stat().st_size)
    async with Emulator() as emulator, emulator.stream() as stream, foreign_page(FORM) as address:
        made = await stream.create(upload_length=int(size), direct_user=True)
        await page.goto(address)
        await page.set_input_files("input", file)
        asked, sent = await page.evaluate(TUS, str(made.upload_url))
        assert asked == [200, "0", size, made.uid]
        assert sent[:2] == [204, size]
        video = await stream.wait_until_ready(made.uid, timeout=SHOWN_WITHIN)
        assert video.duration == pytest.approx(2, abs=0.2)


async def test_a_visitor_that_comes_too_late_is_told_so(page: Page, tmp_path: Path) -> None:
    file = film(tmp_path, seconds=2)
    async with Emulator() as emulator, emulator.stream() as stream, foreign_page(FORM) as address:
        made = await stream.create(upload_length=file.stat().st_size, direct_user=True)
        emulator.clock.advance(2 * 24 * 3600)
        await page.goto(address)
        await page.set_input_files("input", file)
        asked, sent = await page.evaluate(TUS, str(made.upload_url))
        assert [asked[0], sent[0]] == [404, 404]
