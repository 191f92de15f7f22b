"""The recorder is killed with -9 between its commits: history has every notification, delivery and attempt once."""

import asyncpg
import pytest

from app.local.stack import Urls
from tests.bench import load as feed
from tests.stand import PARTITIONS, Stand, until

MANY = 6000
# a commit of few events, so that the kill surely falls between two of many
SMALL = {"HEROLD_RECORDER_BATCH": "50", "HEROLD_RECORDER_LINGER_EVENTS": "100"}
COUNTS = """select (select count(*) from notifications),
                   (select count(*) from deliveries where status = 'SENT'),
                   (select count(*) from delivery_logs)"""


async def counts(urls: Urls) -> tuple[int, int, int]:
    """Notifications, deliveries that were sent, and attempts in history."""
    connection = await asyncpg.connect(urls.database)
    try:
        return tuple(await connection.fetchrow(COUNTS))
    finally:
        await connection.close()


@pytest.mark.slow
async def test_killed_in_mid_work_it_records_everything_once(stand: Stand, urls: Urls) -> None:
    await stand.twins()
    await stand.worker("router")
    await stand.worker("email")
    await feed.fill(stand.urls.kafka, f"{stand.prefix}notifications.low", PARTITIONS, MANY, seed=1)
    await stand.until_asked(MANY)

    async def some() -> bool:
        return min(await counts(urls)) > MANY // 10

    async def all_of_them() -> bool:
        return min(await counts(urls)) >= MANY

    await stand.worker("recorder", **SMALL)
    await until(some, 60, "some of them in history", every=0.005)
    stand.kill("recorder")
    assert min(await counts(urls)) < MANY
    await stand.worker("recorder")
    await until(all_of_them, 150, "all of them in history", every=0.1)
    assert await counts(urls) == (MANY, MANY, MANY)
