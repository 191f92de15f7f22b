"""The own account in a real browser: name, password, authenticator app, sessions; and how the dashboard is shown."""

import re
import time
from collections.abc import Callable

import pyotp
import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.conftest import PASSWORD, Installation
from tests.browser.pages import check_page, find_violations, open_page, take_screenshot
from tests.browser.people import open_context

pytestmark = pytest.mark.asyncio(loop_scope="package")
ENDS: dict[str, Callable[[Page], Locator]] = {
    "/settings": lambda page: page.get_by_label("New password again"),
    "/settings?tab=security": lambda page: page.get_by_text("None yet"),
    "/settings?tab=sessions": lambda page: page.get_by_text("this browser"),
    "/settings?tab=display": lambda page: page.get_by_text("Single letters are keys"),
}


@pytest.mark.parametrize("path", ENDS)
async def test_everyone_can_use_the_settings(context: BrowserContext, installation: Installation, path: str) -> None:
    await check_page(context, installation.url + path, path.strip("/").replace("?tab=", "-"), ENDS[path])


async def test_a_person_changes_name_and_password_and_goes_on(browser: Browser, installation: Installation) -> None:
    async with open_context(browser, installation, "developer") as context, open_page(context, has_refusals=True) as page:
        await page.goto(installation.url + "/settings")
        await page.get_by_label("Name").fill("Dana")
        await page.get_by_role("button", name="Save the name").click()
        await expect(page.get_by_role("button", name="account of Dana")).to_be_visible()
        await page.get_by_label("Password now").fill("wrong")
        await page.get_by_label("New password", exact=True).fill("again some other words")
        await page.get_by_label("New password again").fill("again some other words")
        await page.get_by_role("button", name="Change the password").click()
        await expect(page.get_by_role("alert").first).to_be_visible()
        await expect(page.get_by_label("New password", exact=True)).to_have_value("again some other words")
        await page.get_by_label("Password now").fill(PASSWORD)
        await page.get_by_role("button", name="Change the password").click()
        await expect(page.get_by_text("The password is changed")).to_be_visible()
        await page.get_by_role("tab", name="Sessions").click()
        await expect(page.locator("tbody tr")).to_have_count(1)


async def test_an_authenticator_app_is_added_with_recovery_codes_and_removed(browser: Browser, installation: Installation) -> None:
    async with open_context(browser, installation, "operator") as context, open_page(context, has_refusals=True) as page:
        await page.goto(installation.url + "/settings?tab=security")
        await page.get_by_role("button", name="Add an app").click()
        secret = (await page.locator("code.key").inner_text()).replace(" ", "")
        code = page.get_by_label("Code that the app shows")
        await code.fill("123456")
        assert await find_violations(page) == []
        await take_screenshot(page, "settings-app")
        await code.fill(pyotp.TOTP(secret).at(int(time.time())))  # at last: it is valid for a minute
        await page.get_by_role("button", name="Confirm").click()
        codes = await page.locator("pre").inner_text()
        assert len(re.findall(r"\S+", codes)) == 10
        await page.get_by_role("button", name="Remove the app").click()
        await expect(page.get_by_role("button", name="Add an app")).to_be_visible()


async def test_times_in_utc_and_no_keys_of_one_character_stay_after_a_reload(browser: Browser, installation: Installation) -> None:
    async with open_context(browser, installation, "viewer") as context, open_page(context) as page:
        await page.goto(installation.url + "/settings?tab=display")
        await page.get_by_text("UTC", exact=True).click()
        await page.get_by_role("switch", name="Single letters are keys").press("Space")
        await page.reload()
        await expect(page.get_by_text(re.compile("Now it is .* UTC"))).to_be_visible()
        await page.keyboard.type("gn")
        await page.keyboard.press("Control+k")
        await expect(page.get_by_role("textbox", name="search")).to_be_visible()
        await expect(page.get_by_role("heading", name="Settings", include_hidden=True)).to_have_count(1)


async def test_logging_out_everywhere_ends_this_session_too(browser: Browser, installation: Installation) -> None:
    async with open_context(browser, installation, "service") as context, open_page(context, has_refusals=True) as page:
        await page.goto(installation.url + "/settings?tab=sessions")
        await page.get_by_role("button", name="Log out everywhere").click()
        await page.get_by_role("dialog").get_by_role("button", name="Log out").click()
        await page.get_by_role("heading", name="Log in to Herold").wait_for()
