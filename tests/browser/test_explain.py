"""The page Explain: why a user got something, and what would become of another notification."""

import asyncio

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, find_violations, open_page, take_screenshot

pytestmark = pytest.mark.asyncio(loop_scope="package")
DATA = '{"name": "Ada", "order": 17, "eta": "tomorrow", "items": ["book"]}'


async def test_everyone_can_use_it(context: BrowserContext, installation: Installation) -> None:
    url = f"{installation.url}/explain"
    await check_page(context, f"{url}?user_id=u-42", "explain", lambda page: page.get_by_text("Held until").first)
    await check_page(context, url, "explain-empty", lambda page: page.get_by_text("Whom is it about?"))


async def test_each_notification_says_why_and_leads_to_its_history(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/explain")
        await page.get_by_text("Whom is it about?").wait_for()
        await page.keyboard.press("/")
        await page.keyboard.type("u-42")
        await expect(page.get_by_role("row").filter(has_text="rejected")).to_contain_text("Not sent: ")
        await page.get_by_label("Type").fill("account.otp")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page.locator("tbody tr")).to_contain_text("a variable that its data does not have")
        await page.locator("tbody a").first.click()
        await expect(page.get_by_role("heading", name="What happened")).to_be_visible()
        await page.go_back()
        await expect(page.get_by_role("combobox", name="Why did this user get something, or not?")).to_have_value("u-42")


async def test_a_dry_run_says_what_would_happen_and_sends_nothing(context: BrowserContext, installation: Installation) -> None:
    count = "select count(*) from notifications where user_id = 'u-42'"  # others may still be on their way
    before = await installation.cluster.fetch_value(count)
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/explain?user_id=u-42&tab=try")
        await page.get_by_role("combobox", name="Type").fill("order.shipped")
        await page.get_by_role("textbox", name="Data").fill(DATA)
        await page.get_by_role("button", name="Try it").click()
        await expect(page.get_by_role("note")).to_contain_text("It would not be sent: the user is unknown")
        await expect(page.get_by_text("not asked").first).to_be_visible()
        assert await find_violations(page) == []
        await page.get_by_role("textbox", name="Data").fill("{")
        await expect(page.get_by_text("Line 1, column 2: a name in quotes")).to_be_visible()
        await expect(page.get_by_role("button", name="Try it")).to_be_disabled()
    assert await installation.cluster.fetch_value(count) == before


async def test_a_dry_run_shows_what_would_be_sent(context: BrowserContext, installation: Installation) -> None:
    user = {"addresses": {"email": "eve@example.org"}, "time_zone": "Europe/Vienna"}
    await asyncio.to_thread(installation.call, "PUT", "/v1/users/u-dry", user)
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/explain?user_id=u-dry&tab=try&type=order.shipped")
        await page.get_by_role("textbox", name="Data").fill(DATA)
        await page.get_by_role("button", name="Try it").click()
        await expect(page.get_by_role("note")).to_contain_text("It would be sent at once by e-mail.")
        await expect(page.get_by_role("heading", name="email to e***@e***")).to_be_visible()
        message = page.frame_locator("iframe[title='the message as HTML']")
        await expect(message.locator("body")).to_contain_text("Ada")
        assert await find_violations(page) == []
        await take_screenshot(page, "dry-run-light")


async def test_what_a_submission_would_be_rejected_for_is_named(context: BrowserContext, installation: Installation) -> None:
    page = await context.new_page()  # the browser writes a 422 to its console, which other tabs of tests must not have
    await page.goto(f"{installation.url}/explain?user_id=u-42&tab=try&type=order.shipped")
    await page.get_by_role("textbox", name="Data").fill('{"name": "Ada"}')
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_role("alert")).to_contain_text("$.data")
    assert await find_violations(page) == []
    await page.close()
