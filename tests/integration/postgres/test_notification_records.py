"""The records of a notification over HTTP: where they are, what was sent, masked and audited, and the bounds of a search."""

import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from aiokafka import AIOKafkaProducer

import app.kafka.notification_records as search
from app.admin.topics import apply_topics
from schemas.content import EmailContent
from schemas.ids import compute_partition
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.delivery_builders import build_delivery
from tests.event_builders import build_decided_event, build_history_batch, build_receipt, build_status_event
from tests.integration.access.keys import build_headers, create_key
from tests.integration.api.gateway_client import PARTITIONS, UNREACHABLE, build_settings, open_client
from tests.settings_builders import build_kafka_section


class Sent(NamedTuple):
    """A client of a gateway with a notification in its history and in Kafka, and the ids of the notification and its delivery."""

    client: httpx.AsyncClient
    id: str
    delivery_id: str

    async def list_records(self, **options: Any) -> dict[str, Any]:
        response = await self.client.get(f"/v1/notifications/{self.id}/records", **options)
        assert response.status_code == 200, response.text
        return dict(response.json())


@pytest.fixture
async def sent(
    kafka_url: str, prefix: str, database_copy_url: str, database_copy: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Sent]:
    monkeypatch.setattr(search, "MAX_SECONDS", 60.0)  # the bounds that are tested are others; a busy machine would reach this one
    now = time.time()
    event = build_decided_event(1, "email", at=now)
    delivery_id, ids = event.deliveries[0].id, {"delivery_id": event.deliveries[0].id, "occurred_at": now + 2}
    status = build_status_event(notification_id=event.id, **ids)
    delivery = build_delivery(id=delivery_id, notification_id=event.id, user_id="u-1", content=EmailContent("Your code", "It is 482193"))
    other = build_delivery(number=3, user_id="u-1")
    records: list[tuple[str, str, Any, float]] = [
        ("deliveries.email.high", "u-1", msgspec.structs.replace(delivery, attempt=9), -5000),  # when nothing happened
        ("notifications.low", "u-1", {"id": event.id, "user_id": "u-1", "type": "order.shipped"}, 0),
        ("notifications.status", "u-1", build_decided_event(2, at=now, duplicate_of=event.id), 0),
        ("notifications.status", "u-1", event, 0),
        ("deliveries.email.high", "u-1", delivery, 1),
        ("deliveries.email.high", "u-1", other, 1),
        ("notifications.status", "u-1", status, 2),
        ("notifications.status", delivery_id, build_receipt(**ids), 3),
    ]
    await apply_topics(build_kafka_section(kafka_url, prefix, topic_partitions=PARTITIONS))
    await PostgresHistoryWriter(database_copy).write(build_history_batch(event, status))
    async with AIOKafkaProducer(bootstrap_servers=kafka_url) as producer:
        for topic, key, value, after in records:
            partition, at = compute_partition(key, PARTITIONS), round((now + after) * 1000)
            await producer.send_and_wait(prefix + topic, msgspec.json.encode(value), key.encode(), partition, at)
    async with open_client(build_settings(kafka_url, database_url=database_copy_url, topic_prefix=prefix)) as client:
        yield Sent(client, event.id, delivery_id)


async def test_each_record_has_its_place_and_the_delivery_its_text(sent: Sent, prefix: str, database_copy: Database) -> None:
    found = await sent.list_records()
    assert found["is_complete"] is True
    places = {
        one["kind"]: (one["topic"].removeprefix(prefix), one["offset"], one["delivery_id"], one["attempt"]) for one in found["records"]
    }
    assert len(found["records"]) == len(places)
    assert places.pop("receipt")[2:] == (sent.delivery_id, 0)  # it has the partition of its delivery
    assert places == {
        "notification": ("notifications.low", 0, "", None),
        "decided": ("notifications.status", 1, "", None),
        "delivery": ("deliveries.email.high", 1, sent.delivery_id, 0),
        "status": ("notifications.status", 2, sent.delivery_id, 0),
    }
    assert {one["topic"].startswith(prefix) for one in found["records"]} == {True}
    [content] = found["contents"]
    assert content["content"] == {"kind": "email", "subject": "Your code", "text": "It is 482193"}
    assert (content["address"], content["delivery_id"]) == ("ada@example.org", sent.delivery_id)
    rows = await database_copy.fetch("select resource, object_id from unmasked_readings")
    assert [tuple(row.values()) for row in rows] == [("contents of a notification", "u-1")]


async def test_who_may_not_unmask_sees_the_shape_and_whether_a_bound_was_reached(
    sent: Sent, database_copy: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = build_headers(await create_key(sent.client, "viewer"))
    for options in ({"headers": viewer}, {"params": {"masked": "true"}}):
        found = await sent.list_records(**options)
        [content] = found["contents"]
        assert (content["address"], content["content"]["text"]) == ("a***@e***", "<12 characters>")
        assert len(found["records"]) == 5
    monkeypatch.setattr(search, "MAX_FOUND", 2)
    found = await sent.list_records(headers=viewer)
    assert (len(found["records"]), found["is_complete"]) == (2, False)
    monkeypatch.setattr(search, "MAX_EXAMINED", 0)
    assert await sent.list_records(headers=viewer) == {"records": [], "contents": [], "is_complete": False}
    assert await database_copy.fetch("select 1 from unmasked_readings") == []


async def test_each_time_at_which_something_happened_is_looked_at_until_a_bound(
    sent: Sent, kafka_url: str, prefix: str, database_copy: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, user_id = time.time(), "u-4"  # on another partition than u-1
    assert compute_partition(user_id, PARTITIONS) != compute_partition("u-1", PARTITIONS)
    event = msgspec.structs.replace(build_decided_event(7, "email", at=now - 3600), user_id=user_id)
    ids = {"notification_id": event.id, "delivery_id": event.deliveries[0].id}
    attempts = [build_status_event(**ids, occurred_at=now - 3000 + 60 * number, attempt=number) for number in range(3)]
    for one in (event, *[msgspec.structs.replace(attempt, user_id=user_id) for attempt in attempts]):
        await PostgresHistoryWriter(database_copy).write(build_history_batch(one))
    async with AIOKafkaProducer(bootstrap_servers=kafka_url) as producer:
        for one in attempts:
            delivery = build_delivery(id=one.delivery_id, notification_id=event.id, user_id=user_id, attempt=one.attempt)
            place = user_id.encode(), compute_partition(user_id, PARTITIONS), round(one.occurred_at * 1000)
            await producer.send_and_wait(prefix + "deliveries.email.high", msgspec.json.encode(delivery), *place)
    fetched_meanwhile, find_offsets = list[set[object]](), search._Search._find_offsets

    async def watch(self: search._Search, *arguments: Any) -> search.Positions:
        fetched_meanwhile.append({*self._consumer.assignment()})
        return await find_offsets(self, *arguments)

    monkeypatch.setattr(search._Search, "_find_offsets", watch)
    other = Sent(sent.client, event.id, event.deliveries[0].id)
    found = await other.list_records()
    assert (found["is_complete"], [one["attempt"] for one in found["records"]]) == (True, [0, 1, 2])
    assert fetched_meanwhile == [set()] * 8  # the first and last offsets of each window; a fetch would hold up the question
    monkeypatch.setattr(search, "MAX_EXAMINED", 0)
    fetched_meanwhile.clear()
    assert (await other.list_records())["is_complete"] is False
    assert len(fetched_meanwhile) == 4  # the second window has the first record


async def test_kafka_may_be_away_and_others_may_search(
    database_copy_url: str, database_copy: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = build_decided_event(1)
    await PostgresHistoryWriter(database_copy).write(build_history_batch(event))
    async with open_client(build_settings(UNREACHABLE, database_url=database_copy_url)) as client:
        url = f"/v1/notifications/{event.id}/records"
        away = await client.get(url)
        monkeypatch.setattr(search, "MAX_WAITING", 0)
        busy = await client.get(url)
        assert [(one.status_code, one.json()["code"]) for one in (away, busy)] == [(503, "unavailable"), (429, "too-many-requests")]
        assert "127.0.0.1" not in away.text
        unknown = url.replace(event.id, build_decided_event(5).id)
        assert (await client.get(unknown)).status_code == 404
