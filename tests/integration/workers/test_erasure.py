"""The proof of an erasure on real servers: canaries go through the pipeline, and are readable nowhere, before and after."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.simulators.sendgrid_erasures import ERASE_JOB_PATH
from dev.stack.stack import ServerUrls
from tests.canary_places import read_places, read_redis
from tests.cluster import HeroldCluster, fetch_url, wait_until

USER = "u-erased"
CANARY = "canary7f3"
STORED, GIVEN = f"{CANARY}-stored@example.org", f"reject+{CANARY}@example.org"
ROLES = ("router", "scheduler", "email", "recorder")

pytestmark = pytest.mark.slow


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation that seals."""
    urls = ServerUrls(kafka_url, database_url, redis_url)
    cluster = HeroldCluster(tmp_path / "cluster", urls, prefix, HEROLD_ENCRYPTION_ENABLED="true", HEROLD_SERVICE_LOG_LEVEL="debug")
    try:
        await cluster.create_schema()
        await asyncio.gather(cluster.start_simulators(), cluster.start_gateway(), *map(cluster.start_worker, ROLES))
        yield cluster
    finally:
        await cluster.close()


@pytest.fixture
async def gateway(cluster: HeroldCluster) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {cluster.env['HEROLD_GATEWAY_API_KEY']}"}
    async with httpx.AsyncClient(base_url=cluster.build_url("gateway", ""), headers=headers, timeout=60) as client:
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


async def find_canaries(cluster: HeroldCluster) -> set[str]:
    """The topics, tables, families of keys and files that have a canary in plain."""
    return {name for name, content in (await read_places(cluster)).items() if CANARY.encode() in content}


async def test_after_an_erasure_no_canary_is_readable_and_suppressions_hold(cluster: HeroldCluster, gateway: httpx.AsyncClient) -> None:
    stored = await gateway.put(f"/v1/users/{USER}", json={"addresses": {"email": [STORED]}, "attributes": {"note": CANARY}})
    assert stored.status_code == 201
    sent = await submit(gateway)
    await wait_for_state(gateway, sent, "routed")  # else it may be in one call with the next one, which is rejected
    failed = await submit(gateway, to={"email": GIVEN})
    held = await submit(gateway, to={"email": GIVEN}, send_at=time.time() + 3000)
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
