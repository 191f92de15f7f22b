"""The page SLA and ledger in a real browser: promises, what waits, and that nothing is lost."""

import pytest
from playwright.async_api import BrowserContext, Route, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, open_page

pytestmark = pytest.mark.asyncio(loop_scope="package")
LOST = "ntf_01a2211d759678619811269291aeed15"


async def test_everyone_can_use_the_page(context: BrowserContext, installation: Installation) -> None:
    await check_page(context, f"{installation.url}/sla", "sla", lambda page: page.get_by_role("region", name="ledger"))


async def test_the_ledger_balances_and_its_time_is_in_the_address(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/sla")
        await expect(page.get_by_label("Notifications: ")).to_contain_text("0 unaccounted")
        await expect(page.get_by_role("region", name="low priority")).to_contain_text("too few to say")
        await page.get_by_text("6h", exact=True).click()
        await expect(page).to_have_url(f"{installation.url}/sla?span=6h")


async def test_what_is_lost_is_named_and_leads_to_its_notification(context: BrowserContext, installation: Installation) -> None:
    async def answer(route: Route) -> None:
        response = await route.fetch()
        body = await response.json()
        await route.fulfill(response=response, json={**body, "imbalance": 1, "unaccounted": [LOST]})

    async with open_page(context) as page:
        await page.route("**/v1/ledger*", answer)
        await page.goto(f"{installation.url}/sla")
        await expect(page.get_by_role("region", name="unaccounted").get_by_role("link", name=LOST)).to_have_attribute(
            "href", f"/dashboard/notifications/{LOST}"
        )
