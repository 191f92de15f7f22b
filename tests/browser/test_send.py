"""The page Send: a dry run, a notification that is sent once, what is not valid at its field."""

import asyncio

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.conftest import WAIT, Installation
from tests.browser.pages import check_page, find_field, open_page
from tests.cluster import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def fill_form(page: Page, installation: Installation, user_id: str) -> None:
    """Open the form and fill in all that a shipped order needs; the data are proposed."""
    await page.goto(f"{installation.url}/send")
    await find_field(page, "User").fill(user_id)
    await find_field(page, "Type").fill("order.shipped")
    await expect(find_field(page, "Data")).not_to_have_value("")
    data = '{"name": "Eve", "order": 21, "eta": "today", "items": ["lamp"]}'
    await find_field(page, "Data").fill(data)
    await page.get_by_text("Other addresses than the stored ones").click()
    await find_field(page, "E-mail").fill("eve@example.org")


async def test_everyone_can_use_the_page(context: BrowserContext, installation: Installation) -> None:
    await check_page(
        context, f"{installation.url}/send?user_id=u-42&type=order.shipped", "send", lambda page: page.get_by_role("button", name="Dry run")
    )


async def test_a_dry_run_comes_first_and_a_double_click_sends_once(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context, has_refusals=True) as page:
        await fill_form(page, installation, "u-sent-once")
        await page.get_by_role("button", name="Dry run").click()
        await expect(page.get_by_role("note")).to_contain_text("Nothing was sent or stored")
        await page.get_by_role("button", name="Send", exact=True).dblclick()
        await expect(page.get_by_role("heading", name="What happened")).to_be_visible()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("order.shipped to u-sent-once")
    sent: list[object] = []

    async def are_recorded() -> bool:
        sent[:] = (await asyncio.to_thread(installation.call, "GET", "/v1/notifications?user_id=u-sent-once"))["items"]
        return bool(sent)

    await wait_until(are_recorded, WAIT, "it is in the history", interval=0.1)  # which may be later than its page
    assert len(sent) == 1


async def test_what_is_not_valid_is_shown_at_its_field_and_stays(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context, has_refusals=True) as page:
        await fill_form(page, installation, "u-wrong")
        await find_field(page, "Type").fill("no.such-type")
        await page.get_by_role("button", name="Dry run").click()
        await expect(page.get_by_role("alert")).to_contain_text("Some fields are not valid")
        await expect(find_field(page, "Type")).to_have_attribute("aria-invalid", "true")
        await expect(find_field(page, "User")).to_have_value("u-wrong")
