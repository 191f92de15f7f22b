"""The pages of rules and rate limits: fields, simulation, versions."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Locator, Page, expect

from schemas.permissions import Role
from tests.browser.conftest import Installation
from tests.browser.pages import check_page, find_violations, limit_to_role, open_page, take_screenshot

pytestmark = pytest.mark.asyncio(loop_scope="package")
ANY_VERSION = {"if-match": "*"}
RULE: dict[str, Any] = {
    "category": "marketing",
    "channels": ["push", "email"],
    "strategy": "first",
    "template": "order-shipped",
    "condition": "data.percent >= 5",
    "priorities": [{"when": 'user.tier == "gold"', "priority": "medium"}],
    "digest": {"cron": "0 8 * * *"},
    "email_options": {"reply_to": "shop@example.org"},
}
PATHS = {
    "rules": "/rules",
    "rule": "/rules/shop.sale",
    "rule-json": "/rules/shop.sale?tab=json",
    "rule-simulation": "/rules/shop.sale?tab=simulation",
    "rule-versions": "/rules/shop.sale?tab=versions",
    "limits": "/rules?tab=limits",
    "limit": "/rules?tab=limits&limit=email%7C604800%7Cmarketing%7C",
}
ENDS: dict[str, Callable[[Page], Locator]] = {
    "rules": lambda page: page.get_by_text("3 in 7 d (email)").first,
    "rule": lambda page: page.get_by_label("Choice 1: if (CEL)"),
    "rule-json": lambda page: page.get_by_label("Rule (JSON)"),
    "rule-simulation": lambda page: page.get_by_text("There is no draft"),
    "rule-versions": lambda page: page.locator(".diff-added").first,
    "limits": lambda page: page.get_by_role("row", name="marketing").first,
    "limit": lambda page: page.get_by_role("dialog").get_by_role("row", name="fewer newsletters"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def rule(installation: Installation) -> None:
    """A rule with two versions, and a rate limit."""
    path, limit = "/v1/rules/shop.sale", "/v1/rate-limits/email/604800?category=marketing&comment=fewer%20newsletters"
    await asyncio.to_thread(installation.call, "PUT", f"{path}?comment=a%20test", {**RULE, "condition": ""})
    await asyncio.to_thread(installation.call, "PUT", f"{path}?comment=no%20tiny%20sales", RULE, **ANY_VERSION)
    await asyncio.to_thread(installation.call, "PUT", limit, {"max_count": 3})


@pytest.mark.parametrize("name", PATHS)
async def test_everyone_can_use_every_page(context: BrowserContext, installation: Installation, rule: None, name: str) -> None:
    await check_page(context, installation.url + PATHS[name], name, ENDS[name])


async def test_a_draft_is_checked_as_it_is_typed_and_tried_on_what_was_sent(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/rules")
        await page.get_by_role("link", name="order.shipped").first.click()
        condition = page.get_by_label("Condition (CEL)")
        await condition.fill("dat.order > 17")
        await expect(page.get_by_role("alert")).to_contain_text("1 field is not valid")
        await expect(condition).to_have_attribute("aria-invalid", "true")
        await expect(page.get_by_role("button", name="Save")).to_be_disabled()
        await take_screenshot(page, "rule-problem")
        await condition.fill("data.order > 100")
        await expect(page.get_by_role("alert")).to_have_count(0)
        await expect(page.locator(".diff-added")).to_contain_text("data.order > 100")
        await page.reload()
        await expect(condition).to_have_value("data.order > 100")
        await page.get_by_role("tab", name="Simulation").click()
        await expect(page.get_by_role("note")).to_contain_text("notifications would be decided otherwise")
        await expect(page.get_by_role("row", name="routed → rejected").first).to_contain_text("rejected by rule: condition")
        assert await find_violations(page) == []
        await take_screenshot(page, "rule-simulated")
        await page.get_by_role("link", name="example 1").first.click()
        await expect(page.get_by_role("heading", name="Gates")).to_be_visible()
        await page.go_back()
        await page.get_by_role("button", name="Discard").click()
        await expect(page.get_by_text("not saved")).to_have_count(0)


async def test_a_rule_is_made_changed_deleted_and_rolled_back(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/rules")
        await page.get_by_role("button", name="New rule").click()
        await page.get_by_label("Type", exact=True).fill("shop.new")
        await page.get_by_role("button", name="Create").click()
        await page.get_by_role("heading", name="shop.new").wait_for()  # the list has a field of this name, too
        await page.get_by_label("Category").fill("transactional")
        await page.get_by_label("Template", exact=True).fill("order-shipped")
        await page.get_by_label("Channels").first.focus()
        await page.keyboard.press("ArrowDown")
        await page.get_by_role("option", name="sms").click()
        await page.get_by_role("heading", name="shop.new").click()
        dialog = page.get_by_role("dialog")
        await page.get_by_role("button", name="Save", exact=True).click()
        await dialog.get_by_role("button", name="Save and use it").click()
        await expect(page.get_by_text("✓ version 1 is in force")).to_be_visible()
        change = {"category": "transactional", "channels": ["sms", "email"], "template": "order-shipped"}
        await page.get_by_label("Expires after").fill("600")
        await asyncio.to_thread(installation.call, "PUT", "/v1/rules/shop.new?comment=quicker", change, **ANY_VERSION)
        await page.get_by_role("button", name="Save", exact=True).click()
        await dialog.get_by_role("button", name="Save and use it").click()
        await expect(dialog).to_contain_text("Version 2 came into force meanwhile")
        assert await find_violations(page) == []
        await dialog.get_by_role("button", name="Take version 2").click()
        await expect(page.get_by_text("✓ version 2 is in force")).to_be_visible()
        await page.get_by_role("button", name="Delete").click()
        await expect(dialog).to_contain_text("become dead letters")
        await dialog.get_by_role("button", name="Delete the rule").click()
        await expect(page.get_by_text("no rule is in force")).to_be_visible()
        await page.get_by_role("tab", name="Versions").click()
        await page.get_by_role("button", name="Roll back").last.click()
        await dialog.get_by_role("button", name="Roll back").click()
        await expect(page.get_by_text("✓ version 4 is in force")).to_be_visible()


async def test_a_limit_is_made_changed_and_deleted(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/rules?tab=limits")
        await page.get_by_role("button", name="New limit").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Users of tier").fill("silver")
        await dialog.get_by_label("At most").fill("7")
        await dialog.get_by_role("button", name="Create").click()
        row = page.get_by_role("row", name="silver")
        await expect(row).to_contain_text("7")
        await row.get_by_role("button", name="Change").click()
        await dialog.get_by_label("At most").fill("8")
        await dialog.get_by_role("button", name="Save").click()
        await expect(row).to_contain_text("8")
        await row.get_by_role("button", name="Change").click()
        await dialog.get_by_role("button", name="Delete the limit").click()
        await expect(row).to_have_count(0)


async def test_who_may_only_read_sees_no_way_to_change(context: BrowserContext, installation: Installation, rule: None) -> None:
    async with open_page(context) as page:
        await limit_to_role(page, Role.VIEWER)
        await page.goto(f"{installation.url}/rules/shop.sale")
        await expect(page.get_by_label("Condition (CEL)")).not_to_be_editable()
        for name in ("Save", "Delete", "Add a choice of priority"):
            await expect(page.get_by_role("button", name=name)).to_have_count(0)
        await page.goto(f"{installation.url}/rules?tab=limits")
        await page.get_by_role("row").filter(has_text="marketing").filter(has_text="7 d").get_by_role("button", name="Versions").click()
        await page.get_by_role("dialog").get_by_role("row", name="fewer newsletters").wait_for()
        await expect(page.get_by_role("dialog").get_by_role("button", name="Save")).to_have_count(0)
