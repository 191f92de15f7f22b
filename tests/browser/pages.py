"""What the tests of the dashboard do in a browser: open a page, check that everyone can use it."""

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import BrowserContext, Locator, Page, Route, ViewportSize

from schemas.permissions import ROLE_PERMISSIONS, Role

Scheme = Literal["light", "dark"]
REFUSED = "Failed to load resource: the server responded with a status of 4"
MAX_SHIFT = 0.05
"""Half of what Web Vitals calls good (0.1): a list of ours that moves down by a twelfth of the screen is more."""

MEASURE_SHIFT = """() => new Promise((resolve) => {
  const describe = ({ node }) => (node instanceof Element ? node.outerHTML.slice(0, 120) : "text");
  const observer = new PerformanceObserver((list) => {
    observer.disconnect();
    const shifts = list.getEntriesByType("layout-shift").filter((shift) => !shift.hadRecentInput);
    const moved = shifts.map((shift) => `${shift.value.toFixed(4)} ${shift.sources.map(describe)}`);
    resolve([shifts.reduce((sum, shift) => sum + shift.value, 0), moved]);
  });
  observer.observe({ type: "layout-shift", buffered: true });
  observer.observe({ type: "navigation", buffered: true }); // there is always one, so that this ends
})"""
RUN_AXE = "async (options) => (await axe.run(options)).violations.map(({ id, nodes }) => [id, nodes[0].html])"
VIEWPORTS: dict[str, ViewportSize] = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 800}}


class Look(NamedTuple):
    """How a page is looked at, and what axe asks there that it has not asked before."""

    name: str
    viewport: str
    scheme: Scheme
    axe_options: Mapping[str, object]


LOOKS = (
    Look("light", "desktop", "light", {}),
    Look("dark", "desktop", "dark", {"runOnly": ["color-contrast"]}),
    Look("phone", "phone", "light", {"rules": {"color-contrast": {"enabled": False}}}),  # colours are those of the desktop
)


@asynccontextmanager
async def open_page(
    context: BrowserContext, viewport: str = "desktop", scheme: Scheme = "light", *, has_refusals: bool = False
) -> AsyncIterator[Page]:
    """A tab of the person who is logged in. Errors in it fail the test, but what the API refuses if there `has_refusals`."""
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    try:
        await page.set_viewport_size(VIEWPORTS[viewport])
        await page.emulate_media(color_scheme=scheme)
        yield page
    finally:
        await page.close()
    left = [error for error in errors if not (has_refusals and error.startswith(REFUSED))]
    assert left == [], left


async def check_page(context: BrowserContext, url: str, name: str, get_end: Callable[[Page], Locator]) -> None:
    """Check that everyone can use a page: axe finds nothing, no sideways scrolling; on a desktop in light and dark, and on a phone.

    On the desktop, nothing moves while it is loaded (MAX_SHIFT).

    `get_end` names what is there when the page has its content. Screenshots are written as `<name>-<scheme>` and `<name>-phone`.
    """
    async with open_page(context) as page:
        await page.goto(url)
        await get_end(page).wait_for()
        for look in LOOKS:
            await page.set_viewport_size(VIEWPORTS[look.viewport])
            await page.emulate_media(color_scheme=look.scheme)
            await get_end(page).wait_for()  # it may be drawn anew
            violations = await find_violations(page, look.axe_options)
            assert violations == [], f"{name}, {look.name}: {violations}"
            assert not await is_wider_than_screen(page), f"{name}, {look.name}"
            if look is LOOKS[0]:
                await check_shift(page, name)
            await take_screenshot(page, f"{name}-{look.name}")


async def check_shift(page: Page, name: str) -> None:
    """Check that what a person reads does not move while the page is loaded: the sum of its layout shifts (Layout Instability API)."""
    total, shifts = await page.evaluate(MEASURE_SHIFT)
    assert total <= MAX_SHIFT, f"{name} shifts by {total:.4f}: {shifts}"


async def limit_to_role(page: Page, role: Role) -> None:
    """Let the dashboard believe that the person has another role; what the gateway refuses to a role is tested there."""
    permissions = sorted(ROLE_PERMISSIONS[role])

    async def answer(route: Route) -> None:
        response = await route.fetch()
        await route.fulfill(response=response, json={**await response.json(), "permissions": permissions})

    await page.route("**/v1/auth/me", answer)


async def find_violations(page: Page, options: Mapping[str, object] = MappingProxyType({})) -> list[str]:
    """What axe finds: each rule that is broken, with the first element that breaks it."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)  # half a megabyte, once for each page
    all_options = {"iframes": False, "resultTypes": ["violations"], **options}  # what is in an iframe may run nothing
    found = await page.evaluate(RUN_AXE, all_options)
    return [f"{rule}: {json.dumps(html)}" for rule, html in found]


async def is_wider_than_screen(page: Page) -> bool:
    """Whether a person has to scroll the whole page sideways."""
    return bool(await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def find_field(place: Page | Locator, label: str) -> Locator:
    """The field with this label, whatever its role is."""
    return place.get_by_label(label).and_(place.locator("input:not([type=radio]), textarea"))


async def take_screenshot(page: Page, name: str) -> None:
    """Write a screenshot where a person looks at it: into the directory of HEROLD_TEST_SCREENSHOTS, if it is set."""
    if directory := os.environ.get("HEROLD_TEST_SCREENSHOTS"):
        await page.screenshot(path=Path(directory) / f"{name}.png", animations="disabled")
