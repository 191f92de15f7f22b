"""The page Analytics in a real browser: charts, their tables, a time that is chosen by the mouse, a report."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Installation
from tests.browser.pages import check_page, open_page

pytestmark = pytest.mark.asyncio(loop_scope="package")
ENDS: dict[str, Callable[[Page], Locator]] = {
    "trends": lambda page: page.locator("canvas"),
    "latency": lambda page: page.locator("canvas"),
    "funnel": lambda page: page.get_by_role("list", name="funnel"),
    "cohorts": lambda page: page.get_by_role("region", name="cohorts"),
}
TRENDS = "/analytics?metric=decided&group_by=state&range=1h"


@pytest.mark.parametrize("tab", ENDS)
async def test_everyone_can_use_every_tab(context: BrowserContext, installation: Installation, tab: str) -> None:
    url = f"{installation.url}{TRENDS}&compare=yes&tab={tab}" if tab == "trends" else f"{installation.url}/analytics?tab={tab}"
    await check_page(context, url, f"analytics-{tab}", ENDS[tab])


async def test_a_chart_says_its_numbers_as_a_table_too(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(installation.url + TRENDS)
        await expect(page.get_by_role("img", name="decided by state: ")).to_be_visible()
        await page.get_by_role("button", name="Show as table").focus()
        await page.keyboard.press("Enter")
        table = page.get_by_role("region", name="decided by state, as a table")
        await expect(table.locator("thead")).to_contain_text("rejected")
        await expect(table.locator("tbody tr").first).to_be_visible()
        await page.get_by_role("list", name="decided by state, by series").get_by_role("link", name="rejected").click()
        await expect(page).to_have_url(re.compile(r"/notifications\?state=rejected&since=\d+&until=\d+$"))
        await page.go_back()
        await expect(page).to_have_url(installation.url + TRENDS)


async def test_dragging_chooses_whole_steps_and_the_report_has_them(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        opened_at = time.time()
        await page.goto(installation.url + TRENDS)
        box = await page.locator(".u-over").bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
        await page.mouse.down()
        await page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 60, steps=4)
        await page.mouse.up()
        await page.wait_for_url(lambda url: "from=" in url and "range=" not in url)
        [to] = re.findall(r"\bto=(\d+)", page.url)
        assert int(to) >= opened_at  # the step that has begun belongs to it
        await page.get_by_role("img", name="decided by state: ").wait_for()
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Export CSV").click()
        lines = (await (await download.value).path()).read_text().splitlines()
        assert lines[0] == '"at","state","decided"'
        assert any('"rejected"' in line for line in lines[1:])
