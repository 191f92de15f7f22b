"""Redrives on real workers: each dead letter is sent exactly once, whatever is killed meanwhile; and a mended notification arrives."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from app.ordered_ids import OrderedIds
from dev.stack.stack import ServerUrls
from schemas.dead_letters import DeadLetterFilter
from schemas.events import DecidedEvent, StatusEvent
from schemas.ids import compute_partition
from schemas.redrives import Redrive, RedriveRequest, Replacement
from schemas.topics import STATUS_TOPIC
from schemas.users import ChangeOrigin
from tables.postgres.database import Database
from tables.postgres.dead_letters import DeadLetterStore
from tables.postgres.redrives import RedriveStore
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.database_fixtures import create_database
from tests.dead_letter_builders import build_failed_delivery, store_dead_letters
from tests.delivery_builders import build_delivery
from tests.topic_reader import open_topic_reader

COUNT = 2000
ORIGIN = ChangeOrigin("cli", "test")
ALL = RedriveRequest(filter=DeadLetterFilter())

pytestmark = pytest.mark.slow


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation whose leases and sessions are short."""
    settings = {"HEROLD_KAFKA_SESSION_TIMEOUT": "6", "HEROLD_SCHEDULER_BROADCAST_LEASE": "2", "HEROLD_SCHEDULER_BROADCAST_INTERVAL": "0.1"}
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix, **settings)
    try:
        await cluster.create_schema()
        yield cluster
    finally:
        await cluster.close()


@pytest.fixture
async def database(cluster: HeroldCluster) -> AsyncIterator[Database]:
    database = create_database(cluster.urls.database)
    yield database
    await database.close()


def build_store(database: Database) -> RedriveStore:
    return RedriveStore(database, OrderedIds(time.time, lambda: 1))


async def store_failed_emails(cluster: HeroldCluster, database: Database, count: int) -> list[str]:
    """Record e-mails whose retries are exhausted; returns the ids of their deliveries."""
    now = time.time()
    mails = [build_delivery(number=n, address=f"n{n}@example.org", created_at=now, expires_at=now + 3600) for n in range(count)]
    topic = f"{cluster.prefix}deliveries.email.medium"
    for first in range(0, count, 500):
        dead_letters = [build_failed_delivery(mail, source_topic=topic) for mail in mails[first : first + 500]]
        await store_dead_letters(database, *dead_letters, at=now - count + first, first_offset=first)
    return [mail.id for mail in mails]


async def wait_for_redrive(store: RedriveStore, redrive_id: str, minimum: int, state: str = "") -> Redrive:
    """Wait until so many dead letters have a result, and until it has this state."""
    found: list[Redrive] = []

    async def has_come_so_far() -> bool:
        redrive = await store.get(redrive_id)
        assert redrive is not None
        found[:] = [redrive]
        return redrive.redriven_count + sum(redrive.skipped_counts.values()) >= minimum and state in (redrive.state, "")

    await wait_until(has_come_so_far, 150, f"{minimum} dead letters have a result")
    return found[0]


async def count_requests(cluster: HeroldCluster, minimum: int) -> Counter[str]:
    """How many requests came for each delivery, once there are `minimum`."""
    await cluster.wait_for_requests(minimum)
    return Counter(entry["delivery_id"] for entry in cluster.fetch_request_log())


async def test_each_dead_letter_is_sent_once_although_schedulers_are_killed_in_the_middle(
    cluster: HeroldCluster, database: Database
) -> None:
    store, delivery_ids = build_store(database), await store_failed_emails(cluster, database, COUNT)
    await asyncio.gather(cluster.start_simulators(), cluster.start_worker("email"), cluster.start_worker("scheduler", "first"))
    redrive_id = (await store.create(msgspec.structs.replace(ALL, rate=1000), ORIGIN)).id
    reached = await wait_for_redrive(store, redrive_id, 300)
    cluster.kill_process("first")
    assert reached.redriven_count < COUNT, "the scheduler was not killed in the middle"
    await cluster.start_worker("scheduler", "second")
    done = await wait_for_redrive(store, redrive_id, COUNT, "done")
    assert (done.redriven_count, done.skipped_counts) == (COUNT, {})
    # as if it had been killed between the acknowledgement of a page and the storing of its results
    await cluster.execute("update redrive_items set result = null where dead_letter_id in (select id from dead_letters limit 200)")
    await cluster.execute("update dead_letters set state = 'open'")
    await cluster.execute("update redrives set state = 'running', redriven_count = redriven_count - 200")
    await wait_for_redrive(store, redrive_id, COUNT, "done")
    again = (await store.create(ALL, ORIGIN)).id  # those that are open once more were sent all the same
    await wait_for_redrive(store, again, COUNT - 200, "done")
    assert await cluster.count_records("deliveries.email.medium") >= 2 * COUNT

    async def are_consumed() -> bool:
        async with open_topic_reader(cluster.urls.kafka) as reader:
            return await reader.compute_lag(f"{cluster.prefix}email", [f"{cluster.prefix}deliveries.email.medium"]) == 0

    await wait_until(are_consumed, 150, "the worker has committed all", interval=0.2)
    requests = await count_requests(cluster, COUNT)
    assert set(requests) == set(delivery_ids), "none is lost"
    assert set(requests.values()) == {1}, "none is sent twice"
    async with open_topic_reader(cluster.urls.kafka) as reader:
        records = [record async for record in reader.read_records([cluster.prefix + STATUS_TOPIC])]
    events = [msgspec.json.decode(record.value, type=StatusEvent) for record in records]
    assert {(event.redrive_count, event.status, event.possible_duplicate) for event in events} == {(1, "SENT", True)}


async def test_a_redrive_is_paused_goes_on_and_is_cancelled(cluster: HeroldCluster, database: Database) -> None:
    store = build_store(database)
    await store_failed_emails(cluster, database, 500)
    await cluster.start_worker("scheduler")
    redrive_id = (await store.create(msgspec.structs.replace(ALL, rate=200), ORIGIN)).id
    await wait_for_redrive(store, redrive_id, 50)
    await store.change_state(redrive_id, "pause", ORIGIN)

    async def is_given_back() -> bool:
        return bool(await cluster.fetch_value("select leased_until is null from redrives"))

    await wait_until(is_given_back, 60, "the page in hand has ended")
    paused = await wait_for_redrive(store, redrive_id, 50, "paused")
    assert await cluster.count_records("deliveries.email.medium") == paused.redriven_count < 500
    await store.change_state(redrive_id, "resume", ORIGIN)
    await wait_for_redrive(store, redrive_id, paused.redriven_count + 1)
    await store.change_state(redrive_id, "cancel", ORIGIN)
    await wait_until(is_given_back, 60, "the page in hand has ended")
    cancelled = await wait_for_redrive(store, redrive_id, 51, "cancelled")
    assert await cluster.count_records("deliveries.email.medium") == cancelled.redriven_count < 500
    open_count = await cluster.fetch_value("select count(*) from dead_letters where state = 'open'")
    assert open_count == 500 - cancelled.redriven_count


async def read_decisions(cluster: HeroldCluster) -> list[DecidedEvent]:
    async with open_topic_reader(cluster.urls.kafka) as reader:
        records = [record async for record in reader.read_records([cluster.prefix + STATUS_TOPIC])]
    return [msgspec.json.decode(record.value, type=DecidedEvent) for record in records if b'"kind":"decided"' in record.value]


async def test_a_dead_notification_is_mended_and_sent_once(cluster: HeroldCluster, database: Database) -> None:
    wrong = {"user_id": "u-1", "type": "account.password-reset", "to": {"email": "ada@example.org"}, "channels": ["email"], "data": {}}
    right: dict[str, Any] = {**wrong, "data": {"name": "Ada", "link": "https://example.org/reset", "minutes": 10}}
    store, dead_letters = build_store(database), DeadLetterStore(database, OrderedIds(time.time, lambda: 2))
    await asyncio.gather(*(cluster.start_worker(role) for role in ("router", "recorder", "scheduler")))
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:
        topic, partition = f"{cluster.prefix}notifications.high", compute_partition("u-1", PARTITIONS)
        await producer.send_and_wait(topic, msgspec.json.encode(wrong), key=b"u-1", partition=partition)

    async def is_recorded() -> bool:
        return bool(await dead_letters.list_dead_letters(DeadLetterFilter(), 1))

    await wait_until(is_recorded, 60, "the dead letter is recorded")
    (one,) = await dead_letters.list_dead_letters(DeadLetterFilter(type="account.password-reset", stage="router"), 10)
    replacement = Replacement(msgspec.json.encode({**right, "id": one.notification_id}), None)
    mended = await store.create(RedriveRequest(ids=[one.id]), ORIGIN, replacement)
    await wait_for_redrive(store, mended.id, 1, "done")

    async def is_routed() -> bool:
        return bool(await cluster.fetch_value("select redrive_count from notifications where state = 'routed'"))

    await wait_until(is_routed, 60, "the mended notification is recorded")
    # as if the scheduler had been killed before it stored the result
    await cluster.execute("update dead_letters set state = 'open'; update redrive_items set result = null")
    await cluster.execute("update redrives set state = 'running'; update notifications set redrive_count = 0")
    await wait_for_redrive(store, mended.id, 2, "done")
    await cluster.wait_for_metric("router", "herold_router_records_total", 3)
    dead, routed = await read_decisions(cluster)
    assert (dead.state, routed.state, dead.id, routed.redrive_count) == ("dead", "routed", routed.id, 1)
    assert cluster.read_metric("router", 'herold_router_records_total{priority="high",result="replayed"}') == 1
    assert await cluster.count_records("deliveries.email.high") == 1
