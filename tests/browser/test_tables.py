"""The tables of the workers, and what is in them of a user."""

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, open_page

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_everyone_can_use_it(context: BrowserContext, installation: Installation) -> None:
    await check_page(context, f"{installation.url}/tables?user_id=u-42", "tables", lambda page: page.get_by_label("idempotency keys"))


async def test_a_key_is_looked_up_by_keyboard(context: BrowserContext, installation: Installation) -> None:
    sent = installation.ids["sent"]
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/tables")
        await page.get_by_role("row", name="idempotency").wait_for()
        await page.keyboard.press("/")
        await page.keyboard.type("u-42")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("row", name=sent)).to_contain_text("its id")
        await page.get_by_role("combobox", name="Table").click()
        await page.get_by_role("option", name="idempotency").click()
        await page.get_by_label("Key", exact=True).fill(sent)
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("idempotency of the role router")).to_be_visible()


async def test_a_row_that_is_not_there_is_no_error(context: BrowserContext, installation: Installation) -> None:
    page = await context.new_page()  # the browser itself logs each 404 as an error
    await page.goto(f"{installation.url}/tables?user_id=u-42&table=due&key=nothing")
    await expect(page.get_by_text("No such row")).to_be_visible()
    await page.close()
