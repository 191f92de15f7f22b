"""The pages of audiences: a filter with its count while it is written, a list with members."""

import asyncio

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, find_field, open_page

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.fixture(scope="module", autouse=True)
def audiences(installation: Installation) -> None:
    """Two users, an audience of those with a tier that no other test has, and a list."""
    for user_id in ("u-gold-1", "u-gold-2"):
        installation.call("PUT", f"/v1/users/{user_id}", {"tier": "pilot", "addresses": {"email": [f"{user_id}@example.org"]}})
    installation.call("PUT", "/v1/audiences/gold", {"filter": {"tier": ["pilot"]}, "description": "who pays"})
    installation.call("PUT", "/v1/audiences/testers", {"description": "by name"})


async def test_everyone_can_use_every_page(context: BrowserContext, installation: Installation) -> None:
    await check_page(context, f"{installation.url}/audiences", "audiences", lambda page: page.get_by_role("link", name="gold", exact=True))
    await check_page(context, f"{installation.url}/audiences/gold", "audience", lambda page: page.get_by_text("2 users"))
    await check_page(context, f"{installation.url}/audiences/gold?tab=edit", "audience-edit", lambda page: page.get_by_text("2 users"))


async def test_a_filter_is_counted_while_it_is_written_and_stored(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/audiences/new")
        await find_field(page, "Name").fill("gold-by-mail")
        tier = find_field(page, "Tier")
        await tier.fill("pilot")
        await tier.press("Enter")
        await expect(page.get_by_role("region", name="matching users")).to_contain_text("u-gold-2")
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_role("heading", name="gold-by-mail")).to_be_visible()
        await expect(page.get_by_role("region", name="how many")).to_contain_text("2 users")
    stored = await asyncio.to_thread(installation.call, "GET", "/v1/audiences/gold-by-mail")
    assert stored["filter"] == {"tier": ["pilot"]}


async def test_members_are_added_removed_and_brought_back(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/audiences/testers")
        form = page.get_by_role("form", name="add users")
        await find_field(form, "Ids").fill("u-gold-1, u-nobody\nu-gold-2")
        await form.get_by_role("button", name="Add 3").click()
        await expect(form.get_by_role("alert")).to_contain_text("u-nobody")
        await form.get_by_role("button", name="Take them out").click()
        await form.get_by_role("button", name="Add 2").click()
        await expect(form.get_by_role("status")).to_contain_text("2 were added")
        rows = page.locator("tbody tr")
        await expect(rows).to_have_count(2)
        await rows.first.get_by_role("button", name="Remove").click()
        await expect(rows).to_have_count(1)
        await page.get_by_role("button", name="Undo").click()
        await expect(rows).to_have_count(2)
