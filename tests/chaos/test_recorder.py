"""The recorder is killed between two commits: the history has every notification, delivery and attempt once."""

import asyncio

import asyncpg
import pytest

from dev.stack.stack import ServerUrls
from tests.bench import load_generator
from tests.cluster import PARTITIONS, HeroldCluster, wait_until

COUNT = 6000
# small commits, so that the recorder is killed between two of many
SMALL_COMMITS = {"HEROLD_RECORDER_MAX_BATCH_RECORDS": "50", "HEROLD_RECORDER_LINGER_MAX_EVENTS": "100"}
COUNTS_SQL = """select (select count(*) from notifications),
                   (select count(*) from deliveries where status = 'SENT'),
                   (select count(*) from delivery_logs)"""


async def fetch_counts(urls: ServerUrls) -> tuple[int, int, int]:
    """Fetch the numbers of notifications, SENT deliveries and attempts in the history."""
    connection = await asyncpg.connect(urls.database)
    try:
        return tuple(await connection.fetchrow(COUNTS_SQL))
    finally:
        await connection.close()


@pytest.mark.slow
async def test_a_killed_recorder_records_everything_once(cluster: HeroldCluster, server_urls: ServerUrls) -> None:
    await asyncio.gather(cluster.start_simulators(), cluster.start_worker("router"), cluster.start_worker("email"))
    await load_generator.fill_topic(cluster.urls.kafka, f"{cluster.prefix}notifications.low", PARTITIONS, COUNT, seed=1)
    await cluster.wait_for_requests(COUNT)

    async def has_some_rows() -> bool:
        return min(await fetch_counts(server_urls)) > COUNT // 10

    async def has_all_rows() -> bool:
        return min(await fetch_counts(server_urls)) >= COUNT

    await cluster.start_worker("recorder", **SMALL_COMMITS)
    await wait_until(has_some_rows, 60, "a part is in the history", interval=0.005)
    cluster.kill_process("recorder")
    assert min(await fetch_counts(server_urls)) < COUNT
    await cluster.start_worker("recorder")
    await wait_until(has_all_rows, 150, "all are in the history", interval=0.1)
    assert await fetch_counts(server_urls) == (COUNT, COUNT, COUNT)
