"""The dashboard in a real browser against running processes: every page, by mouse and by keyboard, on a desktop and on a phone."""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from app.admin.login_links import make_login_link
from schemas.users import ChangeOrigin
from tests.browser.conftest import Installation, log_in, open_browser
from tests.browser.pages import LOOKS, VIEWPORTS, check_page, find_violations, open_page, take_screenshot

pytestmark = pytest.mark.asyncio(loop_scope="package")
ORDER = {"user_id": "u-live", "type": "order.shipped", "to": {"email": "eve@example.org"}, "channels": ["email"]}
DATA = {"name": "Eve", "order": 18, "eta": "today", "items": ["lamp"]}


PATHS = {
    "notifications": "/notifications",
    "rejected": "/notifications?state=rejected",
    "notification": "/notifications/{sent}",
    "held": "/notifications/{held}",
    "live": "/live",
    "dead-letters": "/dead-letters",
    "dead-letters-single": "/dead-letters?tab=letters&state=all",
    "dead": "/notifications/{dead}",
    "missing": "/no/such/page",
}
ENDS: dict[str, Callable[[Page], Locator]] = {
    "notifications": lambda page: page.locator("tbody tr").nth(2),
    "rejected": lambda page: page.locator("tbody tr").first,
    "notification": lambda page: page.get_by_role("region", name="records in Kafka").locator("tbody tr").nth(3),
    "held": lambda page: page.get_by_text("It is rendered when it is released"),
    "live": lambda page: page.get_by_text("live", exact=True),
    "dead-letters": lambda page: page.get_by_role("button", name="Redrive").first,
    "dead-letters-single": lambda page: page.locator("tbody tr").first,
    "dead": lambda page: page.get_by_role("region", name="dead letters").get_by_text("notifications.dlq/"),
    "missing": lambda page: page.get_by_text("There is no such page"),
}


def get_path(installation: Installation, name: str) -> str:
    """The path of a page; that of a notification has its id."""
    return PATHS[name].format(**installation.ids)


async def show(page: Page, installation: Installation, name: str) -> None:
    """Open a page and wait until its content is there."""
    await page.goto(installation.url + get_path(installation, name))
    await ENDS[name](page).wait_for()


@pytest.mark.parametrize("name", PATHS)
async def test_everyone_can_use_every_page(context: BrowserContext, installation: Installation, name: str) -> None:
    await check_page(context, installation.url + get_path(installation, name), name, ENDS[name])


async def test_a_failure_has_its_colour(context: BrowserContext, installation: Installation) -> None:
    for scheme, color in (("light", "rgb(165, 17, 17)"), ("dark", "rgb(255, 168, 168)")):
        async with open_page(context, scheme=scheme) as page:
            await show(page, installation, "dead")
            await expect(page.locator(".tone-bad").first).to_have_css("color", color)


async def test_a_wrong_password_says_so_and_keeps_the_address(browser: Browser, installation: Installation) -> None:
    async with open_browser(browser) as context:
        page = await context.new_page()
        methods = {"password": True, "passkey": True, "oidc": {"name": "Example Ltd"}}
        await page.route("**/v1/auth/methods", lambda route: route.fulfill(json=methods))
        await page.goto(installation.url + "/notifications?state=held&login_error=no_account")
        await expect(page.get_by_role("alert")).to_contain_text("Example Ltd knows you")
        await expect(page).to_have_url(installation.url + "/notifications?state=held")
        await take_screenshot(page, "login-denied")
        await log_in(page, installation, "another password entirely")
        provider = page.get_by_role("link", name="Log in with Example Ltd")
        await expect(provider).to_have_attribute("href", "/v1/auth/oidc/start?return_to=%2Fdashboard%2F")
        await take_screenshot(page, "login")
        await expect(page.get_by_role("alert")).to_contain_text("The login failed")
        await expect(page.get_by_label("E-mail")).to_have_value("ada@example.org")
        assert await find_violations(page) == []


async def test_a_notification_is_found_and_read_by_keyboard(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await show(page, installation, "notifications")
        await page.keyboard.press("/")
        async with page.expect_response(lambda response: "user_id=u-42" in response.url):
            await page.keyboard.type("u-42")
        await expect(page).to_have_url(f"{installation.url}/notifications?user_id=u-42")
        await expect(page.get_by_role("row").filter(has_not_text="u-42").filter(has_not_text="User")).to_have_count(0)  # that of the answer
        await page.keyboard.press("Escape")
        await page.locator("body").click(position={"x": 1, "y": 1})
        await page.keyboard.press("j")
        await expect(page.locator("tr:focus-within")).to_have_count(1)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="What happened")).to_be_visible()
        await page.go_back()
        await expect(page.get_by_label("User")).to_have_value("u-42")
        await page.keyboard.type("gl")
        await expect(page.get_by_role("heading", name="Live")).to_be_visible()


async def test_the_palette_opens_a_notification_by_its_id_and_a_rule_by_its_name(
    context: BrowserContext, installation: Installation
) -> None:
    async with open_page(context) as page:
        await show(page, installation, "live")
        await page.keyboard.press("Control+k")
        await page.get_by_role("textbox", name="search").fill(installation.ids["rejected"])
        await page.get_by_text(f"Open {installation.ids['rejected']}").click()
        await expect(page.get_by_role("note")).to_contain_text("Not sent")
        await page.keyboard.press("Control+k")
        await page.keyboard.type("order.ship")
        await expect(page.locator("[data-selected]")).to_contain_text("order.shipped")
        assert await find_violations(page) == []
        await take_screenshot(page, "palette")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{installation.url}/rules/order.shipped")


async def test_lists_are_denser_and_times_exact_for_who_wants_that(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await show(page, installation, "notifications")
        time = page.locator("tbody time").first
        await expect(time).to_contain_text("ago")
        heights = [await measure_row(page)]
        for command in ("Compact density", "Exact times"):
            await page.keyboard.press("Control+k")
            await page.keyboard.type(command)
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(time).to_have_text(re.compile(r"\d\d:\d\d"))
        await page.reload()
        await expect(time).to_have_text(re.compile(r"\d\d:\d\d"))
        heights.append(await measure_row(page))
        await take_screenshot(page, "notifications-compact")
        await page.get_by_role("button", name="account of Ada").click()
        for choice in ("Comfortable", "How long ago"):  # of all tests in this browser
            await page.get_by_role("menuitemradio", name=choice).click()
        await take_screenshot(page, "person-menu")
        await expect(time).to_contain_text("ago")
    assert heights[1] < heights[0] - 5


async def measure_row(page: Page) -> float:
    """The height of the first row, in pixels."""
    box = await page.locator("tbody tr").first.bounding_box()
    assert box is not None
    return box["height"]


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
        first = page.locator("tbody tr").first
        shown = await first.get_by_role("link").first.get_attribute("href")
        await asyncio.to_thread(installation.call, "POST", "/v1/notifications", {**ORDER, "data": DATA, "user_id": "u-new"})
        await page.get_by_role("button", name="new").wait_for()
        assert await first.get_by_role("link").first.get_attribute("href") == shown
        await page.get_by_role("button", name="new").click()
        await expect(first).to_contain_text("u-new")


async def test_a_held_notification_is_cancelled(context: BrowserContext, installation: Installation) -> None:
    fields = {**ORDER, "user_id": "u-cancel", "data": DATA, "send_at": time.time() + 7200}
    held = await asyncio.to_thread(installation.call, "POST", "/v1/notifications", fields)
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/notifications/{held['id']}")
        await page.get_by_role("button", name="Cancel it").click()
        await expect(page.get_by_text("It is being cancelled")).to_be_visible()
        await expect(page.locator("dd").first).to_contain_text("rejected")


async def test_no_match_is_not_shown_as_no_data(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/notifications?type=no.such.type")
        await expect(page.get_by_text("No notification matches")).to_be_visible()
        await page.get_by_role("button", name="Clear filters").click()
        await expect(page.locator("tbody tr").first).to_be_visible()


async def test_logging_out_ends_the_session(browser: Browser, installation: Installation) -> None:
    async with open_browser(browser) as context:
        page = await context.new_page()
        await log_in(page, installation)
        await page.get_by_role("button", name="account of Ada").click()
        await page.get_by_role("menuitem", name="Log out").click()
        await page.get_by_role("heading", name="Log in to Herold").wait_for()
        await page.reload()
        await page.get_by_role("heading", name="Log in to Herold").wait_for()


async def test_what_was_sent_is_shown_after_a_look_at_its_shape(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await show(page, installation, "notification")
        sent = page.get_by_role("region", name="what was sent")
        await expect(sent).to_contain_text("characters")
        await sent.get_by_role("button", name="Show the message (audited)").click()
        await expect(sent.get_by_title("the e-mail").or_(sent.locator(".message-text")).first).to_be_visible()
        await expect(sent.get_by_role("button", name="Mask the message")).to_be_visible()
        assert await find_violations(page) == []
        await take_screenshot(page, "notification-message")
        records = page.get_by_role("region", name="records in Kafka")
        for kind in ("Submitted", "Decided", "Delivery", "Status"):
            await expect(records.get_by_role("cell", name=kind).first).to_be_visible()


OTHERS = {
    "push": ("order.shipped", "device-1", DATA, ".phone-card"),
    "sms": ("account.otp", "+15005550006", {"code": "482193", "minutes": 5}, ".sms-bubble"),
}


@pytest.mark.parametrize("channel", OTHERS)
async def test_a_message_that_is_no_email_is_shown_as_its_reader_got_it(
    context: BrowserContext, installation: Installation, channel: str
) -> None:
    type_, address, data, view = OTHERS[channel]
    body = {"user_id": "u-reader", "type": type_, "to": {channel: address}, "channels": [channel], "data": data}
    notification = await asyncio.to_thread(installation.call, "POST", "/v1/notifications", body)
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/notifications/{notification['id']}")
        sent = page.get_by_role("region", name="what was sent")
        await sent.get_by_role("button", name="Show the message (audited)").click()
        await expect(sent.locator(view)).to_be_visible()
        for look in LOOKS:
            await page.set_viewport_size(VIEWPORTS[look.viewport])
            await page.emulate_media(color_scheme=look.scheme)
            assert await find_violations(page, look.axe_options) == []
            await sent.scroll_into_view_if_needed()
            await take_screenshot(page, f"notification-{channel}-{look.name}")


async def test_filters_are_saved_and_what_they_match_is_downloaded(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/notifications?state=rejected")
        await page.locator("tbody tr").first.wait_for()
        await page.get_by_role("button", name="Views").click()
        await page.get_by_role("menuitem", name="Save these filters").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Name").fill("Rejected ones")
        await expect(page.get_by_role("menu")).to_have_count(0)  # it fades out, already without its items
        assert await find_violations(page) == []
        await dialog.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("button", name="Rejected ones")).to_be_visible()
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Export CSV").click()
        text = await asyncio.to_thread(Path(await (await download.value).path()).read_text)
        assert text.startswith('"id","user_id","type"')
        assert installation.ids["rejected"] in text
        assert installation.ids["sent"] not in text
        await page.goto(f"{installation.url}/notifications")
        await page.get_by_role("button", name="Views").click()
        await page.get_by_role("menuitem", name="Rejected ones", exact=True).click()
        await expect(page).to_have_url(f"{installation.url}/notifications?state=rejected")
        await page.get_by_role("button", name="Rejected ones").click()
        await page.get_by_role("menuitem", name="delete Rejected ones").click()
        await expect(page.get_by_text("is deleted")).to_be_visible()
        await expect(page.get_by_role("button", name="Views")).to_be_visible()


async def test_rows_stand_still_under_the_pointer(context: BrowserContext, installation: Installation) -> None:
    order = {**ORDER, "data": DATA}
    async with open_page(context) as page:
        await show(page, installation, "live")
        await asyncio.to_thread(installation.call, "POST", "/v1/notifications", {**order, "user_id": "u-first"})
        await page.get_by_text("u-first").first.hover()
        await asyncio.to_thread(installation.call, "POST", "/v1/notifications", {**order, "user_id": "u-under"})
        await expect(page.get_by_text("rows wait while you are in them: ")).not_to_contain_text("in them: 0")
        await expect(page.get_by_text("u-under")).to_have_count(0)
        await page.mouse.move(5, 5)
        await expect(page.get_by_text("u-under").first).to_be_visible()


async def test_a_link_logs_in_after_a_question(browser: Browser, installation: Installation) -> None:
    url = installation.cluster.urls.database
    link = await make_login_link(url, installation.cluster.build_url("gateway", ""), ChangeOrigin("cli", "test"))
    async with open_browser(browser) as context:
        page = await context.new_page()
        await page.goto(link.url)
        assert await find_violations(page) == []
        await page.get_by_role("button", name="Log in", exact=True).click()
        await page.get_by_role("heading", name="Overview").wait_for()
