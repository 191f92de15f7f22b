"""The overview: what needs somebody, and tiles that lead to the lists behind them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import BrowserContext, Page, expect

from schemas.permissions import Role
from tests.browser.conftest import Installation
from tests.browser.pages import VIEWPORTS, check_page, find_violations, limit_to_role, open_page, take_screenshot

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_everyone_can_use_it(context: BrowserContext, installation: Installation) -> None:
    await check_page(context, f"{installation.url}/overview", "overview", lambda page: page.get_by_text("No worker of the role sms runs"))


async def test_it_is_the_first_page_and_leads_to_what_needs_somebody(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(installation.url + "/")
        await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        await page.get_by_role("link", name="No worker of the role push runs").click()
        await expect(page).to_have_url(f"{installation.url}/workers?role=push")
        await expect(page.get_by_role("row", name="push")).to_contain_text("no worker runs")
        await page.keyboard.type("go")
        await page.get_by_role("link", name="Open dead letters").press("Enter")
        await expect(page.get_by_role("heading", name="Dead letters")).to_be_visible()


async def test_the_tour_leads_by_keyboard_from_sending_to_reading_why(context: BrowserContext, installation: Installation) -> None:
    async with open_tour(context, installation) as page:
        tour, bar = page.get_by_role("region", name="tour"), page.get_by_role("complementary", name="tour")
        assert await find_violations(page) == []
        await take_screenshot(page, "tour")
        await tour.get_by_role("link", name="Send a notification").press("Enter")
        await expect(bar).to_contain_text("1 of 4")
        await page.wait_for_function("JSON.parse(localStorage.getItem('herold.tour')).after")  # what is newer belongs to the tour
        sent = await submit(installation)
        await expect(bar).to_contain_text("Watch it arrive")
        await page.go_back()
        await expect(tour.get_by_role("listitem").first).to_contain_text("Send one, done")
        await page.emulate_media(color_scheme="dark")
        await take_screenshot(page, "tour-dark")
        opened = tour.get_by_role("link", name="Open it")
        await expect(opened).to_have_attribute("href", re.compile(sent))
        await opened.press("Enter")
        await expect(page).to_have_url(re.compile(sent))
        await expect(bar.get_by_role("link", name="Switch an outage on")).to_be_visible()  # SENT: no receipt will come
        await bar.get_by_role("link", name="Switch an outage on").press("Enter")
        await page.get_by_role("region", name="SendGrid").get_by_role("button", name="Outage").press("Enter")
        await expect(bar).to_contain_text("Read why")
        await page.set_viewport_size(VIEWPORTS["phone"])
        assert await find_violations(page) == []
        await take_screenshot(page, "tour-phone")
        await asyncio.to_thread(installation.call, "DELETE", "/v1/simulators/faults")
        await bar.get_by_role("link", name="Open the last one").press("Enter")
        await expect(bar).to_contain_text("That was the tour")
        await bar.get_by_role("button", name="close the bar of the tour").press("Enter")
        await expect(bar).to_have_count(0)


async def test_who_may_not_send_has_the_other_steps_and_a_closed_tour_stays_closed(
    context: BrowserContext, installation: Installation
) -> None:
    async with open_tour(context, installation) as page:
        tour = page.get_by_role("region", name="tour")
        await limit_to_role(page, Role.VIEWER)
        await page.reload()
        await expect(tour.get_by_role("listitem")).to_have_count(3)
        await expect(tour).to_contain_text("Wait for the first one")
        await expect(page.get_by_role("link", name="Send a notification")).to_have_count(0)
        await tour.get_by_role("button", name="close the tour").press("Enter")
        await expect(tour).to_have_count(0)
        await page.reload()
        await expect(page.get_by_label("Open dead letters")).to_contain_text("in the last hour")
        await expect(tour).to_have_count(0)


@asynccontextmanager
async def open_tour(context: BrowserContext, installation: Installation) -> AsyncIterator[Page]:
    """The overview with the tour, which is opened by the palette where something was sent, and is forgotten at the end."""
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/overview")
        await page.get_by_role("heading", name="Overview").wait_for()
        await page.keyboard.press("Control+k")
        await page.keyboard.type("tour")
        await page.keyboard.press("Enter")
        await page.get_by_role("region", name="tour").wait_for()
        try:
            yield page
        finally:
            await page.evaluate("localStorage.removeItem('herold.tour')")


async def submit(installation: Installation) -> str:
    """The id of a notification that is sent."""
    data = {"name": "Ada", "order": 19, "eta": "today", "items": ["pen"]}
    order = {"user_id": "u-tour", "type": "order.shipped", "to": {"email": "ada@example.org"}, "channels": ["email"], "data": data}
    return str((await asyncio.to_thread(installation.call, "POST", "/v1/notifications", order))["id"])


async def test_a_tile_whose_source_is_away_says_so_and_the_others_stay(context: BrowserContext, installation: Installation) -> None:
    async def answer_without_kafka(page: Page) -> None:
        async def respond(route: object) -> None:
            response = await route.fetch()  # type: ignore[attr-defined]
            body = await response.json()
            body["queues"], body["sources"]["kafka"] = None, {"as_of": None, "problem": "KafkaConnectionError", "since": 1_795_851_813.0}
            await route.fulfill(response=response, json=body)  # type: ignore[attr-defined]

        await page.route("**/v1/overview", respond)

    async with open_page(context) as page:
        await answer_without_kafka(page)
        await page.goto(f"{installation.url}/overview")
        await expect(page.get_by_text("Kafka: no answer since")).to_be_visible()
        await expect(page.get_by_label("Waiting")).to_contain_text("Not known yet")
        await expect(page.get_by_label("Open dead letters")).to_contain_text("in the last hour")
        await page.unroute("**/v1/overview")
        await expect(page.get_by_label("Waiting")).to_contain_text("high")
