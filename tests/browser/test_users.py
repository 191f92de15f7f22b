"""Users and suppressions in a real browser: found, changed with both versions of a conflict, with masks, and erased."""

import asyncio
from collections.abc import Callable

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, find_violations, open_page, take_screenshot
from tests.browser.people import open_context

pytestmark = pytest.mark.asyncio(loop_scope="package")
USER = {
    "addresses": {"email": ["ada@example.org", "ada@example.com"], "sms": "+436641234567"},
    "locale": "de-AT",
    "time_zone": "Europe/Vienna",
    "tier": "gold",
    "attributes": {"plan": "pro"},
    "quiet_hours": {"start": "22:00", "end": "07:00"},
}
CHOICES = [
    {"category": "marketing", "choice": "out"},
    {"category": "marketing", "channel": "push", "choice": "in"},
    {"category": "", "channel": "sms", "choice": "out"},
]
ENDS: dict[str, Callable[[Page], Locator]] = {
    "/users": lambda page: page.get_by_role("row", name="ada-1"),
    "/users/ada-1": lambda page: page.get_by_text("Europe/Vienna"),
    "/users/ada-1?tab=preferences": lambda page: page.get_by_label("marketing, push", exact=True),
    "/users/ada-1?tab=consent": lambda page: page.get_by_role("row", name="preference set").first,
    "/users/ada-1?tab=devices": lambda page: page.get_by_role("row", name="android"),
    "/users/ada-1?tab=suppressions": lambda page: page.get_by_role("row", name="complaint"),
    "/users/u-42?tab=state": lambda page: page.get_by_role("region", name="what waits"),
    "/users/u-42?tab=counts": lambda page: page.get_by_role("region", name="messages by day"),
    "/suppressions?undone=also": lambda page: page.get_by_role("row", name="complaint").first,
}


@pytest.fixture(scope="module", autouse=True)
def users(installation: Installation) -> None:
    """A user with everything, and some others."""
    installation.call("PUT", "/v1/users/ada-1", USER)
    for number in range(2, 5):
        installation.call("PUT", f"/v1/users/ada-{number}", {"addresses": {"email": f"ada{number}@example.org"}, "locale": "en"})
    installation.call("PUT", "/v1/users/ada-1/devices/token-1", {"platform": "android"})
    installation.call("PATCH", "/v1/users/ada-1/preferences", {"items": CHOICES, "reason": "asked by telephone"})
    installation.call("POST", "/v1/suppressions", {"channel": "sms", "user_id": "ada-1", "reason": "complaint"})
    undone = installation.call("POST", "/v1/suppressions", {"channel": "email", "address": "old@example.org"})
    installation.call("DELETE", f"/v1/suppressions/{undone['id']}?reason=mistake")


@pytest.mark.parametrize("path", ENDS)
async def test_everyone_can_use_the_pages_of_users(context: BrowserContext, installation: Installation, path: str) -> None:
    name = path.strip("/").replace("?", "-").replace("=", "-").replace("/", "-")
    await check_page(context, installation.url + path, name, ENDS[path])


async def test_a_user_is_found_by_an_address_and_opened_by_keyboard(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(installation.url + "/users")
        await ENDS["/users"](page).wait_for()
        await page.keyboard.press("/")
        await page.keyboard.type("ADA2@example.org")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await page.keyboard.press("Escape")
        await page.locator("h1").focus()
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="ada-2")).to_be_visible()


async def test_addresses_are_masked_until_they_are_asked_for(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(installation.url + "/users/ada-1")
        await expect(page.get_by_text("a***@e***").first).to_be_visible()
        await page.get_by_role("button", name="Show addresses").click()
        await expect(page.get_by_text("ada@example.org")).to_be_visible()


async def test_a_conflict_shows_both_versions_and_keeps_what_was_typed(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(installation.url + "/users/ada-3")
        await page.get_by_role("button", name="Edit").click()
        await page.get_by_label("Tier").fill("silver")
        await asyncio.to_thread(installation.call, "PATCH", "/v1/users/ada-3", {"tier": "gold", "locale": "fr"}, **{"if-match": "*"})
        await page.get_by_role("button", name="Save", exact=True).click()
        conflict = page.get_by_role("alert")
        await expect(conflict.get_by_role("row", name="Tier")).to_contain_text("silvergold")
        assert await find_violations(page) == []
        await take_screenshot(page, "user-conflict")
        await conflict.get_by_role("button", name="Save yours over it").click()
        await expect(page.get_by_text("Saved")).to_be_visible()
    user = await asyncio.to_thread(installation.call, "GET", "/v1/users/ada-3")
    assert (user["tier"], user["locale"]) == ("silver", "fr")


async def test_a_choice_is_saved_at_once_and_taken_back(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(installation.url + "/users/ada-2?tab=preferences")
        cell = page.get_by_label("marketing, All channels")
        await cell.select_option("out")
        await expect(page.get_by_label("marketing, email")).to_contain_text("(out)")
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_text("It is as it was")).to_be_visible()
        await expect(cell).to_have_value("")
    assert (await asyncio.to_thread(installation.call, "GET", "/v1/users/ada-2/preferences"))["items"] == []


async def test_an_address_is_suppressed_and_let_go(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(installation.url + "/suppressions?search=eve%40example.org")
        await expect(page.get_by_text("No suppression matches")).to_be_visible()
        await page.get_by_role("button", name="Suppress").click()
        await page.get_by_label("Address", exact=True).last.fill("eve@example.org")
        assert await find_violations(page) == []
        await page.get_by_role("dialog").get_by_role("button", name="Suppress").click()
        await page.get_by_role("row", name="e***@e***").get_by_role("button", name="Undo").click()
        await page.get_by_label("Reason, for the audit log").fill("a test")
        await page.get_by_role("dialog").get_by_role("button", name="Undo it").click()
        await expect(page.get_by_text("It is undone")).to_be_visible()
        await expect(page.get_by_text("No suppression matches")).to_be_visible()


async def test_a_person_is_erased_once_the_id_was_typed(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(installation.url + "/users/ada-4")
        await page.get_by_role("button", name="Data").click()
        await page.get_by_role("menuitem", name="Erase the person").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Reason, for the audit log").fill("request 17")
        await expect(dialog.get_by_role("button", name="Erase for good")).to_be_disabled()
        await dialog.get_by_label("Type ada-4 to confirm").fill("ada-4")
        await take_screenshot(page, "user-erasure")
        await dialog.get_by_role("button", name="Erase for good").click()
        await expect(page.get_by_text("The person is erased")).to_be_visible()


async def test_an_operator_sees_masks_and_no_control_that_would_be_refused(browser: Browser, installation: Installation) -> None:
    async with open_context(browser, installation, "operator") as context, open_page(context) as page:
        await page.goto(installation.url + "/users/ada-1")
        await expect(page.get_by_text("a***@e***").first).to_be_visible()
        for name in ("Edit", "Show addresses", "Data"):
            await expect(page.get_by_role("button", name=name)).to_have_count(0)
        await page.get_by_role("tab", name="Preferences").click()
        await expect(page.get_by_label("marketing, push", exact=True)).to_be_enabled()
        await expect(page.get_by_role("button", name="Save")).to_have_count(0)
