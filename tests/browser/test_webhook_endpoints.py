"""The pages of webhook endpoints: one is created with its secret, tested, changed, rotated and disabled."""

import asyncio
import time
from typing import Any

import pytest
from playwright.async_api import BrowserContext, expect

from schemas.enums import Outcome, Status
from schemas.events import DecidedEvent, StatusEvent
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.browser.conftest import Installation
from tests.browser.pages import check_page, find_field, open_page
from tests.database_fixtures import create_database
from tests.event_builders import build_decided_event, build_history_batch, build_status_event

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.fixture(scope="module")
def endpoint(installation: Installation) -> dict[str, Any]:
    """An endpoint of a user, at the simulators."""
    installation.call("PUT", "/v1/users/u-partner", {})
    url = installation.cluster.build_url("simulators", "/hooks/partner")
    return dict(installation.call("POST", "/v1/webhook-endpoints", {"url": url, "user_id": "u-partner", "types": ["order.*"]}))


async def test_everyone_can_use_every_page(context: BrowserContext, installation: Installation, endpoint: dict[str, Any]) -> None:
    await check_page(context, f"{installation.url}/webhook-endpoints", "webhook-endpoints", lambda page: page.locator("tbody tr").first)
    url = f"{installation.url}/webhook-endpoints/{endpoint['id']}"
    await check_page(context, url, "webhook-endpoint", lambda page: page.get_by_text("Not called yet"))


def build_attempt(endpoint_id: str, number: int, ago: float, code: int, **changes: Any) -> StatusEvent:
    outcome, status = (Outcome.ACCEPTED, Status.DELIVERED) if code < 300 else (Outcome.UNKNOWN, Status.PENDING)
    fields = {"occurred_at": time.time() - ago, "outcome": outcome, "provider_code": code, "detail": "", "user_id": "u-partner", **changes}
    return build_status_event(number, "webhook", status, endpoint_id=endpoint_id, provider="webhook", provider_message_id="", **fields)


async def record(installation: Installation, *events: DecidedEvent | StatusEvent) -> None:
    database = create_database(installation.cluster.urls.database)
    await PostgresHistoryWriter(database).write(build_history_batch(*events))
    await database.close()


async def test_the_attempts_at_one_are_listed_and_lead_to_their_notifications(
    context: BrowserContext, installation: Installation, endpoint: dict[str, Any]
) -> None:
    body = {"url": installation.cluster.build_url("simulators", "/hooks/called"), "user_id": "u-partner"}
    called_id = (await asyncio.to_thread(installation.call, "POST", "/v1/webhook-endpoints", body))["id"]
    decided = build_decided_event(1, "webhook", user_id="u-partner", type="order.shipped")
    attempts = [
        build_attempt(called_id, 1, 60, 503, next_attempt_at=time.time() + 300),
        build_attempt(called_id, 2, 120, 204),
        build_attempt(called_id, 3, 3600, 403, detail="the endpoint forbids it"),
    ]
    await record(installation, decided, *attempts)
    url = f"{installation.url}/webhook-endpoints/{called_id}"
    await check_page(context, url, "webhook-endpoint-called", lambda page: page.get_by_role("cell", name="order.shipped"))
    async with open_page(context) as page:
        await page.goto(url)
        rows = page.get_by_role("region", name="attempts", exact=True).locator("tbody tr")
        await expect(rows).to_have_count(3)
        await expect(rows.first).to_contain_text("an error of the endpoint; again at")
        await page.get_by_label("which attempts").get_by_text("Failed").click()
        await expect(rows).to_have_count(2)
        await expect(rows.last).to_contain_text("the endpoint forbids it")
        await record(installation, build_attempt(called_id, 5, 1, 429, detail="too many"))
        await expect(rows.first).to_contain_text("too many")  # what comes while it is looked at
        await rows.get_by_text("order.shipped").click()
        await expect(page).to_have_url(f"{installation.url}/notifications/{decided.id}?user_id=u-partner")


async def test_one_is_created_and_its_secret_is_shown_once(
    context: BrowserContext, installation: Installation, endpoint: dict[str, Any]
) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/webhook-endpoints")
        await page.get_by_role("button", name="New endpoint").click()
        dialog = page.get_by_role("dialog")
        await find_field(dialog, "URL").fill(installation.cluster.build_url("simulators", "/hooks/new"))
        await find_field(dialog, "User").fill("u-partner")
        await dialog.get_by_role("button", name="Create").click()
        await expect(dialog.get_by_role("note")).to_contain_text("whsec_")
        await dialog.get_by_role("link", name="Open the endpoint").click()
        await expect(page.get_by_role("region", name="secrets")).not_to_contain_text("whsec_")


async def test_one_is_changed_tested_rotated_and_disabled(
    context: BrowserContext, installation: Installation, endpoint: dict[str, Any]
) -> None:
    async with open_page(context, has_refusals=True) as page:
        await page.goto(f"{installation.url}/webhook-endpoints/{endpoint['id']}")
        await find_field(page, "Description").fill("the order system")
        await page.get_by_label("One webhook after the other").check()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("button", name="Save")).to_be_disabled()
        await page.get_by_role("button", name="Pause", exact=True).click()
        await find_field(page.get_by_role("dialog"), "Reason").fill("it moves")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("main")).to_contain_text("by hand")
        await page.get_by_role("button", name="Resume").click()
        await page.get_by_role("button", name="Pause", exact=True).wait_for()
        await page.get_by_role("button", name="Send a test webhook").click()
        await expect(page.get_by_role("region", name="test").get_by_role("status")).to_contain_text("PENDING")
        await page.get_by_role("button", name="Rotate").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Rotate").click()
        await expect(dialog.get_by_role("note")).to_contain_text("whsec_")
        await page.keyboard.press("Escape")
        await expect(dialog.get_by_role("note")).to_contain_text("whsec_")  # it is shown only once
        await dialog.get_by_role("button", name="Close").click()
        await page.get_by_role("button", name="Disable").click()
        await find_field(page.get_by_role("dialog"), "Reason").fill("it moves")
        await page.get_by_role("dialog").get_by_role("button", name="Disable").click()
        await expect(page.get_by_text("by a person")).to_be_visible()
    stored = await asyncio.to_thread(installation.call, "GET", f"/v1/webhook-endpoints/{endpoint['id']}")
    assert (stored["description"], stored["is_enabled"], len(stored["secrets"])) == ("the order system", False, 2)
    assert stored["ordered"]
