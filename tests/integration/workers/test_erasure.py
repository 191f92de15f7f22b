"""The proof of an erasure on real servers: canaries go through the pipeline, and are readable nowhere, before and after."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from redis.asyncio import Redis

from dev.simulators.sendgrid_erasures import ERASE_JOB_PATH
from dev.stack.stack import ServerUrls
from tests.cluster import HeroldCluster, fetch_url, wait_until

USER = "u-erased"
CANARY = "canary7f3"
STORED, GIVEN = f"{CANARY}-stored@example.org", f"reject+{CANARY}@example.org"
ROLES = ("router", "scheduler", "email", "recorder")

LIST_TABLES = "select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"

pytestmark = pytest.mark.slow


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation that seals."""
    urls = ServerUrls(kafka_url, database_url, redis_url)
    cluster = HeroldCluster(tmp_path / "cluster", urls, prefix, HEROLD_ENCRYPTION_ENABLED="true", HEROLD_SERVICE_LOG_LEVEL="debug")
    try:
        await cluster.create_schema()
        await cluster.start_simulators()
        await cluster.start_gateway()
        for role in ROLES:
            await cluster.start_worker(role)
        yield cluster
    finally:
        await cluster.close()


@pytest.fixture
async def gateway(cluster: HeroldCluster) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {cluster.env['HEROLD_GATEWAY_API_KEY']}"}
    async with httpx.AsyncClient(base_url=cluster.build_url("gateway", ""), headers=headers, timeout=30) as client:
        yield client


async def submit(gateway: httpx.AsyncClient, **fields: Any) -> str:
    """The id of an accepted notification that is full of canaries."""
    data = {"name": CANARY, "order": 17, "items": [CANARY], "total": "1"}
    response = await gateway.post("/v1/notifications", json={"user_id": USER, "type": "order.confirmed", "data": data, **fields})
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


async def wait_for_state(gateway: httpx.AsyncClient, notification_id: str, *states: str) -> dict[str, Any]:
    """The notification once it has one of the states, and its deliveries are final."""
    found: dict[str, Any] = {}

    async def has_state() -> bool:
        response = await gateway.get(f"/v1/notifications/{notification_id}", params={"user_id": USER})
        found.update(response.json() if response.status_code == 200 else {})
        statuses = [one["status"] for one in found.get("deliveries", [])]
        return found.get("state") in states and "PENDING" not in statuses

    await wait_until(has_state, 60, f"{notification_id} is {states}: {found}", interval=0.1)
    return found


async def read_topics(cluster: HeroldCluster) -> dict[str, bytes]:
    """All that the topics of the installation have, keys and headers included, decompressed; by topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=cluster.urls.kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        topics = [topic for topic in await consumer.topics() if topic.startswith(cluster.prefix)]
        consumer.subscribe(topics)
        found: dict[str, list[bytes]] = {topic: [] for topic in topics}
        while batches := await consumer.getmany(timeout_ms=3000):
            for partition, records in batches.items():
                for record in records:
                    found[partition.topic] += [record.key or b"", record.value or b"", *(value or b"" for _, value in record.headers)]
        return {topic.removeprefix(cluster.prefix): b"\n".join(parts) for topic, parts in found.items()}
    finally:
        await consumer.stop()


async def read_database(cluster: HeroldCluster) -> dict[str, bytes]:
    """All rows of all tables as text, as a dump has them."""
    connection = await asyncpg.connect(cluster.urls.database)
    try:
        tables = await connection.fetch(
            "select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"
        )
        found = {}
        for (table,) in tables:
            rows = await connection.fetch(f"select to_jsonb(t)::text as row from {table} as t")
            texts = [unescape(row["row"]) for row in rows]
            found[table] = "\n".join(texts).encode()
        return found
    finally:
        await connection.close()


def unescape(row: str) -> str:
    r"""The row with its bytea values, which JSON has as \x and hex, as text."""
    parts = [part for value in json.loads(row).values() for part in (value, decode_hex(value))]
    return " ".join(map(str, parts))


def decode_hex(value: object) -> str:
    return bytes.fromhex(value[2:]).decode("latin-1") if isinstance(value, str) and value.startswith("\\x") else ""


async def read_redis(cluster: HeroldCluster) -> dict[str, bytes]:
    """All keys of the installation with their values, by family."""
    redis = Redis.from_url(cluster.urls.redis)
    found: dict[str, bytes] = {}
    async for key in redis.scan_iter(f"{cluster.prefix}*"):
        family = key.decode().removeprefix(cluster.prefix).partition(":")[0]
        value = await redis.get(key) if await redis.type(key) == b"string" else b""
        found[family] = found.get(family, b"") + key + (value or b"")
    await redis.aclose()
    return found


def list_files(cluster: HeroldCluster) -> Iterator[tuple[str, bytes]]:
    """The files of the tables, and the logs of the processes but the simulators, which are the providers."""
    for path in [*cluster.data_dir.rglob("*"), *cluster.home.glob(f"{cluster.prefix}*.log")]:
        if path.is_file() and "simulators" not in path.name:
            yield path.name, path.read_bytes()


async def find_canaries(cluster: HeroldCluster) -> set[str]:
    """The topics, tables, families of keys and files that have a canary in plain."""
    needle, found = CANARY.encode(), set[str]()
    for places in (await read_topics(cluster), await read_database(cluster), await read_redis(cluster), dict(list_files(cluster))):
        assert any(places.values())  # it has been read
        found |= {name for name, content in places.items() if needle in content}
    return found


async def test_after_an_erasure_no_canary_is_readable_and_suppressions_hold(cluster: HeroldCluster, gateway: httpx.AsyncClient) -> None:
    stored = await gateway.put(f"/v1/users/{USER}", json={"addresses": {"email": [STORED]}, "attributes": {"note": CANARY}})
    assert stored.status_code == 201
    sent = await submit(gateway)
    failed = await submit(gateway, to={"email": GIVEN})
    held = await submit(gateway, to={"email": GIVEN}, send_at=time.time() + 3000)
    await wait_for_state(gateway, sent, "routed")
    assert [one["status"] for one in (await wait_for_state(gateway, failed, "routed"))["deliveries"]] == ["FAILED"]
    await wait_for_state(gateway, held, "held")
    assert (await gateway.put(f"/v1/users/{USER}/devices/{CANARY}-device", json={})).status_code == 201
    suppressed = await gateway.post("/v1/suppressions", json={"channel": "email", "address": STORED})
    assert suppressed.status_code in (200, 201), suppressed.text
    requests = list(cluster.fetch_request_log())
    assert sum(CANARY in json.dumps(one) for one in requests) == 2  # the provider got them

    assert await find_canaries(cluster) == set()
    assert "profile-2" in await read_redis(cluster)
    export = (await gateway.get(f"/v1/users/{USER}/export")).json()
    assert (export["user"]["addresses"], export["user"]["attributes"]) == ({"email": [STORED]}, {"note": CANARY})
    assert [one["token"] for one in export["devices"]] == [f"{CANARY}-device"]
    assert {one["id"] for one in export["notifications"]} == {sent, failed, held}
    assert [one["address"] for one in export["suppressions"]] == [STORED]
    (dead_letter,) = (await gateway.get("/v1/dead-letters", params={"user_id": USER})).json()["items"]
    shown = (await gateway.get(f"/v1/dead-letters/{dead_letter['id']}", params={"exact": "true"})).json()
    assert shown["value"]["address"] == GIVEN

    erased = await gateway.post(f"/v1/users/{USER}/erasure", json={"reason": "request 1"})
    assert erased.status_code == 200, erased.text
    assert {name: count for name, count in erased.json()["counts"].items() if count} == {
        "keys": 2, "users": 1, "addresses": 2, "suppressions": 1, "dead_letters": 1, "user_counts": 1, "log_entries": 4
    }  # fmt: skip
    bearer = {"authorization": f"Bearer {cluster.env['HEROLD_PROVIDERS_SENDGRID_API_KEY']}"}
    jobs = json.loads(fetch_url(cluster.build_url("simulators", ERASE_JOB_PATH.decode()), headers=bearer))
    assert jobs == [sha256(STORED.encode()).hexdigest()]
    assert await find_canaries(cluster) == set()
    assert await cluster.fetch_value("select count(*) from user_keys where wrapped_key is not null") == 0

    # what waits comes back, and can be opened no more: a worker has a key for a minute, so it is a new one
    await cluster.stop_process("router")
    await cluster.start_worker("router")
    moved = await gateway.patch(f"/v1/notifications/{held}", params={"user_id": USER}, json={"send_at": time.time()})
    assert moved.status_code == 200, moved.text
    assert (await wait_for_state(gateway, held, "rejected"))["reason"] == "erased"
    # the user comes back: there is a new key, and the address is still suppressed
    assert (await gateway.put(f"/v1/users/{USER}", json={"addresses": {"email": [STORED.upper()]}})).status_code == 201
    rejected = await wait_for_state(gateway, await submit(gateway), "rejected")
    assert rejected["reason"] == "suppressed"
    again = await gateway.post(f"/v1/users/{USER}/erasure", json={})
    assert again.json()["counts"]["users"] == 1
    assert await find_canaries(cluster) == set()
