"""Accounts in a real browser: invited, changed with both versions of a conflict, disabled and enabled again; and who may not see them."""

import asyncio
from collections.abc import Callable

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, find_violations, open_page, take_screenshot
from tests.browser.people import open_context

pytestmark = pytest.mark.asyncio(loop_scope="package")
ENDS: dict[str, Callable[[Page], Locator]] = {
    "/accounts": lambda page: page.get_by_role("row", name="bob@example.org"),
    "/accounts/{account}": lambda page: page.get_by_text("not chosen yet"),
}


@pytest.fixture(scope="module")
def account(installation: Installation) -> str:
    """The id of an account."""
    body = {"email": "bob@example.org", "name": "Bob", "role": "operator", "notify": False}
    return str(installation.call("POST", "/v1/accounts", body)["id"])


@pytest.mark.parametrize("path", ENDS)
async def test_everyone_can_use_the_pages_of_accounts(context: BrowserContext, installation: Installation, account: str, path: str) -> None:
    await check_page(context, installation.url + path.format(account=account), "account" if "{" in path else "accounts", ENDS[path])


async def test_somebody_is_invited(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(installation.url + "/accounts")
        await page.get_by_role("button", name="Invite somebody").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("E-mail", exact=True).fill("carol@example.org")
        await dialog.get_by_label("Name").fill("Carol")
        assert await find_violations(page) == []
        await dialog.get_by_role("button", name="Invite").click()
        await expect(page.get_by_text("The link is on its way")).to_be_visible()
        await expect(page.get_by_role("row", name="carol@example.org")).to_contain_text("viewer")


async def test_a_conflict_shows_both_names(context: BrowserContext, installation: Installation, account: str) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/accounts/{account}")
        await page.get_by_label("Name").fill("Robert")
        change = {"name": "Bobby"}
        await asyncio.to_thread(installation.call, "PATCH", f"/v1/accounts/{account}", change, **{"if-match": "*"})
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_role("alert").get_by_role("row", name="name")).to_contain_text("RobertBobby")
        await page.get_by_role("button", name="Take what is stored").click()
        await expect(page.get_by_label("Name")).to_have_value("Bobby")


async def test_an_account_is_disabled_and_enabled_by_undo(context: BrowserContext, installation: Installation, account: str) -> None:
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/accounts/{account}")
        await page.get_by_role("button", name="Disable").click()
        await expect(page.get_by_role("button", name="Enable")).to_be_visible()
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_role("button", name="Disable")).to_be_visible()


async def test_a_viewer_sees_no_control_and_a_direct_link_says_why(browser: Browser, installation: Installation, account: str) -> None:
    async with open_context(browser, installation, "viewer") as context, open_page(context, has_refusals=True) as page:
        await page.goto(installation.url + "/notifications")
        places = page.get_by_role("navigation", name="pages")
        await expect(places.get_by_role("link", name="Notifications")).to_be_visible()
        for name in ("Users", "Suppressions", "Audit", "Accounts", "API keys", "Projects"):
            await expect(places.get_by_role("link", name=name)).to_have_count(0)
        for path in ("/users", "/users/u-42", "/suppressions", "/audit", "/accounts", f"/accounts/{account}", "/api-keys", "/projects"):
            await page.goto(installation.url + path)
            await expect(page.get_by_text("You do not have the permission").first).to_be_visible()
            for name in ("New user", "Suppress", "Invite somebody", "New key", "New project", "Data", "Delete", "Edit"):
                await expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
        await take_screenshot(page, "forbidden")
