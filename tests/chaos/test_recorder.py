"""The recorder is killed with -9 between its commits: history has every notification, delivery and attempt once."""

import asyncpg
import pytest

from dev.stack.stack import ServerUrls
from tests.bench import load_generator as feed
from tests.cluster import PARTITIONS, HeroldCluster, wait_until

MANY = 6000
# a commit of few events, so that the kill surely falls between two of many
SMALL = {"HEROLD_RECORDER_MAX_BATCH_RECORDS": "50", "HEROLD_RECORDER_LINGER_MAX_EVENTS": "100"}
COUNTS = """select (select count(*) from notifications),
                   (select count(*) from deliveries where status = 'SENT'),
                   (select count(*) from delivery_logs)"""


async def counts(urls: ServerUrls) -> tuple[int, int, int]:
    """Notifications, deliveries that were sent, and attempts in history."""
    connection = await asyncpg.connect(urls.database)
    try:
        return tuple(await connection.fetchrow(COUNTS))
    finally:
        await connection.close()


@pytest.mark.slow
async def test_killed_in_mid_work_it_records_everything_once(cluster: HeroldCluster, server_urls: ServerUrls) -> None:
    await cluster.start_simulators()
    await cluster.start_worker("router")
    await cluster.start_worker("email")
    await feed.fill_topic(cluster.urls.kafka, f"{cluster.prefix}notifications.low", PARTITIONS, MANY, seed=1)
    await cluster.wait_for_requests(MANY)

    async def some() -> bool:
        return min(await counts(server_urls)) > MANY // 10

    async def all_of_them() -> bool:
        return min(await counts(server_urls)) >= MANY

    await cluster.start_worker("recorder", **SMALL)
    await wait_until(some, 60, "some of them in history", interval=0.005)
    cluster.kill_process("recorder")
    assert min(await counts(server_urls)) < MANY
    await cluster.start_worker("recorder")
    await wait_until(all_of_them, 150, "all of them in history", interval=0.1)
    assert await counts(server_urls) == (MANY, MANY, MANY)
