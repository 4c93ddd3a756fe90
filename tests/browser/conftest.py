"""One browser for all tests of a file, and a fresh page for each of them."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from browser_kit import OFFLINE, addresses
from playwright.async_api import Browser, Page, async_playwright


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
async def page(browser: Browser, tmp_path: Path) -> AsyncIterator[Page]:
    """A fresh page that asks nobody on other machines for anything; a picture of it stays in the test's folder."""
    context = await browser.new_context()
    page = await context.new_page()
    asked = addresses(page)
    yield page
    await page.screenshot(path=tmp_path / "page.png")
    await context.close()
    assert [url for url in asked if not url.startswith(("http://127.0.0.1:", "blob:"))] == []
