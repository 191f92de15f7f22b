"""The page of providers: accounts with their breakers, and why deliveries failed."""

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, find_field, open_page, take_screenshot

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_everyone_can_use_the_page(context: BrowserContext, installation: Installation) -> None:
    url = f"{installation.url}/providers?account=sendgrid"
    await check_page(context, url, "providers", lambda page: page.get_by_text("deliveries wait for another attempt"))


async def test_an_account_is_opened_by_keyboard_and_paused(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/providers")
        await page.get_by_role("link", name="sendgrid", exact=True).first.wait_for()
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("region", name="deliveries of sendgrid")).to_contain_text("0 deliveries wait")
        await expect(page.get_by_text("closed").first).to_be_visible()
        await page.get_by_role("row", name="twilio").first.get_by_role("button", name="Pause").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_role("button", name="Pause")).to_be_disabled()
        await find_field(dialog, "Reason").fill("the key is changed")
        await page.keyboard.press("Enter")
        row = page.get_by_role("row", name="twilio").first
        await expect(row).to_contain_text("paused")
        await row.get_by_role("link", name="twilio").first.click()
        await expect(page.get_by_role("region", name="account twilio")).to_contain_text("the key is changed")
        await page.get_by_role("button", name="Pause a host").click()
        await find_field(dialog, "Host").fill("https://shop.example.org/orders")
        await find_field(dialog, "Reason").fill("it moves")
        await take_screenshot(page, "providers-pause-host")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("region", name="webhook hosts", exact=True)).to_contain_text("https://shop.example.org:443")
        await take_screenshot(page, "providers-paused")
        await page.get_by_role("row", name="shop.example.org").get_by_role("button", name="Resume").click()
        await row.get_by_role("button", name="Resume").click()
        await expect(row.get_by_role("button", name="Pause")).to_be_visible()
