"""The pages of schedules: next runs while the expression is written, pause and resume, a run at once."""

import asyncio

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, find_field, open_page

pytestmark = pytest.mark.asyncio(loop_scope="package")
DATA = {"name": "Eve", "order": 21, "eta": "today", "items": ["lamp"]}
YEARLY = {
    "cron": "30 8 1 1 *",
    "time_zone": "Europe/Vienna",
    "user_ids": ["u-s-1"],
    "notification": {"type": "order.shipped", "data": DATA},
}


@pytest.fixture(scope="module", autouse=True)
def schedule(installation: Installation) -> None:
    """A schedule that does not run soon."""
    installation.call("PUT", "/v1/schedules/yearly", YEARLY)


async def test_everyone_can_use_every_page(context: BrowserContext, installation: Installation) -> None:
    await check_page(context, f"{installation.url}/schedules", "schedules", lambda page: page.locator("tbody tr").first)
    await check_page(context, f"{installation.url}/schedules/yearly", "schedule", lambda page: page.get_by_text("by the clock of"))
    await check_page(
        context, f"{installation.url}/schedules/yearly?tab=edit", "schedule-edit", lambda page: page.get_by_text("by the clock of")
    )


async def test_the_next_runs_are_shown_while_the_expression_is_written(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/schedules/new")
        runs, cron = page.get_by_role("region", name="next runs"), find_field(page, "Cron expression")
        await cron.fill("0 8 * *")
        await expect(runs.get_by_role("status")).to_contain_text("✕")
        await cron.fill("0 8 1 1 *")
        await expect(runs.locator("li")).to_have_count(5)
        await expect(runs).to_contain_text("Europe/Vienna")
        await find_field(page, "Name").fill("new-year")
        await page.get_by_text("Users by their ids").click()
        await page.locator("textarea").and_(page.get_by_label("Users")).fill("u-s-1")
        await find_field(page, "Type").fill("order.shipped")
        await find_field(page, "Data").fill('{"name": "Eve", "order": 21, "eta": "today", "items": ["lamp"]}')
        await page.get_by_role("button", name="Create").click()
        await expect(page.get_by_role("heading", name="new-year")).to_be_visible()
    stored = await asyncio.to_thread(installation.call, "GET", "/v1/schedules/new-year")
    assert (stored["cron"], stored["time_zone"], stored["user_ids"]) == ("0 8 1 1 *", "Europe/Vienna", ["u-s-1"])


async def test_one_is_paused_resumed_and_run(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/schedules/yearly")
        await page.get_by_role("button", name="Pause").click()
        await page.get_by_role("button", name="Resume").click()
        await expect(page.get_by_role("button", name="Pause")).to_be_visible()
        await page.get_by_role("button", name="Run it now").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Run it now").click()
        await expect(page.get_by_role("region", name="runs", exact=True).locator("tbody tr")).to_have_count(1)
