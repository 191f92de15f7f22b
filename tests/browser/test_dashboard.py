"""The dashboard in a real browser against running processes: every page, by mouse and by keyboard, on a desktop and on a phone."""

import asyncio
import time

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Installation, log_in
from tests.browser.pages import Scheme, find_violations, is_wider_than_screen, open_page, take_screenshot

pytestmark = pytest.mark.asyncio(loop_scope="module")
ORDER = {"user_id": "u-live", "type": "order.shipped", "to": {"email": "eve@example.org"}, "channels": ["email"]}
DATA = {"name": "Eve", "order": 18, "eta": "today", "items": ["lamp"]}


async def show(page: Page, installation: Installation, name: str) -> None:
    """Open a page and wait until its content is there."""
    paths = {
        "notifications": "/notifications",
        "rejected": "/notifications?state=rejected",
        "notification": f"/notifications/{installation.ids['sent']}",
        "held": f"/notifications/{installation.ids['held']}",
        "live": "/live",
        "dead-letters": "/dead-letters",
        "dead": f"/notifications/{installation.ids['dead']}",
        "missing": "/no/such/page",
    }
    ends = {
        "notifications": page.locator("tbody tr").nth(2),
        "rejected": page.locator("tbody tr").first,
        "notification": page.get_by_role("heading", name="Gates"),
        "held": page.get_by_role("button", name="Cancel it"),
        "live": page.get_by_text("live", exact=True),
        "dead-letters": page.get_by_role("button", name="Redrive").first,
        "dead": page.get_by_role("heading", name="Gates"),
        "missing": page.get_by_text("There is no such page"),
    }
    await page.goto(installation.url + paths[name])
    await ends[name].wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", ["desktop", "phone"])
async def test_everyone_can_use_every_page(context: BrowserContext, installation: Installation, viewport: str, scheme: Scheme) -> None:
    async with open_page(context, viewport, scheme) as page:
        for name in ("notifications", "rejected", "notification", "held", "live", "dead-letters", "missing"):
            await show(page, installation, name)
            assert await find_violations(page) == [], name
            assert not await is_wider_than_screen(page), name
            if viewport == "desktop":
                await take_screenshot(page, f"{name}-{scheme}")


async def test_a_failure_has_its_colour(context: BrowserContext, installation: Installation) -> None:
    for scheme, color in (("light", "rgb(165, 17, 17)"), ("dark", "rgb(255, 168, 168)")):
        async with open_page(context, scheme=scheme) as page:
            await show(page, installation, "dead")
            await expect(page.locator(".tone-bad").first).to_have_css("color", color)


async def test_a_wrong_password_says_so_and_keeps_the_address(browser: Browser, installation: Installation) -> None:
    page = await browser.new_page()
    await log_in(page, installation, "another password entirely")
    await expect(page.get_by_role("alert")).to_contain_text("The login failed")
    await expect(page.get_by_label("E-mail")).to_have_value("ada@example.org")
    assert await find_violations(page) == []
    await page.close()


async def test_a_notification_is_found_and_read_by_keyboard(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await show(page, installation, "notifications")
        await page.keyboard.press("/")
        await page.keyboard.type("u-42")
        await expect(page).to_have_url(f"{installation.url}/notifications?user_id=u-42")
        await page.keyboard.press("Escape")
        await page.locator("body").click(position={"x": 1, "y": 1})
        await page.keyboard.press("j")
        await expect(page.locator("tr:focus-within")).to_have_count(1)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="What happened")).to_be_visible()
        await page.go_back()
        await expect(page.get_by_label("User")).to_have_value("u-42")
        await page.keyboard.press("g")
        await page.keyboard.press("l")
        await expect(page.get_by_role("heading", name="Live")).to_be_visible()


async def test_the_palette_opens_a_notification_by_its_id(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await show(page, installation, "live")
        await page.keyboard.press("Control+k")
        await page.get_by_placeholder("Page, notification id, or user").fill(installation.ids["rejected"])
        await page.get_by_text(f"Open {installation.ids['rejected']}").click()
        await expect(page.get_by_role("note")).to_contain_text("Not sent")


async def test_what_happens_appears_and_a_pause_loses_nothing(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await show(page, installation, "live")
        await asyncio.to_thread(installation.call, "POST", "/v1/notifications", {**ORDER, "data": DATA})
        await expect(page.get_by_text("u-live").first).to_be_visible()
        await page.keyboard.press("p")
        shown = await page.locator("tbody tr").count()
        await asyncio.to_thread(installation.call, "POST", "/v1/notifications", {**ORDER, "data": DATA, "user_id": "u-paused"})
        await expect(page.get_by_role("button", name="Resume")).not_to_contain_text("(0 waiting)")
        assert await page.locator("tbody tr").count() == shown
        await page.keyboard.press("p")
        await expect(page.get_by_text("u-paused").first).to_be_visible()


async def test_new_notifications_are_counted_and_move_no_row(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await show(page, installation, "notifications")
        await page.get_by_text("watching for new ones").wait_for()
        first = await page.locator("tbody tr").first.inner_text()
        await asyncio.to_thread(installation.call, "POST", "/v1/notifications", {**ORDER, "data": DATA, "user_id": "u-new"})
        await page.get_by_role("button", name="new").wait_for()
        assert await page.locator("tbody tr").first.inner_text() == first
        await page.get_by_role("button", name="new").click()
        await expect(page.locator("tbody tr").first).to_contain_text("u-new")


async def test_a_held_notification_is_cancelled(context: BrowserContext, installation: Installation) -> None:
    fields = {**ORDER, "user_id": "u-cancel", "data": DATA, "send_at": time.time() + 7200}
    held = await asyncio.to_thread(installation.call, "POST", "/v1/notifications", fields)
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/notifications/{held['id']}")
        await page.get_by_role("button", name="Cancel it").click(timeout=60_000)
        await expect(page.get_by_text("It is being cancelled")).to_be_visible()
        await expect(page.locator("dd").first).to_contain_text("rejected", timeout=30_000)


async def test_no_match_is_not_shown_as_no_data(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/notifications?type=no.such.type")
        await expect(page.get_by_text("No notification matches")).to_be_visible()
        await page.get_by_role("button", name="Clear filters").click()
        await expect(page.locator("tbody tr").first).to_be_visible()


async def test_logging_out_ends_the_session(browser: Browser, installation: Installation) -> None:
    page = await browser.new_page()
    await log_in(page, installation)
    await page.get_by_role("button", name="account of Ada").click()
    await page.get_by_role("menuitem", name="Log out").click()
    await page.get_by_role("heading", name="Log in to Herold").wait_for()
    await page.reload()
    await page.get_by_role("heading", name="Log in to Herold").wait_for()
    await page.close()


async def test_dead_letters_are_sent_again_after_a_look_at_what_happens(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await show(page, installation, "dead-letters")
        await page.get_by_role("row", name="undecodable").get_by_role("button", name="Redrive").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("unreadable")
        await expect(dialog.get_by_role("button", name="Redrive")).to_be_disabled()
        assert await find_violations(page) == []
        await dialog.get_by_label("Reason, for the audit log").fill("a test")
        await dialog.get_by_role("button", name="Redrive").click()
        await expect(page.get_by_text("The redrive has begun")).to_be_visible()
