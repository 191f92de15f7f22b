"""The topology: the picture and the list of the same pipeline."""

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, open_page

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_everyone_can_use_it(context: BrowserContext, installation: Installation) -> None:
    url = f"{installation.url}/topology"
    await check_page(context, url, "topology", lambda page: page.get_by_text("deliveries.email").first)
    await check_page(context, f"{url}?view=list", "topology-list", lambda page: page.get_by_role("cell", name="deliveries.email.low"))
    await check_page(context, f"{url}?node=topics:notifications", "topology-details", lambda page: page.get_by_text("Read up to").first)


async def test_a_place_of_the_picture_shows_what_waits_in_its_partitions(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/topology")
        await page.get_by_role("group", name="picture of the pipeline").get_by_role("link", name="router").click()
        details = page.get_by_role("dialog", name="router")
        await expect(details).to_contain_text("idempotency (about")
        await page.keyboard.press("Escape")
        await expect(details).to_be_hidden()
        await expect(page).to_have_url(f"{installation.url}/topology")


async def test_the_list_is_used_by_keyboard(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/topology?view=list")
        await page.get_by_role("cell", name="notifications.high").wait_for()
        for key in ("j", "j", "Enter"):
            await page.keyboard.press(key)
        await expect(page).to_have_url(f"{installation.url}/topology?view=list&node=topic:notifications.high".replace(":n", "%3An"))
        await expect(page.get_by_role("dialog", name="notifications.high").get_by_role("row")).to_have_count(5)
