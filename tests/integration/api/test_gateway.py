import asyncio
import re
from pathlib import Path

import pytest

from app.admin.database import upgrade_database
from schemas.ids import compute_partition, try_parse_time
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
SUBMISSION = {"user_id": "u-42", "type": "order.shipped", "to": {"email": "a@example.org"}, "data": {"order": 17}}


async def test_accepted_notifications_are_in_kafka_on_the_partition_of_their_user(kafka_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    bodies = [{**SUBMISSION, "user_id": f"u-{n}", "priority": ("high", "medium", "low")[n % 3]} for n in range(200)]
    async with open_client(build_settings(kafka_url, topic_prefix=prefix)) as client:
        singles = await asyncio.gather(*(client.post(URL, json=body) for body in bodies[:100]))
        bulk = await client.post(f"{URL}/bulk", json=bodies[100:])
    assert {response.status_code for response in (*singles, bulk)} == {202}
    ids = [response.json()["id"] for response in singles] + [item["id"] for item in bulk.json()["results"]]
    written = {record[2].id: record for record in await read_notifications(kafka_url, prefix)}
    assert set(written) == set(ids)
    for notification_id, body in zip(ids, bodies, strict=True):
        topic, partition, notification = written[notification_id]
        assert topic == f"notifications.{body['priority']}"
        assert partition == compute_partition(str(body["user_id"]), PARTITIONS)
        assert notification.user_id == body["user_id"]
        assert notification.created_at == pytest.approx(try_parse_time(notification_id), abs=0.001)


async def test_a_bulk_request_of_large_records_is_split_into_batches_within_the_limit(kafka_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    text = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(60_000))  # hardly compressible, 180 kB
    bodies = [{**SUBMISSION, "user_id": "u-1", "data": {"text": text + str(n)}} for n in range(10)]
    async with open_client(build_settings(kafka_url, topic_prefix=prefix)) as client:
        response = await client.post(f"{URL}/bulk", json=bodies)
    assert (response.status_code, response.json()["accepted"]) == (202, 10)
    assert len(await read_notifications(kafka_url, prefix)) == 10


async def test_without_kafka_nothing_is_accepted(kafka_url: str) -> None:
    async with open_client(build_settings(UNREACHABLE, produce_timeout=0.5)) as client:
        responses = [await client.post(URL, json=SUBMISSION), await client.post(f"{URL}/bulk", json=[SUBMISSION])]
        ready = await client.get("/readyz")
    for response in responses:
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        assert int(response.headers["retry-after"]) > 0
    assert ready.status_code == 503
    assert ready.json()["probes"]["kafka"]["status"] == "down"


async def test_a_wrong_number_of_partitions_keeps_the_gateway_unready(kafka_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    async with open_client(build_settings(kafka_url, topic_prefix=prefix, partitions=PARTITIONS + 1, produce_timeout=1.0)) as client:
        assert (await client.post(URL, json=SUBMISSION)).status_code == 503
        ready = await client.get("/readyz")
    assert ready.status_code == 503


async def test_rules_and_templates_of_postgresql_are_used(kafka_url: str, database_url: str, prefix: str, tmp_path: Path) -> None:
    await create_topics(kafka_url, prefix)
    await upgrade_database(database_url, 1_760_000_000.0)
    async with open_client(build_settings(kafka_url, database_url=database_url, topic_prefix=prefix, data_dir=tmp_path)) as client:
        unknown_type = await client.post(URL, json={**SUBMISSION, "type": "unknown.type"})
        unknown_template = await client.post(URL, json={**SUBMISSION, "template": "unknown-template"})
        incomplete = await client.post(URL, json={**SUBMISSION, "data": {}, "to": {"email": "a@example.org"}})
        missing = await client.get(f"{URL}/ntf_0199c82cc00070008000000000000001")
        page = await client.get(URL, params={"user_id": "u-42"})
    assert [response.status_code for response in (unknown_type, unknown_template, incomplete)] == [422, 422, 422]
    assert [response.json()["errors"][0]["path"] for response in (unknown_type, unknown_template)] == ["$.type", "$.template"]
    assert incomplete.json()["errors"][0]["reason"] == "missing_variable"
    assert incomplete.json()["errors"][0]["path"].startswith("$.data.")
    assert (missing.status_code, page.json()) == (404, {"items": [], "next_cursor": None})


async def test_redis_stores_responses_and_recent_notifications(kafka_url: str, redis_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    async with open_client(build_settings(kafka_url, redis_url=redis_url, topic_prefix=prefix)) as client:
        first = await client.post(URL, json=SUBMISSION, headers={"idempotency-key": "k"})
        repeated = await client.post(URL, json=SUBMISSION, headers={"idempotency-key": "k"})
        conflict = await client.post(URL, json={**SUBMISSION, "data": {"order": 18}}, headers={"idempotency-key": "k"})
        notification = await client.get(f"{URL}/{first.json()['id']}")
    assert (first.status_code, repeated.status_code, conflict.status_code) == (202, 202, 422)
    assert repeated.json() == first.json()
    assert notification.json()["state"] == "accepted"
    assert [notification.idempotency_key for _, _, notification in await read_notifications(kafka_url, prefix)] == ["k"]


async def test_an_outdated_schema_is_degraded_until_the_upgrade(kafka_url: str, database_url: str, prefix: str, tmp_path: Path) -> None:
    await create_topics(kafka_url, prefix)
    async with open_client_and_connections(
        build_settings(kafka_url, database_url=database_url, topic_prefix=prefix, data_dir=tmp_path)
    ) as (
        client,
        connections,
    ):
        await connections.readiness.run_probe("postgres")
        before = (await client.get("/readyz")).json()["probes"]["postgres"]
        await upgrade_database(database_url, 1_760_000_000.0)
        await connections.readiness.run_probe("postgres")
        after = (await client.get("/readyz")).json()["probes"]["postgres"]
    assert before["status"] == "degraded"
    assert before["detail"].endswith("run `herold db upgrade`")
    assert after["status"] == "ok"


async def test_without_redis_and_postgresql_notifications_are_accepted(kafka_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    async with open_client_and_connections(build_settings(kafka_url, topic_prefix=prefix)) as (client, connections):
        response = await client.post(URL, json=SUBMISSION, headers={"idempotency-key": "k"})
        history = await client.get(f"{URL}/{response.json()['id']}")
        for name in ("kafka", "postgres", "redis"):
            await connections.readiness.run_probe(name)
        probes = (await client.get("/readyz")).json()["probes"]
    assert (response.status_code, history.status_code) == (202, 503)
    assert {name: probe["status"] for name, probe in probes.items() if name in ("kafka", "postgres", "redis")} == {
        "kafka": "ok",
        "postgres": "degraded",
        "redis": "degraded",
    }


async def test_the_last_known_rules_are_used_after_a_restart_without_postgresql(
    kafka_url: str, database_url: str, prefix: str, tmp_path: Path
) -> None:
    await create_topics(kafka_url, prefix)
    await upgrade_database(database_url, 1_760_000_000.0)
    async with open_client(build_settings(kafka_url, database_url=database_url, topic_prefix=prefix, data_dir=tmp_path)):
        pass
    async with open_client(build_settings(kafka_url, topic_prefix=prefix, data_dir=tmp_path)) as client:
        accepted = await client.post(URL, json={**SUBMISSION, "type": "account.otp", "data": {"code": "1", "minutes": 5}})
        unknown_type = await client.post(URL, json={**SUBMISSION, "type": "unknown.type"})
        metrics = (await client.get("/metrics")).text
    assert (accepted.json()["priority"], unknown_type.status_code) == ("high", 422)
    assert re.search(r'^herold_policy_age_seconds{role="gateway"} \d', metrics, re.MULTILINE)
