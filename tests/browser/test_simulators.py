"""The page of the simulators: what arrived, as its recipient sees it, faults on and off, the request log."""

import asyncio
from collections.abc import Callable

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, open_page

pytestmark = pytest.mark.asyncio(loop_scope="package")
PATHS = {"simulators": "/simulators", "simulator-message": "/simulators?message={number}", "simulator-faults": "/simulators?tab=faults"}
ENDS: dict[str, Callable[[Page], Locator]] = {
    "simulators": lambda page: page.locator("tbody tr").first,
    "simulator-message": lambda page: page.locator("iframe"),
    "simulator-faults": lambda page: page.get_by_role("button", name="Outage").first,
}


async def find_mail(installation: Installation) -> int:
    """The number of the e-mail that arrived last."""
    page = await asyncio.to_thread(installation.call, "GET", "/v1/simulators/messages?channel=email")
    return int(page["items"][0]["number"])


@pytest.mark.parametrize("name", PATHS)
async def test_everyone_can_use_every_page(context: BrowserContext, installation: Installation, name: str) -> None:
    path = PATHS[name].format(number=await find_mail(installation))
    await check_page(context, installation.url + path, name, ENDS[name])


async def test_an_email_is_shown_in_a_sandbox_and_leads_to_its_notification(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/simulators")
        row = page.get_by_role("row", name="Order 17").last  # other tests send, too
        await row.get_by_role("link").first.focus()
        await page.keyboard.press("Enter")
        frame = page.locator("iframe")
        await expect(frame).to_have_attribute("sandbox", "")
        await expect(page.frame_locator("iframe").locator("body")).to_contain_text("Ada")
        await page.get_by_role("button", name="Open its notification").click()
        await expect(page.get_by_role("heading", name="What happened")).to_be_visible()


async def test_a_fault_is_switched_on_and_all_are_cleared(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/simulators?tab=faults")
        push = page.get_by_role("region", name="FCM (push)")
        await push.get_by_role("button", name="Outage").click()
        await expect(push).to_contain_text("all requests: status 503")
        await expect(page.get_by_role("note")).to_contain_text("1 fault is on")
        await page.get_by_role("button", name="Clear all").click()
        await expect(push).to_contain_text("works")
    assert (await asyncio.to_thread(installation.call, "GET", "/v1/simulators/faults"))["items"] == []


async def test_the_request_log_says_what_a_provider_answered(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/simulators?tab=requests")
        await expect(page.locator("tbody tr").first).to_contain_text("202")
