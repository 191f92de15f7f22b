"""Real schedulers: nothing is released early or lost, whatever is killed; a cancelled entry never is; overdue ones go at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord
from msgspec import Raw, Struct

from dev.stack.stack import ServerUrls
from schemas.events import DecidedEvent
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from schemas.scheduled import Cancel, Reschedule, Scheduled
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.topic_reader import open_topic_reader

TARGET = "notifications.medium"
NEVER = 3600.0  # seconds
RECORD_TIME = int(time.time() * 1000)  # an entry cannot be moved further than 30 days from it


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation without PostgreSQL, which the scheduler does not use."""
    cluster = HeroldCluster(
        tmp_path / "cluster", ServerUrls(kafka_url, "postgresql://none", "redis://none"), prefix, HEROLD_KAFKA_SESSION_TIMEOUT="6"
    )
    try:
        await cluster.create_topics()
        yield cluster
    finally:
        await cluster.close()


def build_scheduled(cluster: HeroldCluster, number: int, due_at: float, resume_count: int = 1) -> Scheduled:
    """An entry of one of many users."""
    payload = Raw(b'{"user_id":"u-%d","type":"order.shipped","n":%d}' % (number % 97, number))
    entry_id, target = make_id(NOTIFICATION_PREFIX, 1_760_000_000.0, number), cluster.prefix + TARGET
    return Scheduled(entry_id, f"u-{number % 97}", due_at, target, payload, resume_count, "schedule", RECORD_TIME)


async def produce(cluster: HeroldCluster, values: Iterable[Struct], topic: str = "scheduled.medium") -> None:
    """Produce values on the partitions of their users."""
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka, linger_ms=5) as producer:
        futures = []
        for value in values:
            user: str = value.user_id  # type: ignore[attr-defined]
            partition = compute_partition(user, PARTITIONS)
            futures.append(await producer.send(cluster.prefix + topic, msgspec.json.encode(value), user.encode(), partition=partition))
        await asyncio.gather(*futures)


async def read_released(cluster: HeroldCluster) -> dict[int, list[ConsumerRecord]]:
    """The records of each entry that was released, by its number."""
    released: dict[int, list[ConsumerRecord]] = {}
    async with open_topic_reader(cluster.urls.kafka) as reader:
        async for record in reader.read_records([cluster.prefix + TARGET]):
            released.setdefault(msgspec.json.decode(record.value)["n"], []).append(record)
    return released


async def wait_until_released(cluster: HeroldCluster, count: int, seconds: float = 60) -> None:
    """Wait until at least so many records were released."""

    async def are_released() -> bool:
        return await cluster.count_records(TARGET) >= count

    await wait_until(are_released, seconds, f"{count} entries are released", interval=0.1)


async def wait_until_each_released(cluster: HeroldCluster, count: int) -> None:
    """Wait until so many entries were released, some of them perhaps twice by a kill."""

    async def are_released() -> bool:
        return len(await read_released(cluster)) >= count

    await wait_until(are_released, 60, f"each of {count} entries is released", interval=0.5)


async def read_events(cluster: HeroldCluster) -> list[DecidedEvent]:
    """The events of the scheduler."""
    async with open_topic_reader(cluster.urls.kafka) as reader:
        records = [record async for record in reader.read_records([cluster.prefix + "notifications.status"])]
    return [msgspec.json.decode(record.value, type=DecidedEvent) for record in records]


def require_on_time(released: dict[int, list[ConsumerRecord]], entries: Iterable[Scheduled]) -> None:
    """Each entry was released, with its payload and headers, and not before it was due, by the broker's time."""
    for number, entry in enumerate(entries):
        for record in released[number]:
            assert record.timestamp >= entry.due_at * 1000, number
            assert (record.key, record.value) == (entry.user_id.encode(), bytes(entry.payload))
            assert dict(record.headers) == {
                "herold-resume-count": b"1",
                "herold-resume-gate": b"schedule",
                "herold-original-timestamp": b"%d" % RECORD_TIME,
            }


async def test_entries_are_released_when_they_are_due_also_those_that_were_due_while_no_worker_ran(cluster: HeroldCluster) -> None:
    await cluster.start_worker("scheduler")
    now = time.time()
    entries = [build_scheduled(cluster, number, now + 2 + number / 1000) for number in range(1000)]
    await produce(cluster, entries)
    await wait_until_released(cluster, len(entries))
    require_on_time(await read_released(cluster), entries)
    overdue = [build_scheduled(cluster, 1000 + number, time.time() + 1) for number in range(200)]
    await produce(cluster, overdue)
    await cluster.wait_for_metric("scheduler", 'herold_scheduler_records_total{priority="medium",result="stored"}', 1200)
    await cluster.stop_process("scheduler")
    await asyncio.sleep(1.5)
    await cluster.start_worker("scheduler")
    await wait_until_released(cluster, 1200)
    released = await read_released(cluster)
    assert sorted(released) == list(range(1200))
    assert all(len(records) == 1 for records in released.values())


async def test_kill_and_rebalance_lose_nothing_and_release_nothing_early(cluster: HeroldCluster) -> None:
    await asyncio.gather(cluster.start_worker("scheduler", "first"), cluster.start_worker("scheduler", "second"))
    now = time.time()
    entries = [build_scheduled(cluster, number, now + 3 + number / 500) for number in range(6000)]
    await produce(cluster, entries)
    await wait_until_released(cluster, 1000)
    cluster.kill_process("first")
    await cluster.start_worker("scheduler", "third")
    await wait_until_released(cluster, 4000)
    cluster.kill_process("second")
    cluster.kill_process("third")
    await cluster.start_worker("scheduler", "first")
    await wait_until_each_released(cluster, 6000)
    released = await read_released(cluster)
    assert sorted(released) == list(range(6000))
    require_on_time(released, entries)


async def test_a_cancelled_entry_is_never_released_and_a_moved_one_at_its_new_time(cluster: HeroldCluster) -> None:
    await cluster.start_worker("scheduler")
    due_at = time.time() + 10  # all changes arrive before, also on a busy machine
    entries = [build_scheduled(cluster, number, due_at) for number in range(30)]
    await produce(cluster, entries)
    cancels = [Cancel(entry.id, entry.user_id) for entry in entries[:10]]
    moves = [Reschedule(entry.id, entry.user_id, due_at + 2) for entry in entries[10:20]]
    for topic in ("scheduled.high", "scheduled.medium", "scheduled.low"):
        await produce(cluster, [*cancels, *moves, Cancel("ntf_unknown", "u-1")], topic)
    await wait_until_released(cluster, 20)
    cluster.kill_process("scheduler")  # what it read is read again
    await cluster.start_worker("scheduler")
    await asyncio.sleep(1)
    released = await read_released(cluster)
    assert sorted(released) == list(range(10, 30))
    assert all(record.timestamp >= (due_at + 2) * 1000 for number in range(10, 20) for record in released[number])
    assert [dict(released[number][0].headers)["herold-resume-count"] for number in (10, 20)] == [b"2", b"1"]
    events = {event.id: event for event in await read_events(cluster)}
    assert {event_id: (event.state, event.reason, event.resume_count) for event_id, event in events.items()} == {
        **{entry.id: ("rejected", "cancelled", 1) for entry in entries[:10]},
        **{entry.id: ("held", "rescheduled", 1) for entry in entries[10:20]},
    }


async def test_an_entry_that_waits_long_survives_the_loss_of_the_tables(cluster: HeroldCluster) -> None:
    await cluster.start_worker("scheduler")
    await produce(cluster, [build_scheduled(cluster, 0, time.time() + NEVER), build_scheduled(cluster, 1, time.time() - NEVER)])
    await wait_until_released(cluster, 1)
    cluster.kill_process("scheduler")
    await cluster.start_worker("scheduler", "other")  # with its own tables, which it recovers from the changelog
    await produce(cluster, [Reschedule(build_scheduled(cluster, 0, 0).id, "u-0", time.time() + 0.5)])
    await wait_until_each_released(cluster, 2)
