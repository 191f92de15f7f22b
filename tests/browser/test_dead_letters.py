"""Dead letters in a browser: by cause, one by one, and from the notification that died."""

import asyncio
import json
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from playwright.async_api import BrowserContext, expect

from tests.browser.conftest import Installation
from tests.browser.pages import find_violations, open_page, take_screenshot
from tests.cluster import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="package")
VALUE = {"type": "account.otp", "to": {"email": "eve@example.org"}, "channels": ["email"], "data": {}}


async def produce_dead_letters(installation: Installation, user_id: str, count: int) -> dict[str, Any]:
    """Produce notifications without the data of their template, and wait until they are dead letters; returns their value."""
    value = {**VALUE, "user_id": user_id}
    async with AIOKafkaProducer(bootstrap_servers=installation.cluster.urls.kafka) as producer:
        for _ in range(count):
            topic = f"{installation.cluster.prefix}notifications.low"
            await producer.send_and_wait(topic, json.dumps(value).encode(), key=user_id.encode())

    async def are_recorded() -> bool:
        return bool(await installation.cluster.fetch_value(f"select count(*) = {count} from dead_letters where user_id = '{user_id}'"))

    await wait_until(are_recorded, 60, f"{count} dead letters of {user_id} are recorded", interval=0.1)
    return value


async def test_one_dead_letter_is_discarded_and_another_one_edited_by_keyboard(context: BrowserContext, installation: Installation) -> None:
    value = await produce_dead_letters(installation, "u-dead", 2)
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/dead-letters?tab=letters&user_id=u-dead")
        rows = page.locator("tbody tr")
        await expect(rows).to_have_count(2)
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Its record").wait_for()
        assert await find_violations(page) == []
        await take_screenshot(page, "dead-letter")
        await page.get_by_role("dialog").get_by_role("button", name="Discard").focus()
        await page.keyboard.press("Enter")
        await page.get_by_label("Reason, for the audit log").fill("a test of the producer")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("It is discarded")).to_be_visible()
        await expect(page.get_by_role("dialog")).to_contain_text("a test of the producer")
        await page.keyboard.press("Escape")
        await expect(rows).to_have_count(1)
        await rows.first.get_by_role("link").first.focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Edit and redrive").click()
        await page.get_by_label("Notification (JSON)").fill(json.dumps({**value, "data": {"code": "482193", "minutes": 5}}))
        await page.get_by_label("Reason, for the audit log").fill("the producer is mended")
        await take_screenshot(page, "dead-letter-edit")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("It is on its way again")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_text("No dead letter matches")).to_be_visible()


async def test_a_dead_notification_says_what_sending_it_again_would_do(context: BrowserContext, installation: Installation) -> None:
    await produce_dead_letters(installation, "u-again", 1)
    [dead] = (await asyncio.to_thread(installation.call, "GET", "/v1/notifications?user_id=u-again"))["items"]
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/notifications/{dead['id']}")
        await page.get_by_role("button", name="Send again").first.click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("It goes through all gates again")
        await expect(dialog.get_by_role("button", name="Send again")).to_be_disabled()
        assert await find_violations(page) == []
        await take_screenshot(page, "notification-redrive")
        await dialog.get_by_label("Reason, for the audit log").fill("a test")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("It is on its way again")).to_be_visible()
        await expect(page.get_by_role("region", name="dead letters")).to_contain_text("redriven")


async def test_dead_letters_are_sent_again_after_a_look_at_what_happens(context: BrowserContext, installation: Installation) -> None:
    async with open_page(context) as page:
        await page.goto(f"{installation.url}/dead-letters")
        await page.get_by_role("row", name="undecodable").get_by_role("button", name="Redrive").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("unreadable")
        await expect(dialog.get_by_role("button", name="Redrive")).to_be_disabled()
        assert await find_violations(page) == []
        await dialog.get_by_label("Reason, for the audit log").fill("a test")
        await dialog.get_by_role("button", name="Redrive").click()
        await expect(page.get_by_text("The redrive has begun")).to_be_visible()
