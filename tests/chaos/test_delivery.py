"""Delivery workers that are killed during a batch, with hosts that hang, and under a backlog; checked with the request log."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from schemas.channels import ChannelName
from schemas.delivery import Delivery
from schemas.enums import Priority, Status
from schemas.events import StatusEvent
from schemas.ids import compute_partition
from schemas.topics import STATUS_TOPIC, get_deliveries_topic
from tables import attempts
from tests import topic_reader
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.delivery_builders import build_delivery

MAX_CALLS = 64
MAX_GROUP_RECORDS = 256  # outputs and rows that the worker commits together

encode = msgspec.json.Encoder().encode


def build_current_delivery(channel: ChannelName, number: int, address: str) -> Delivery:
    """Build a delivery that was created now and expires after ten minutes."""
    now = time.time()
    return build_delivery(channel, number, address=address, created_at=now, expires_at=now + 600)


async def produce_deliveries(cluster: HeroldCluster, priority: Priority, deliveries: Iterable[Delivery]) -> None:
    """Produce deliveries as the router does: each to its user's partition."""
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:
        acknowledgements = [
            await producer.send(
                cluster.prefix + get_deliveries_topic(delivery.channel, priority),
                encode(delivery),
                key=delivery.user_id.encode(),
                partition=compute_partition(delivery.user_id, PARTITIONS),
            )
            for delivery in deliveries
        ]
        await asyncio.gather(*acknowledgements)


async def read_statuses(reader: topic_reader.TopicReader, cluster: HeroldCluster) -> dict[str, set[Status]]:
    """Read the statuses of each delivery from the status events."""
    statuses: dict[str, set[Status]] = {}
    async for record in reader.read_records([cluster.prefix + STATUS_TOPIC]):
        event = msgspec.json.decode(record.value, type=StatusEvent)
        statuses.setdefault(event.delivery_id, set()).add(event.status)
    return statuses


async def read_attempt_rows(reader: topic_reader.TopicReader, cluster: HeroldCluster) -> set[str]:
    """Read the deliveries that have a row in the table `attempts`, from its changelog."""
    return {f"dlv_{record.key.hex()}" async for record in reader.read_records([f"{cluster.prefix}email-{attempts.TABLE.name}-changelog"])}


@pytest.mark.slow
async def test_a_worker_killed_during_a_batch_loses_nothing_and_repeats_only_calls_without_a_row(cluster: HeroldCluster) -> None:
    # the last ones take a second each, so that the worker is at work for some time, also if the test is late to kill it
    addresses = [f"{'slow' if number >= 5500 else 'fast'}@n{number}.example.org" for number in range(6000)]
    mails = [build_current_delivery("email", number, address) for number, address in enumerate(addresses)]
    cluster.env.update(
        HEROLD_DELIVERY_MAX_CONCURRENT_CALLS=str(MAX_CALLS),
        HEROLD_DELIVERY_RESERVED_CALLS_HIGH="16",
        HEROLD_DELIVERY_MAX_DELIVERIES_PER_CALL="1",
        HEROLD_DELIVERY_LINGER_MAX_RECORDS=str(MAX_GROUP_RECORDS),
    )
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("email"))
        await produce_deliveries(cluster, "low", mails)
        await cluster.wait_for_requests(1500)
        cluster.kill_process("email")
        requests_before = cluster.fetch_request_counts()["requests"]
        rows = await read_attempt_rows(reader, cluster)
        assert 0 < len(rows) < requests_before < len(mails), "the worker was not killed during a batch"
        await cluster.start_worker("email")
        await wait_until(lambda: has_no_lag(reader, cluster, "low"), 150, "all deliveries are committed", interval=0.1)
        statuses = await read_statuses(reader, cluster)
    requests = Counter(entry["delivery_id"] for entry in cluster.fetch_request_log())
    repeated = {delivery_id for delivery_id, count in requests.items() if count > 1}
    print(f"killed at {requests_before} requests and {len(rows)} rows: {len(repeated)} requests repeated")
    assert set(requests) == {mail.id for mail in mails}
    assert not rows & repeated
    assert requests.total() - len(mails) <= MAX_CALLS + MAX_GROUP_RECORDS
    assert statuses == {mail.id: {Status.SENT} for mail in mails}


async def has_no_lag(reader: topic_reader.TopicReader, cluster: HeroldCluster, priority: Priority) -> bool:
    return await reader.compute_lag(f"{cluster.prefix}email", [cluster.prefix + get_deliveries_topic("email", priority)]) == 0


@pytest.mark.slow
async def test_a_host_that_hangs_does_not_delay_another(cluster: HeroldCluster) -> None:
    cluster.env.update(HEROLD_DELIVERY_REQUEST_TIMEOUT="600", HEROLD_DELIVERY_MAX_CONCURRENT_CALLS_PER_HOST="50")
    hanging = [build_current_delivery("webhook", number, cluster.build_url("hanging", f"/hooks/hang/{number}")) for number in range(300)]
    others = [
        build_current_delivery("webhook", number, cluster.build_url("simulators", f"/hooks/shop/{number}")) for number in range(300, 600)
    ]
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await asyncio.gather(cluster.start_simulators(), cluster.start_simulators("hanging"), cluster.start_worker("webhook"))
        await produce_deliveries(cluster, "low", [delivery for pair in zip(hanging, others, strict=True) for delivery in pair])
        await cluster.wait_for_requests(50, "hanging")
        await wait_until(lambda: has_statuses(reader, cluster, len(others)), 150, "the other host's deliveries have a status")
        statuses = await read_statuses(reader, cluster)
    cluster.kill_process("webhook")  # an orderly stop would wait for the calls that hang
    assert statuses == {delivery.id: {Status.DELIVERED} for delivery in others}
    assert cluster.fetch_request_counts("hanging")["requests"] == 50


@pytest.mark.slow
async def test_one_hanging_host_of_a_hundred_does_not_throttle_its_partitions(cluster: HeroldCluster) -> None:
    cluster.env.update(HEROLD_DELIVERY_REQUEST_TIMEOUT="600", HEROLD_DELIVERY_MAX_BATCH_RECORDS="64")
    hosts = [("hanging", "hang") if number % 100 == 0 else ("simulators", "shop") for number in range(4000)]
    webhooks = [
        build_current_delivery("webhook", number, cluster.build_url(host, f"/hooks/{word}/{number}"))
        for number, (host, word) in enumerate(hosts)
    ]
    others = {webhook.id for webhook, (host, _) in zip(webhooks, hosts, strict=True) if host != "hanging"}
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await asyncio.gather(cluster.start_simulators(), cluster.start_simulators("hanging"), cluster.start_worker("webhook"))
        await produce_deliveries(cluster, "low", webhooks)
        await wait_until(lambda: has_statuses(reader, cluster, len(others)), 150, "the other hosts' deliveries have a status")
        statuses = await read_statuses(reader, cluster)
        await cluster.wait_for_requests(40, "hanging")  # the last of them may be in a batch whose others are not the last
    cluster.kill_process("webhook")  # an orderly stop would wait for the calls that hang
    assert statuses == {an_id: {Status.DELIVERED} for an_id in others}
    assert cluster.fetch_request_counts("hanging")["requests"] == 40


async def has_statuses(reader: topic_reader.TopicReader, cluster: HeroldCluster, minimum: int) -> bool:
    return sum((await reader.get_end_offsets([cluster.prefix + STATUS_TOPIC])).values()) >= minimum


@pytest.mark.slow
async def test_high_is_delivered_before_a_backlog_of_low(cluster: HeroldCluster) -> None:
    cluster.env.update(
        HEROLD_DELIVERY_MAX_CONCURRENT_CALLS="16", HEROLD_DELIVERY_RESERVED_CALLS_HIGH="4", HEROLD_DELIVERY_MAX_DELIVERIES_PER_CALL="1"
    )
    low = [build_current_delivery("email", number, f"slow@s{number}.example.org") for number in range(2000)]
    high = [build_current_delivery("email", number, f"n{number}@example.org") for number in range(2000, 2040)]
    async with asyncio.timeout(300):
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("email"))
        await produce_deliveries(cluster, "low", low)
        await cluster.wait_for_requests(12)
        await produce_deliveries(cluster, "high", high)
        high_ids = {delivery.id for delivery in high}
        await wait_until(lambda: asyncio.to_thread(are_requested, cluster, high_ids), 150, "all high deliveries have a request")
    requested_ids = {entry["delivery_id"] for entry in cluster.fetch_request_log()}
    cluster.kill_process("email")  # an orderly stop would wait for the slow calls
    # 12 slow calls at a time leave most of the backlog; without reserved calls, high would come after it
    assert len(requested_ids - high_ids) < len(low) // 2


def are_requested(cluster: HeroldCluster, delivery_ids: set[str]) -> bool:
    return delivery_ids <= {entry["delivery_id"] for entry in cluster.fetch_request_log()}


@pytest.mark.slow
async def test_a_worker_whose_provider_hangs_stops_in_order(cluster: HeroldCluster) -> None:
    cluster.env.update(HEROLD_DELIVERY_REQUEST_TIMEOUT="600", HEROLD_WORKER_DRAIN_TIMEOUT="2")
    hanging = [build_current_delivery("webhook", number, cluster.build_url("simulators", f"/hooks/hang/{number}")) for number in range(10)]
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("webhook"))
        await produce_deliveries(cluster, "low", hanging)
        await cluster.wait_for_requests(len(hanging))
        assert await cluster.stop_process("webhook") == 0
        assert await read_statuses(reader, cluster) == {delivery.id: {Status.PENDING} for delivery in hanging}
