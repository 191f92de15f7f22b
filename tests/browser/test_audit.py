"""The audit log in a real browser: found by filters, one entry by its address, saved as a file."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, find_violations, open_page

pytestmark = pytest.mark.asyncio(loop_scope="package")
ENDS: dict[str, Callable[[Page], Locator]] = {
    "/audit": lambda page: page.get_by_role("row", name="au-1").first,
    "/audit?object_id=au-1&entry={entry}": lambda page: page.get_by_role("row", name="Tier"),
}


@pytest.fixture(scope="module")
def entry(installation: Installation) -> str:
    """The id of the entry of a change."""
    installation.call("PUT", "/v1/users/au-1", {"tier": "gold", "locale": "de"})
    installation.call("PATCH", "/v1/users/au-1", {"tier": "silver"}, **{"if-match": "*"})
    found = installation.call("GET", "/v1/audit?object_id=au-1&action=change")
    return str(found["items"][0]["id"])


@pytest.mark.parametrize("path", ENDS)
async def test_everyone_can_use_the_audit_log(context: BrowserContext, installation: Installation, entry: str, path: str) -> None:
    await check_page(context, installation.url + path.format(entry=entry), "audit-entry" if "entry" in path else "audit", ENDS[path])


async def test_an_entry_is_opened_by_keyboard_and_shows_what_changed(
    context: BrowserContext, installation: Installation, entry: str
) -> None:
    async with open_page(context) as page:
        await page.goto(installation.url + "/audit")
        await page.keyboard.press("/")
        await page.get_by_label("Object", exact=True).fill("au-1")
        await expect(page.locator("tbody tr")).to_have_count(2)
        await page.locator("h1").focus()
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog").get_by_role("row", name="Tier")).to_contain_text("− gold+ silver")
        assert entry in page.url
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        assert "object_id=au-1" in page.url


async def test_what_is_shown_is_saved_as_csv(context: BrowserContext, installation: Installation, entry: str) -> None:
    async with open_page(context) as page:
        await page.goto(installation.url + "/audit?object_id=au-1")
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Export CSV").click()
        path = await (await download.value).path()
        text = await asyncio.to_thread(Path(path).read_text)
        assert (len(text.splitlines()), entry in text) == (3, True)


async def test_the_heads_of_the_logs_can_be_noted(context: BrowserContext, installation: Installation, entry: str) -> None:
    async with open_page(context) as page:
        await page.goto(installation.url + "/audit")
        await page.get_by_role("button", name="Heads").click()
        await expect(page.get_by_role("dialog")).to_contain_text("audit:")
        assert await find_violations(page) == []
