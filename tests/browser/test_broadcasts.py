"""The pages of broadcasts: whom one would go to, its start, its progress."""

import asyncio

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, find_field, open_page

pytestmark = pytest.mark.asyncio(loop_scope="package")
DATA = {"name": "Eve", "order": 21, "eta": "today", "items": ["lamp"]}
BODY = {"user_ids": ["u-b-1", "u-b-2"], "notification": {"type": "order.shipped", "data": DATA}, "rate": 1}


@pytest.fixture(scope="module")
def broadcast_id(installation: Installation) -> str:
    """The id of a broadcast that is paused."""
    created = installation.call("POST", "/v1/broadcasts", BODY)
    installation.call("POST", f"/v1/broadcasts/{created['id']}/pause", {"reason": "to look at it"})
    return str(created["id"])


async def test_everyone_can_use_every_page(context: BrowserContext, installation: Installation, broadcast_id: str) -> None:
    await check_page(context, f"{installation.url}/broadcasts", "broadcasts", lambda page: page.locator("tbody tr").first)
    await check_page(
        context, f"{installation.url}/broadcasts/{broadcast_id}", "broadcast", lambda page: page.get_by_role("button", name="Resume")
    )
    await check_page(
        context, f"{installation.url}/broadcasts/new", "broadcast-new", lambda page: page.get_by_role("button", name="Preview")
    )


async def test_a_broadcast_is_previewed_started_and_ends(context: BrowserContext, installation: Installation) -> None:
    for user_id in ("u-b-1", "u-b-2", "u-b-3"):
        await asyncio.to_thread(installation.call, "PUT", f"/v1/users/{user_id}", {"addresses": {"email": [f"{user_id}@example.org"]}})
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/broadcasts/new")
        await page.get_by_text("Users by their ids").click()
        await page.locator("textarea").and_(page.get_by_label("Users")).fill("u-b-1\nu-b-2\nu-b-3")
        await find_field(page, "Type").fill("order.shipped")
        await expect(find_field(page, "Data")).not_to_have_value("")
        await find_field(page, "Data").fill('{"name": "Eve", "order": 21, "eta": "today", "items": ["lamp"]}')
        await page.get_by_role("button", name="Preview").click()
        await expect(page.get_by_role("region", name="preview")).to_contain_text("3 users")
        await page.get_by_role("button", name="Start the broadcast").dblclick()
        await expect(page.get_by_role("region", name="progress")).to_contain_text("3 of 3 users")
    listed = await asyncio.to_thread(installation.call, "GET", "/v1/broadcasts")
    assert [item["user_count"] for item in listed["items"]].count(3) == 1


async def test_one_that_is_paused_is_resumed_and_cancelled(context: BrowserContext, installation: Installation, broadcast_id: str) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/broadcasts/{broadcast_id}")
        await page.get_by_role("button", name="Cancel it").click()
        dialog = page.get_by_role("dialog")
        await find_field(dialog, "Reason").fill("a test")
        await dialog.get_by_role("button", name="Cancel it").click()
        await expect(page.get_by_role("region", name="progress")).to_contain_text("cancelled")
