"""The live view goes on after its gateway was killed: nothing is lost, and nothing is shown twice."""

import asyncio
import json
from collections import Counter

import pytest
from aiokafka import AIOKafkaProducer
from playwright.async_api import BrowserContext, Page, expect

from schemas.ids import compute_partition
from tests.browser.conftest import Installation

pytestmark = pytest.mark.asyncio(loop_scope="package")
ORDER = {
    "type": "order.shipped",
    "to": {"email": "eve@example.org"},
    "channels": ["email"],
    "data": {"name": "Eve", "order": 18, "eta": "today", "items": ["lamp"]},
}
BEFORE, DURING = ("u-live-1", "u-live-2"), ("u-dead-1", "u-dead-2", "u-dead-3")


async def produce(installation: Installation, *users: str) -> None:
    """Submit notifications to Kafka, as a producer does while no gateway answers."""
    cluster = installation.cluster
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:
        topic = f"{cluster.prefix}notifications.high"
        partitions = len(await producer.partitions_for(topic))
        for user in users:
            value = json.dumps({**ORDER, "user_id": user}).encode()
            await producer.send_and_wait(topic, value, key=user.encode(), partition=compute_partition(user, partitions))


async def count_rows(page: Page, user: str) -> Counter[str]:
    """How often each status of a user is shown."""
    rows = page.get_by_role("row").filter(has_text=user)
    return Counter([text.split("\t")[1].split()[-1] for text in await rows.all_inner_texts()])


async def test_the_view_resumes_after_a_kill_without_loss_or_duplicates(context: BrowserContext, installation: Installation) -> None:
    page = await context.new_page()  # whose console says that connections fail
    await page.goto(f"{installation.url}/live")
    await page.get_by_text("live", exact=True).wait_for()
    await produce(installation, *BEFORE)
    for user in BEFORE:
        await expect(page.get_by_role("row").filter(has_text=user).filter(has_text="SENT")).to_have_count(1)
    installation.cluster.kill_process("gateway")
    await expect(page.get_by_text("connecting")).to_be_visible()
    await produce(installation, *DURING)
    await asyncio.gather(installation.cluster.start_gateway())
    for user in DURING:
        await expect(page.get_by_role("row").filter(has_text=user).filter(has_text="SENT")).to_have_count(1)
    await expect(page.get_by_text("live", exact=True)).to_be_visible()
    for user in (*BEFORE, *DURING):
        assert await count_rows(page, user) == {"routed": 1, "SENT": 1}, user
    await expect(page.get_by_text("missed")).to_have_count(0)
    await page.close()
