"""PostgreSQL away in the middle of a broadcast: it waits, goes on where it was, and each user has one notification."""

import asyncio
from collections import Counter

import msgspec

from agents.broadcasts.expander import ExpandedPage, Expander, ExpansionDelay, FailedBroadcast
from schemas.notification import Notification
from tables.postgres.broadcast_pages import PostgresBroadcastPages
from tables.postgres.database import Database
from tests.cluster import wait_until
from tests.database_fixtures import create_database
from tests.memory_streaming import MemoryKafka, MemoryOutbox
from tests.tcp_proxy import run_proxy

USERS = 300
INSERT = """
    insert into broadcasts (id, user_ids, notification, created_by)
    select gen_random_uuid(), array_agg('u-' || number), '{"type": "t"}', 'test' from generate_series(1, $1) number
"""
PARTITIONS = 4


class AwaitedOutbox(MemoryOutbox):
    """An outbox whose flush is awaited."""

    async def flush(self) -> None:  # type: ignore[override]
        super().flush()


async def test_a_broadcast_waits_for_postgresql_and_goes_on(database_copy: Database, database_copy_url: str) -> None:
    await database_copy.fetch(INSERT, USERS)
    kafka, observed = MemoryKafka(), list[ExpandedPage | FailedBroadcast | ExpansionDelay]()

    async def is_delayed() -> bool:
        return any(isinstance(event, ExpansionDelay) for event in observed)

    async def is_done() -> bool:
        (row,) = await database_copy.fetch("select state, expanded_count from broadcasts")
        return tuple(row) == ("done", USERS)

    async def yield_only(seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.05))

    async with run_proxy(database_copy_url) as proxy:
        database = create_database(proxy.url, connect_timeout=0.5, command_timeout=0.5)
        pages = PostgresBroadcastPages(database, 60)
        expander = Expander(
            pages,
            lambda: AwaitedOutbox(kafka),
            yield_only,
            asyncio.get_running_loop().time,
            "w-1",
            PARTITIONS,
            "t1.",
            0.1,
            10,
            observed.append,
        )
        task = asyncio.create_task(expander.run_forever())
        await wait_until(lambda: _has_pages(observed, 5), 60, "five pages are expanded", interval=0.001)
        await proxy.disable()
        await wait_until(is_delayed, 60, "the outage is noticed")
        assert not task.done()
        await proxy.enable()
        await wait_until(is_done, 60, "the broadcast is done")
        task.cancel()
        await database.close()
    records = [record for partition in range(PARTITIONS) for record in kafka.get_records("t1.notifications.low", partition)]
    notifications = {(one.user_id, one.id) for one in (msgspec.json.decode(record.value or b"", type=Notification) for record in records)}
    assert Counter(user_id for user_id, _ in notifications) == Counter({f"u-{number}": 1 for number in range(1, USERS + 1)})
    assert not any(isinstance(event, FailedBroadcast) for event in observed)


async def _has_pages(observed: list[ExpandedPage | FailedBroadcast | ExpansionDelay], count: int) -> bool:
    return sum(isinstance(event, ExpandedPage) for event in observed) >= count
