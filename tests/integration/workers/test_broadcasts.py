"""Broadcasts on real workers: each user gets exactly one notification, whatever is killed meanwhile; pause, cancel and rate."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dev.stack.stack import ServerUrls
from schemas.events import DecidedEvent
from schemas.ids import compute_partition
from schemas.notification import Notification
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.topic_reader import open_topic_reader

USERS = 20_000
INSERT_USERS = """
    insert into users (id, addresses, tier)
    select 'b-' || number, jsonb_build_object('email', jsonb_build_array('b-' || number || '@example.org')), 'gold'
    from generate_series(0, $1 - 1) number
"""
INSERT_AUDIENCE = """insert into audiences (id, name, kind, filter) values (gen_random_uuid(), 'gold', 'filter', '{"tier": ["gold"]}')"""
INSERT_BROADCAST = """
    insert into broadcasts (id, audience_id, notification, priority, rate, created_by)
    select '0199c82c-c000-7000-8000-000000000001', id, $1, 'medium', $2, 'test' from audiences where name = 'gold'
"""
NOTIFICATION = {"type": "order.shipped", "data": {"order": 17, "name": "Ada", "eta": "Friday", "items": ["lamp"]}}
TOPIC = "notifications.medium"

pytestmark = pytest.mark.slow


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation whose leases and sessions are short, with 20,000 users in an audience."""
    urls = ServerUrls(kafka_url, database_url, redis_url)
    settings = {"HEROLD_KAFKA_SESSION_TIMEOUT": "6", "HEROLD_SCHEDULER_BROADCAST_LEASE": "2", "HEROLD_SCHEDULER_BROADCAST_INTERVAL": "0.1"}
    cluster = HeroldCluster(tmp_path / "cluster", urls, prefix, **settings)
    try:
        await cluster.create_schema()
        await cluster.execute(INSERT_USERS, USERS)
        await cluster.execute(INSERT_AUDIENCE)
        yield cluster
    finally:
        await cluster.close()


async def start_broadcast(cluster: HeroldCluster, rate: int | None = None) -> None:
    """Insert the broadcast; `rate` in users per second."""
    await cluster.execute(INSERT_BROADCAST, msgspec.json.encode(NOTIFICATION).decode(), rate)


async def fetch_broadcast(cluster: HeroldCluster, column: str) -> Any:
    return await cluster.fetch_value(f"select {column} from broadcasts")


async def wait_until_expanded(cluster: HeroldCluster, count: int) -> None:
    """Wait until so many users are expanded, as the broadcast itself says."""

    async def are_expanded() -> bool:
        return bool(await fetch_broadcast(cluster, "expanded_count") >= count)

    await wait_until(are_expanded, 120, f"{count} users are expanded")


async def is_done(cluster: HeroldCluster) -> bool:
    return bool(await fetch_broadcast(cluster, "state") == "done")


async def is_given_back(cluster: HeroldCluster) -> bool:
    return bool(await fetch_broadcast(cluster, "leased_until is null"))


async def read_notifications(cluster: HeroldCluster) -> list[Notification]:
    """The notifications that were produced, each on the partition of its user."""
    async with open_topic_reader(cluster.urls.kafka) as reader:
        records = [record async for record in reader.read_records([cluster.prefix + TOPIC])]
    for record in records:
        assert record.partition == compute_partition(record.key.decode(), PARTITIONS)
    return [msgspec.json.decode(record.value, type=Notification) for record in records]


async def read_routed_users(cluster: HeroldCluster) -> Counter[str]:
    """How many notifications of each user the router has decided; all must be routed."""
    async with open_topic_reader(cluster.urls.kafka) as reader:
        records = [record async for record in reader.read_records([f"{cluster.prefix}notifications.status"])]
    events = [msgspec.json.decode(record.value, type=DecidedEvent) for record in records]
    assert {(event.state, event.reason) for event in events} == {("routed", "")}
    return Counter(event.user_id for event in events)


async def test_each_user_gets_one_notification_although_schedulers_are_killed_in_the_middle(cluster: HeroldCluster) -> None:
    await asyncio.gather(cluster.start_worker("router"), cluster.start_worker("scheduler", "first"))
    await start_broadcast(cluster, rate=8000)
    await wait_until_expanded(cluster, 3000)
    cluster.kill_process("first")
    await asyncio.gather(cluster.start_worker("scheduler", "second"), cluster.start_worker("scheduler", "third"))
    await wait_until_expanded(cluster, 10_000)
    cluster.kill_process("second")
    await wait_until(lambda: is_done(cluster), 120, "the broadcast is done")  # the last page may have no users
    assert await fetch_broadcast(cluster, "(expanded_count, total_count)") == (USERS, USERS)
    notifications = await read_notifications(cluster)
    assert len({one.user_id for one in notifications}) == USERS
    assert len({one.id for one in notifications}) == USERS  # what was produced twice has the same id

    async def are_decided() -> bool:
        return await cluster.count_records("deliveries.email.medium") >= USERS

    await wait_until(are_decided, 120, "all are decided")
    await asyncio.sleep(2)  # a second notification of a user would follow
    users = await read_routed_users(cluster)
    assert len(users) == USERS
    assert set(users.values()) == {1}
    assert await cluster.count_records("deliveries.email.medium") == USERS


async def test_a_page_that_is_produced_twice_is_skipped_by_the_router(cluster: HeroldCluster) -> None:
    await cluster.execute("delete from users where id not in ('b-1', 'b-2', 'b-3')")
    await asyncio.gather(cluster.start_worker("router"), cluster.start_worker("scheduler"))
    await start_broadcast(cluster)
    await wait_until_expanded(cluster, 3)
    first = await read_notifications(cluster)
    # as if the worker had been killed after the acknowledgement and before it stored the cursor
    identified_at = int((first[0].id or "")[4:16], 16) / 1000
    await cluster.execute(
        "update broadcasts set state = 'running', cursor = '', expanded_count = 0, identified_at = to_timestamp($1)", identified_at
    )
    await wait_until_expanded(cluster, 3)
    assert Counter(one.id for one in await read_notifications(cluster)) == Counter([one.id for one in first] * 2)
    await cluster.wait_for_metric("router", "herold_router_records_total", 6)
    assert cluster.read_metric("router", 'herold_router_records_total{priority="medium",result="replayed"}') == 3
    assert await cluster.count_records("deliveries.email.medium") == 3


async def test_a_paused_broadcast_stops_where_it_is_and_goes_on_there(cluster: HeroldCluster) -> None:
    await cluster.start_worker("scheduler")
    await start_broadcast(cluster, rate=8000)
    await wait_until_expanded(cluster, 2000)
    await cluster.execute("update broadcasts set state = 'paused'")
    await wait_until(lambda: is_given_back(cluster), 120, "the page in hand has ended")
    expanded = await fetch_broadcast(cluster, "expanded_count")
    await asyncio.sleep(1)
    assert await fetch_broadcast(cluster, "(state, expanded_count)") == ("paused", expanded)
    assert await cluster.count_records(TOPIC) == expanded < USERS
    await cluster.execute("update broadcasts set state = 'running'")
    await wait_until_expanded(cluster, USERS)
    assert await cluster.count_records(TOPIC) == USERS


async def test_a_cancelled_broadcast_stops_and_the_rate_is_kept(cluster: HeroldCluster) -> None:
    await asyncio.gather(cluster.start_worker("scheduler", "first"), cluster.start_worker("scheduler", "second"))
    started_at = time.monotonic()
    await start_broadcast(cluster, rate=400)
    await wait_until_expanded(cluster, 1000)
    assert time.monotonic() - started_at > 2  # the first pages are due at once, and two workers keep one rate
    await cluster.execute("update broadcasts set state = 'cancelled'")
    await wait_until(lambda: is_given_back(cluster), 120, "the page in hand has ended")
    expanded = await fetch_broadcast(cluster, "expanded_count")
    await asyncio.sleep(1)
    assert await fetch_broadcast(cluster, "(state, expanded_count)") == ("cancelled", expanded)
    assert await cluster.count_records(TOPIC) == expanded < USERS
