"""Delivery workers killed in mid-batch, beside hosts that hang and under a backlog; the simulators' ledger is the judge."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from schemas.delivery import Delivery
from schemas.enums import Channel, Priority, Status
from schemas.events import StatusEvent
from schemas.ids import compute_partition
from schemas.topics import STATUS_TOPIC, get_deliveries_topic
from tables import attempts
from tests import topic_reader
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.delivery_builders import build_delivery

CALLS = 64
GROUP = 256  # records and rows of a group of results

encode = msgspec.json.Encoder().encode


def fresh(channel: Channel, number: int, address: str) -> Delivery:
    now = time.time()
    return build_delivery(channel, number, address=address, created_at=now, expires_at=now + 600)


async def put(stand: HeroldCluster, priority: Priority, given: Iterable[Delivery]) -> None:
    """Write deliveries as the router does: each on its user's partition."""
    async with AIOKafkaProducer(bootstrap_servers=stand.urls.kafka) as producer:
        sent = [
            await producer.send(
                stand.prefix + get_deliveries_topic(one.channel, priority),
                encode(one),
                key=one.user_id.encode(),
                partition=compute_partition(one.user_id, PARTITIONS),
            )
            for one in given
        ]
        await asyncio.gather(*sent)


async def ended(log: topic_reader.TopicReader, stand: HeroldCluster) -> dict[str, set[Status]]:
    """The statuses that each delivery was said to have."""
    found: dict[str, set[Status]] = {}
    async for record in log.read_records([stand.prefix + STATUS_TOPIC]):
        event = msgspec.json.decode(record.value, type=StatusEvent)
        found.setdefault(event.delivery_id, set()).add(event.status)
    return found


async def proven(log: topic_reader.TopicReader, stand: HeroldCluster) -> set[str]:
    """The deliveries that have a row in the table of attempts."""
    return {f"dlv_{record.key.hex()}" async for record in log.read_records([f"{stand.prefix}email-{attempts.TABLE_NAME}-changelog"])}


@pytest.mark.slow
async def test_a_worker_killed_in_mid_batch_loses_nothing_and_repeats_only_what_no_row_proves(cluster: HeroldCluster) -> None:
    mails = [fresh("email", number, f"n{number}@example.org") for number in range(6000)]
    cluster.env.update(
        HEROLD_DELIVERY_MAX_CONCURRENT_CALLS=str(CALLS),
        HEROLD_DELIVERY_RESERVED_CALLS_HIGH="16",
        HEROLD_DELIVERY_LINGER_MAX_RECORDS=str(GROUP),
    )
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as log:
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("email"))
        await put(cluster, "low", mails)
        await cluster.wait_for_requests(1500)
        cluster.kill_process("email")
        asked_before = cluster.fetch_request_counts()["requests"]
        rows = await proven(log, cluster)
        assert 0 < len(rows) < asked_before < len(mails), "the kill did not come in mid-batch"
        await cluster.start_worker("email")
        await wait_until(lambda: all_acknowledged(log, cluster, "low"), 150, "all deliveries acknowledged", interval=0.1)
        statuses = await ended(log, cluster)
    asked = Counter(entry["delivery_id"] for entry in cluster.fetch_request_log())
    doubled = {an_id: calls for an_id, calls in asked.items() if calls > 1}
    print(f"killed at {asked_before} requests and {len(rows)} rows: {len(doubled)} asked for again")
    assert set(asked) == {mail.id for mail in mails}
    assert not rows & set(doubled)
    assert sum(asked.values()) - len(mails) <= CALLS + GROUP
    assert statuses == {mail.id: {Status.SENT} for mail in mails}


async def all_acknowledged(log: topic_reader.TopicReader, stand: HeroldCluster, priority: Priority) -> bool:
    return await log.compute_lag(f"{stand.prefix}email", [stand.prefix + get_deliveries_topic("email", priority)]) == 0


@pytest.mark.slow
async def test_a_host_that_hangs_holds_up_no_other(cluster: HeroldCluster) -> None:
    cluster.env.update(HEROLD_DELIVERY_REQUEST_TIMEOUT="600", HEROLD_DELIVERY_MAX_CONCURRENT_CALLS_PER_HOST="50")
    hanging = [fresh("webhook", number, cluster.build_url("hanging", f"/hooks/hang/{number}")) for number in range(300)]
    others = [fresh("webhook", number, cluster.build_url("simulators", f"/hooks/shop/{number}")) for number in range(300, 600)]
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as log:
        await asyncio.gather(cluster.start_simulators(), cluster.start_simulators("hanging"), cluster.start_worker("webhook"))
        await put(cluster, "low", [one for pair in zip(hanging, others, strict=True) for one in pair])
        await cluster.wait_for_requests(50, "hanging")
        await wait_until(lambda: said(log, cluster, len(others)), 150, "the other host's deliveries")
        statuses = await ended(log, cluster)
    cluster.kill_process("webhook")  # it would wait for the calls that hang
    assert statuses == {one.id: {Status.DELIVERED} for one in others}
    assert cluster.fetch_request_counts("hanging")["requests"] == 50


async def said(log: topic_reader.TopicReader, stand: HeroldCluster, least: int) -> bool:
    return sum((await log.get_end_offsets([stand.prefix + STATUS_TOPIC])).values()) >= least


@pytest.mark.slow
async def test_the_high_priority_passes_a_low_backlog(cluster: HeroldCluster) -> None:
    cluster.env.update(HEROLD_DELIVERY_MAX_CONCURRENT_CALLS="16", HEROLD_DELIVERY_RESERVED_CALLS_HIGH="4")
    low = [fresh("email", number, f"slow@s{number}.example.org") for number in range(2000)]
    high = [fresh("email", number, f"n{number}@example.org") for number in range(2000, 2040)]
    async with asyncio.timeout(300):
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("email"))
        await put(cluster, "low", low)
        await cluster.wait_for_requests(12)
        await put(cluster, "high", high)
        wanted = {one.id for one in high}
        await wait_until(lambda: asyncio.to_thread(all_asked, cluster, wanted), 150, "the high priority's calls")
    asked = {entry["delivery_id"] for entry in cluster.fetch_request_log()}
    cluster.kill_process("email")  # it would wait for the slow ones in flight
    # 12 calls of a second each leave the backlog all but whole; without its share the high priority would come last
    assert len(asked - wanted) < len(low) // 2


def all_asked(stand: HeroldCluster, wanted: set[str]) -> bool:
    return wanted <= {entry["delivery_id"] for entry in stand.fetch_request_log()}
