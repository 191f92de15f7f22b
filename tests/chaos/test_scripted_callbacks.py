"""Callbacks that come many times, in the wrong order, too early, a day late, forged or not at all: through real gateway and recorder."""

import asyncio
from typing import Any

import asyncpg
import pytest

from schemas.channels import ChannelName
from schemas.delivery import Delivery
from tests.chaos.test_delivery import build_current_delivery, produce_deliveries
from tests.cluster import HeroldCluster, wait_until

# the channel, the address with its script, and the status in the end
SCRIPTS: list[tuple[ChannelName, str, str]] = [
    ("email", "ada@example.org", "DELIVERED"),
    ("email", "repeated-46@example.org", "DELIVERED"),
    ("email", "clicked.reversed@example.org", "DELIVERED"),
    ("email", "early@example.org", "DELIVERED"),
    ("email", "stale-25@example.org", "DELIVERED"),
    ("email", "late-2@example.org", "DELIVERED"),
    ("email", "deferred@example.org", "DELIVERED"),
    ("email", "bounced.reversed@example.org", "BOUNCED"),
    ("email", "bounced.early.repeated-3@example.org", "BOUNCED"),
    ("email", "dropped@example.org", "BOUNCED"),
    ("email", "failed@example.org", "FAILED"),
    ("email", "complained@example.org", "UNSUBSCRIBED"),
    ("email", "opted-out.reversed@example.org", "UNSUBSCRIBED"),
    ("email", "unsubscribed@example.org", "UNSUBSCRIBED"),
    ("email", "fail-1.repeated-2@example.org", "DELIVERED"),
    ("email", "forged@example.org", "SENT"),
    ("email", "silent@example.org", "SENT"),
    ("sms", "+4366012345678", "DELIVERED"),
    ("sms", "+15005552346", "DELIVERED"),
    ("sms", "+15005552400", "DELIVERED"),
    ("sms", "+15005552500", "DELIVERED"),
    ("sms", "+15005552105", "BOUNCED"),
    ("sms", "+15005552208", "FAILED"),
    ("sms", "+15005552800", "SENT"),
    ("sms", "+15005552600", "SENT"),
]


async def fetch_statuses(cluster: HeroldCluster, deliveries: list[Delivery]) -> dict[str, str]:
    """The status of each address in the history."""
    connection = await asyncpg.connect(cluster.urls.database)
    try:
        rows = await connection.fetch("select replace(id::text, '-', '') as id, status from deliveries")
    finally:
        await connection.close()
    addresses = {delivery.id.removeprefix("dlv_"): delivery.address for delivery in deliveries}
    return {addresses[row["id"]]: row["status"] for row in rows}


def count_results(cluster: HeroldCluster, name: str) -> int:
    """How many tries of callbacks had this result."""
    counts: dict[str, Any] = cluster.fetch_callback_counts()
    return int(counts.get(name, 0))


@pytest.mark.slow
async def test_every_script_ends_in_its_status(cluster: HeroldCluster) -> None:
    deliveries = [build_current_delivery(channel, number, address) for number, (channel, address, _) in enumerate(SCRIPTS)]
    expected = {address: status for _, address, status in SCRIPTS}

    async def have_ended() -> bool:
        return await fetch_statuses(cluster, deliveries) == expected

    async def were_forged_ones_rejected() -> bool:
        return count_results(cluster, "4xx") >= 2

    async with asyncio.timeout(400):
        workers = (cluster.start_worker(role) for role in ("email", "sms", "scheduler", "recorder"))
        await asyncio.gather(cluster.start_simulators(with_callbacks=True), cluster.start_gateway(), *workers)
        await produce_deliveries(cluster, "high", deliveries)
        try:
            await wait_until(have_ended, 120, "all have ended", interval=0.3)
        except TimeoutError:
            assert await fetch_statuses(cluster, deliveries) == expected
        await wait_until(were_forged_ones_rejected, 60, "forged callbacks are rejected", interval=0.3)
        assert count_results(cluster, "5xx") == 0
        assert await fetch_statuses(cluster, deliveries) == expected
