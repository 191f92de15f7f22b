"""Escalation on real workers: what arrived goes no further, the rest gets its next channel once, whatever is killed meanwhile."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from app.admin.policy import apply_document, parse_document
from dev.stack.stack import ServerUrls
from schemas.channels import ChannelName
from schemas.delivery import Delivery
from schemas.enums import Status
from schemas.events import EngagementEvent, StatusEvent
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from schemas.users import ChangeOrigin
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.topic_reader import open_topic_reader

COUNT = 40
AFTER = 30  # seconds until the next channel
DOCUMENT = f"""
rules:
  - type: alarm.raised
    category: transactional
    priority: medium
    channels: [email, sms]
    strategy: escalate
    escalate_after: {AFTER}
    template: alarm
  - type: offer.made
    category: transactional
    priority: medium
    channels: [email, sms]
    strategy: escalate
    escalate_after: {AFTER}
    escalate_unless: read
    template: alarm
templates:
  alarm:
    email: {{default: {{subject: Alarm, text: Alarm}}}}
    sms: {{default: {{text: Alarm}}}}
"""
COUNT_DECISIONS = "select count(*) from notifications where type = '{}' and "

pytestmark = pytest.mark.slow


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation whose workers can be killed; nobody delivers, so that the test says what became of each delivery."""
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix, HEROLD_KAFKA_SESSION_TIMEOUT="6")
    try:
        await cluster.create_schema()
        await apply_document(database_url, parse_document(DOCUMENT.encode()), ChangeOrigin("cli", "test"), dry_run=False)
        await asyncio.gather(*(cluster.start_worker(role) for role in ("router", "scheduler", "recorder")))
        yield cluster
    finally:
        await cluster.close()


async def produce(cluster: HeroldCluster, topic: str, values: list[tuple[str, bytes]]) -> None:
    """Produce the values of users."""
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka, linger_ms=5) as producer:
        for user_id, value in values:
            await producer.send(cluster.prefix + topic, value, user_id.encode(), partition=compute_partition(user_id, PARTITIONS))
        await producer.flush()


def build_notification(number: int, type_: str = "alarm.raised") -> tuple[str, bytes]:
    to = {"email": "ada@example.org", "sms": "+12025550101"}
    notification_id = make_id(NOTIFICATION_PREFIX, time.time(), number)
    return f"u-{number}", json.dumps({"id": notification_id, "user_id": f"u-{number}", "type": type_, "to": to}).encode()


async def read_deliveries(cluster: HeroldCluster, channel: ChannelName) -> list[Delivery]:
    async with open_topic_reader(cluster.urls.kafka) as reader:
        records = [record async for record in reader.read_records([f"{cluster.prefix}deliveries.{channel}.medium"])]
    return [msgspec.json.decode(record.value, type=Delivery) for record in records]


async def wait_for_decisions(cluster: HeroldCluster, condition: str, count: int, type_: str = "alarm.raised") -> None:
    async def are_recorded() -> bool:
        return bool(await cluster.fetch_value(COUNT_DECISIONS.format(type_) + condition) == count)

    await wait_until(are_recorded, 150, f"{count} notifications of {type_} are recorded where {condition}", interval=0.2)


def build_delivered(delivery: Delivery) -> tuple[str, bytes]:
    event = StatusEvent(
        delivery.id, delivery.notification_id, delivery.user_id, delivery.channel, Status.DELIVERED, time.time(), delivery.created_at
    )
    return delivery.user_id, msgspec.json.encode(event)


async def test_only_what_did_not_arrive_gets_its_next_channel_although_workers_are_killed_and_the_recorder_is_late(
    cluster: HeroldCluster,
) -> None:
    await produce(cluster, "notifications.medium", [build_notification(number) for number in range(COUNT)])
    await wait_for_decisions(cluster, "resume_count = 0 and state = 'routed'", COUNT)
    first = await read_deliveries(cluster, "email")
    assert len(first) == COUNT
    arrived = [delivery for delivery in first if int(delivery.user_id[2:]) % 2]
    for role in ("recorder", "router", "scheduler"):
        cluster.kill_process(role)
    await produce(cluster, "notifications.status", [build_delivered(delivery) for delivery in arrived])  # nobody records it yet
    await asyncio.gather(cluster.start_worker("router"), cluster.start_worker("scheduler"))
    async with asyncio.timeout(120):
        while await cluster.count_records("notifications.status") < COUNT * 2 + len(arrived):  # each step has waited once
            await asyncio.sleep(0.2)
    assert await cluster.count_records("deliveries.sms.medium") == 0, "it is not recorded which have arrived"
    await cluster.start_worker("recorder")
    await wait_for_decisions(cluster, "reason = 'delivered' and state = 'routed'", len(arrived))
    await wait_for_decisions(cluster, "json_array_length(deliveries) = 2 and state = 'routed'", COUNT - len(arrived))
    second = await read_deliveries(cluster, "sms")
    assert {delivery.notification_id for delivery in second} == {one.notification_id for one in first} - {
        one.notification_id for one in arrived
    }
    assert len({delivery.id for delivery in second}) == len(second) == COUNT - len(arrived)


async def report_opening(cluster: HeroldCluster, notification_id: str) -> None:
    """Report that the e-mail of a notification is delivered, and opened; its report is keyed by the delivery, as a callback's is."""
    (delivery,) = (one for one in await read_deliveries(cluster, "email") if one.notification_id == notification_id)
    opening = EngagementEvent(delivery.id, "email", "sendgrid", "event-1", "open", time.time())
    await produce(cluster, "notifications.status", [build_delivered(delivery), (delivery.id, msgspec.json.encode(opening))])


async def test_what_may_follow_is_cancelled_over_http_or_ends_because_it_was_read(cluster: HeroldCluster) -> None:
    user_id, value = build_notification(1)
    path = f"/v1/notifications/{json.loads(value)['id']}"
    offers = [build_notification(number, "offer.made") for number in (2, 3, 4)]
    opened, marked, unread = (json.loads(offer)["id"] for _, offer in offers)
    await cluster.start_gateway()
    await produce(cluster, "notifications.medium", [(user_id, value), *offers])
    await wait_for_decisions(cluster, "resume_count = 0 and state = 'routed'", 1)
    await wait_for_decisions(cluster, "resume_count = 0 and state = 'routed'", len(offers), "offer.made")
    await report_opening(cluster, opened)
    headers = {"authorization": f"Bearer {cluster.env['HEROLD_GATEWAY_API_KEY']}"}
    async with httpx.AsyncClient(base_url=cluster.build_url("gateway", ""), headers=headers, timeout=60) as client:
        before = (await client.get(path)).json()
        assert before["escalates_at"] - before["decided_at"] == pytest.approx(AFTER)
        cancelled = await client.delete(path)
        assert (cancelled.status_code, cancelled.json()["reason"]) == (200, "cancelled"), cancelled.text
        read = await client.post(f"/v1/notifications/{marked}/read")
        assert read.status_code == 200, read.text
        await wait_for_decisions(cluster, "resume_count > 0 and reason <> 'status_unknown'", 3, "offer.made")
        summaries = [(await client.get(f"/v1/notifications/{one}/explain")).json()["summary"] for one in (opened, marked, unread)]
        assert "No further channel follows: it was read at" in summaries[0]
        assert "as its e-mail shows" in summaries[0]
        assert "as the app of its producer reported" in summaries[1]
        assert "sms" in [one["channel"] for one in (await client.get(f"/v1/notifications/{unread}")).json()["deliveries"]]
        assert "It went on to the next channel because it was not read by" in summaries[2]
        after = (await client.get(path)).json()
        assert (after["state"], [one["channel"] for one in after["deliveries"]]) == ("routed", ["email"])
        assert "No further channel follows" in (await client.get(f"{path}/explain")).json()["summary"]
