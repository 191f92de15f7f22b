"""The workers with their partitions."""

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, open_page

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_everyone_can_use_it(context: BrowserContext, installation: Installation) -> None:
    await check_page(context, f"{installation.url}/workers", "workers", lambda page: page.get_by_role("row", name="recorder"))


async def test_each_worker_says_what_it_does_and_a_missing_one_is_named(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/workers")
        row = page.get_by_role("row", name="scheduler")
        await row.wait_for()
        await expect(row).to_contain_text("running")
        await expect(row).to_contain_text("MB")
        await expect(row.get_by_role("img", name="partitions 0–3")).to_be_visible()
        await page.get_by_role("combobox", name="Role").click()
        await page.get_by_role("option", name="sms").click()
        await expect(page).to_have_url(f"{installation.url}/workers?role=sms")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page.locator("tbody tr")).to_contain_text("no worker runs")
