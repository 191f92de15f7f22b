import asyncio

import pytest

from app.admin.database import upgrade_database
from schemas.ids import compute_partition, parse_time
from tests.integration.api.gateway_client import (
    PARTITIONS,
    UNREACHABLE,
    build_settings,
    create_topics,
    open_client,
    open_client_and_connections,
    read_notifications,
)

URL = "/v1/notifications"
GOOD = {"user_id": "u-42", "type": "order.shipped", "to": {"email": "a@example.org"}, "data": {"order": 17}}


async def test_all_that_is_answered_202_is_in_kafka_on_its_users_partition(kafka_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    bodies = [{**GOOD, "user_id": f"u-{n}", "priority": ("high", "medium", "low")[n % 3]} for n in range(200)]
    async with open_client(build_settings(kafka_url, topic_prefix=prefix)) as client:
        singles = await asyncio.gather(*(client.post(URL, json=body) for body in bodies[:100]))
        bulk = await client.post(f"{URL}/bulk", json=bodies[100:])
    assert {answer.status_code for answer in (*singles, bulk)} == {202}
    ids = [answer.json()["id"] for answer in singles] + [item["id"] for item in bulk.json()["results"]]
    found = {
        notification.id: (topic, partition, notification) for topic, partition, notification in await read_notifications(kafka_url, prefix)
    }
    assert set(found) == set(ids)
    for notification_id, body in zip(ids, bodies, strict=True):
        topic, partition, notification = found[notification_id]
        assert topic == f"notifications.{body['priority']}"
        assert partition == compute_partition(str(body["user_id"]), PARTITIONS)
        assert notification.user_id == body["user_id"]
        assert notification.created_at == pytest.approx(parse_time(notification_id), abs=0.001)


async def test_a_bulk_request_of_large_records_is_split_into_batches_that_kafka_takes(kafka_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    blob = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(60_000))  # hardly compressible, 180 kB
    bodies = [{**GOOD, "user_id": "u-1", "data": {"blob": blob + str(n)}} for n in range(10)]
    async with open_client(build_settings(kafka_url, topic_prefix=prefix)) as client:
        answer = await client.post(f"{URL}/bulk", json=bodies)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 10)
    assert len(await read_notifications(kafka_url, prefix)) == 10


async def test_without_kafka_nothing_is_accepted(kafka_url: str) -> None:
    async with open_client(build_settings(UNREACHABLE, produce_timeout=0.5)) as client:
        answers = [await client.post(URL, json=GOOD), await client.post(f"{URL}/bulk", json=[GOOD])]
        ready = await client.get("/readyz")
    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
    assert ready.status_code == 503
    assert ready.json()["probes"]["kafka"]["status"] == "down"


async def test_wrong_partition_count_keeps_the_gateway_unready(kafka_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    async with open_client(build_settings(kafka_url, topic_prefix=prefix, partitions=PARTITIONS + 1, produce_timeout=1.0)) as client:
        assert (await client.post(URL, json=GOOD)).status_code == 503
        ready = await client.get("/readyz")
    assert ready.status_code == 503


async def test_rules_and_templates_of_postgresql_are_applied(kafka_url: str, database_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    await upgrade_database(database_url, 1_760_000_000.0)
    async with open_client(build_settings(kafka_url, database_url, topic_prefix=prefix)) as client:
        unknown = await client.post(URL, json={**GOOD, "type": "nobody.knows"})
        template = await client.post(URL, json={**GOOD, "template": "nobody-knows"})
        incomplete = await client.post(URL, json={**GOOD, "data": {}, "to": {"email": "a@example.org"}})
        missing = await client.get(f"{URL}/ntf_0199c82cc00070008000000000000001")
        page = await client.get(URL, params={"user_id": "u-42"})
    assert [answer.status_code for answer in (unknown, template, incomplete)] == [422, 422, 422]
    assert [answer.json()["errors"][0]["path"] for answer in (unknown, template)] == ["$.type", "$.template"]
    assert incomplete.json()["errors"][0]["reason"] == "missing_variable"
    assert incomplete.json()["errors"][0]["path"].startswith("$.data.")
    assert (missing.status_code, page.json()) == (404, {"notifications": [], "next": None})


async def test_redis_repeats_answers_and_knows_what_is_fresh(kafka_url: str, redis_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    async with open_client(build_settings(kafka_url, redis=redis_url, topic_prefix=prefix)) as client:
        first = await client.post(URL, json=GOOD, headers={"idempotency-key": "k"})
        again = await client.post(URL, json=GOOD, headers={"idempotency-key": "k"})
        other = await client.post(URL, json={**GOOD, "data": {"order": 18}}, headers={"idempotency-key": "k"})
        found = await client.get(f"{URL}/{first.json()['id']}")
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 409)
    assert again.json() == first.json()
    assert found.json()["state"] == "accepted"
    assert [notification.idempotency_key for _, _, notification in await read_notifications(kafka_url, prefix)] == ["k"]


async def test_a_database_that_was_not_upgraded_is_told_and_no_longer_once_it_was(kafka_url: str, database_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    async with open_client_and_connections(build_settings(kafka_url, database_url, topic_prefix=prefix)) as (client, wiring):
        await wiring.readiness.run_probe("postgres")
        before = (await client.get("/readyz")).json()["probes"]["postgres"]
        await upgrade_database(database_url, 1_760_000_000.0)
        await wiring.readiness.run_probe("postgres")
        after = (await client.get("/readyz")).json()["probes"]["postgres"]
    assert before["status"] == "degraded"
    assert before["detail"].endswith("run `herold db upgrade`")
    assert after["status"] == "ok"


async def test_without_redis_and_postgresql_notifications_are_accepted(kafka_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    async with open_client_and_connections(build_settings(kafka_url, topic_prefix=prefix)) as (client, wiring):
        answer = await client.post(URL, json=GOOD, headers={"idempotency-key": "k"})
        history = await client.get(f"{URL}/{answer.json()['id']}")
        for name in ("kafka", "postgres", "redis"):
            await wiring.readiness.run_probe(name)
        parts = (await client.get("/readyz")).json()["probes"]
    assert (answer.status_code, history.status_code) == (202, 503)
    assert {name: part["status"] for name, part in parts.items() if name in ("kafka", "postgres", "redis")} == {
        "kafka": "ok",
        "postgres": "degraded",
        "redis": "degraded",
    }
