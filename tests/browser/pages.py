"""What the tests of the dashboard do in a browser: open a page, check that everyone can use it."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Page, ViewportSize

Scheme = Literal["light", "dark"]
VIEWPORTS: dict[str, ViewportSize] = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 800}}


@asynccontextmanager
async def open_page(context: BrowserContext, viewport: str = "desktop", scheme: Scheme = "light") -> AsyncIterator[Page]:
    """A tab of the person who is logged in. Errors in it fail the test."""
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    try:
        await page.set_viewport_size(VIEWPORTS[viewport])
        await page.emulate_media(color_scheme=scheme)
        yield page
    finally:
        await page.close()
    assert errors == []


async def find_violations(page: Page) -> list[str]:
    """What axe finds: each rule that is broken, with the first element that breaks it."""
    results = await Axe().run(page)
    return [f"{found['id']}: {json.dumps(found['nodes'][0]['html'])}" for found in results.response["violations"]]


async def is_wider_than_screen(page: Page) -> bool:
    """Whether a person has to scroll the whole page sideways."""
    return bool(await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


async def take_screenshot(page: Page, name: str) -> None:
    """Write a screenshot where a person looks at it: into the directory of HEROLD_TEST_SCREENSHOTS, if it is set."""
    if directory := os.environ.get("HEROLD_TEST_SCREENSHOTS"):
        await page.screenshot(path=Path(directory) / f"{name}.png", animations="disabled")
