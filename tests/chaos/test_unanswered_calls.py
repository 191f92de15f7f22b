"""Calls whose answer is lost, on real workers: no message is sent twice that a receipt or the provider tells of, or that must not be."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from schemas.content import SmsContent
from schemas.delivery import Delivery
from schemas.enums import Outcome, Status
from schemas.events import HistoryEvent, StatusEvent
from schemas.ids import compute_partition
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC
from tests import topic_reader
from tests.chaos.test_delivery import build_current_delivery, encode, produce_deliveries
from tests.cluster import PARTITIONS, HeroldCluster, wait_until

COUNT = 20
GRACE = "HEROLD_DELIVERY_UNANSWERED_GRACE_HIGH"


async def read_events(reader: topic_reader.TopicReader, cluster: HeroldCluster) -> dict[str, list[StatusEvent]]:
    """The status events of each delivery, in order."""
    events: dict[str, list[StatusEvent]] = {}
    async for record in reader.read_records([cluster.prefix + STATUS_TOPIC]):
        event = msgspec.json.decode(record.value, type=HistoryEvent)
        if isinstance(event, StatusEvent):
            events.setdefault(event.delivery_id, []).append(event)
    return events


async def wait_for_ends(reader: topic_reader.TopicReader, cluster: HeroldCluster, count: int) -> dict[str, list[StatusEvent]]:
    """The events, once so many deliveries have ended."""

    async def have_ended() -> bool:
        events = await read_events(reader, cluster)
        return sum(found[-1].status is not Status.PENDING for found in events.values()) >= count

    await wait_until(have_ended, 150, f"{count} deliveries have ended", interval=0.3)
    return await read_events(reader, cluster)


async def report(cluster: HeroldCluster, deliveries: Iterable[Delivery]) -> None:
    """Produce a receipt for each delivery, as the gateway does for a callback."""
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:
        for one in deliveries:
            ids = one.id, one.notification_id, one.user_id
            event = StatusEvent(*ids, one.channel, Status.DELIVERED, time.time(), one.created_at, provider_message_id="m-1")
            partition = compute_partition(one.user_id, PARTITIONS)
            await producer.send(cluster.prefix + STATUS_TOPIC, encode(event), one.user_id.encode(), partition=partition)
        await producer.flush()


def count_requests(cluster: HeroldCluster) -> Counter[str]:
    return Counter(entry["delivery_id"] for entry in cluster.fetch_request_log())


@pytest.mark.slow
async def test_a_receipt_prevents_a_second_call_and_what_has_none_is_sent_once_more(cluster: HeroldCluster) -> None:
    mails = [build_current_delivery("email", number, f"drop-1+{number}@example.org") for number in range(COUNT)]
    reported, others = mails[: COUNT // 2], mails[COUNT // 2 :]
    cluster.env[GRACE] = "12"  # seconds; a receipt that comes later than that would be late
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        workers = (cluster.start_worker(role) for role in ("email", "scheduler", "recorder"))
        await asyncio.gather(cluster.start_simulators(), *workers)
        await produce_deliveries(cluster, "high", mails)
        await cluster.wait_for_requests(COUNT)
        await report(cluster, reported)
        await wait_until(lambda: are_delivered(cluster, len(reported)), 60, "the receipts are recorded")
        events = await wait_for_ends(reader, cluster, COUNT)
        await cluster.wait_for_metric("email", "herold_unanswered_calls_total", COUNT)
        requests = count_requests(cluster)
    assert requests == {**{one.id: 1 for one in reported}, **{one.id: 2 for one in others}}
    # some wait for the account first: so many calls without an answer open its breaker
    assert all(Outcome.UNKNOWN in {event.outcome for event in events[one.id]} for one in mails)
    assert {(events[one.id][-1].status, events[one.id][-1].reason) for one in reported} == {(Status.DELIVERED, "found_by_receipt")}
    assert {(events[one.id][-1].status, events[one.id][-1].possible_duplicate) for one in others} == {(Status.SENT, True)}
    assert cluster.read_metric("email", 'herold_unanswered_calls_total{channel="email",resolution="receipt"}') == len(reported)
    assert await cluster.count_records(DEAD_LETTER_TOPIC) == 0


async def are_delivered(cluster: HeroldCluster, count: int) -> bool:
    return bool(await cluster.fetch_value("select count(*) from deliveries where status = 'DELIVERED'") == count)


@pytest.mark.slow
async def test_callbacks_of_the_providers_are_the_evidence(cluster: HeroldCluster) -> None:
    mails = [build_current_delivery("email", number, f"drop+{number}@example.org") for number in range(COUNT)]
    texts = [build_current_delivery("sms", COUNT + number, "+15005551300") for number in range(COUNT)]
    cluster.env[GRACE] = "6"
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        workers = (cluster.start_worker(role) for role in ("email", "sms", "scheduler", "recorder"))
        await asyncio.gather(cluster.start_gateway(), cluster.start_simulators(with_callbacks=True), *workers)
        await produce_deliveries(cluster, "high", [*mails, *texts])
        events = await wait_for_ends(reader, cluster, 2 * COUNT)
        requests = count_requests(cluster)
    assert requests == {one.id: 1 for one in (*mails, *texts)}
    ends = {(events[one.id][-1].status, events[one.id][-1].reason) for one in (*mails, *texts)}
    assert ends == {(Status.DELIVERED, "found_by_receipt")}


@pytest.mark.slow
async def test_twilio_tells_which_messages_it_has_and_only_the_others_are_sent_again(cluster: HeroldCluster) -> None:
    texts = [build_current_delivery("sms", number, "+15005551300") for number in range(COUNT)]  # taken, without an answer
    lost = [build_current_delivery("sms", COUNT + number, "+15005551501") for number in range(COUNT)]  # not taken the first time
    deliveries = [msgspec.structs.replace(one, content=SmsContent(f"Code {number}")) for number, one in enumerate(texts + lost)]
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await asyncio.gather(cluster.start_simulators(), *(cluster.start_worker(role) for role in ("sms", "scheduler")))
        await produce_deliveries(cluster, "high", deliveries)
        events = await wait_for_ends(reader, cluster, 2 * COUNT)
        requests = count_requests(cluster)
        accepted = Counter(entry["delivery_id"] for entry in cluster.fetch_request_log() if entry["status"] == 201)
    assert requests == {**{one.id: 1 for one in texts}, **{one.id: 2 for one in lost}}
    assert accepted == {one.id: 1 for one in deliveries}, "nobody got a message twice"
    assert {(events[one.id][-1].status, events[one.id][-1].reason) for one in texts} == {(Status.SENT, "found_at_provider")}
    assert all(events[one.id][-1].provider_message_id for one in texts)
    assert {(events[one.id][-1].status, events[one.id][-1].possible_duplicate) for one in lost} == {(Status.SENT, True)}


@pytest.mark.slow
async def test_what_must_not_come_twice_is_called_for_once_whatever_is_killed(cluster: HeroldCluster) -> None:
    mails = [build_current_delivery("email", number, f"slow-60+{number}@example.org") for number in range(COUNT)]
    mails = [msgspec.structs.replace(one, at_most_once=True) for one in mails]
    cluster.env["HEROLD_DELIVERY_REQUEST_TIMEOUT"] = "120"  # seconds; the answer comes when the worker is dead
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await asyncio.gather(cluster.start_simulators(), *(cluster.start_worker(role) for role in ("email", "scheduler")))
        await produce_deliveries(cluster, "high", mails)
        await cluster.wait_for_requests(COUNT)
        cluster.kill_process("email")  # between each call and its record
        await cluster.start_worker("email")
        events = await wait_for_ends(reader, cluster, COUNT)
        requests = count_requests(cluster)
    assert requests == {one.id: 1 for one in mails}
    assert {tuple((event.status, event.reason) for event in events[one.id]) for one in mails} == {
        ((Status.PENDING, ""), (Status.FAILED, "unknown"))
    }
    assert {events[one.id][0].detail for one in mails} == {"the worker ended before the provider's answer was recorded"}
