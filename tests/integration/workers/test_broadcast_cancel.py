"""A broadcast is cancelled on real workers: what it has held and what waits for a retry, whatever is killed meanwhile; and its counts."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.stack.stack import ServerUrls
from tests.cluster import HeroldCluster, wait_until

USERS, PAGE = 2000, 50
INSERT_USERS = """
    insert into users (id, addresses)
    select 'b-' || number, jsonb_build_object('email', jsonb_build_array('b-' || number || '@example.org'))
    from generate_series(0, $1 - 1) number
"""
NOTIFICATION = {
    "type": "order.shipped",
    "channels": ["email"],
    "data": {"order": 17, "name": "Ada", "eta": "Friday", "items": ["lamp"]},
}

pytestmark = pytest.mark.slow


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation whose pages are small and whose leases are short, so that a scheduler can be killed within a cancel."""
    settings = {
        "HEROLD_KAFKA_SESSION_TIMEOUT": "6",
        "HEROLD_SCHEDULER_BROADCAST_LEASE": "2",
        "HEROLD_SCHEDULER_BROADCAST_INTERVAL": "0.1",
        "HEROLD_SCHEDULER_MAX_BROADCAST_PAGE": str(PAGE),
        "HEROLD_RETRIES_EMAIL_DELAYS": "600",
    }
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix, **settings)
    try:
        await cluster.create_schema()
        await cluster.execute(INSERT_USERS, USERS)
        workers = (cluster.start_worker(role) for role in ("router", "scheduler", "recorder", "email"))
        await asyncio.gather(*workers, cluster.start_simulators(), cluster.start_gateway())
        yield cluster
    finally:
        await cluster.close()


@pytest.fixture
async def client(cluster: HeroldCluster) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {cluster.env['HEROLD_GATEWAY_API_KEY']}"}
    async with httpx.AsyncClient(base_url=cluster.build_url("gateway", ""), headers=headers, timeout=60) as client:
        yield client


async def start(client: httpx.AsyncClient, count: int, **fields: Any) -> str:
    """Start a broadcast to so many users; returns its path."""
    body = {"user_ids": [f"b-{number}" for number in range(count)], "notification": {**NOTIFICATION, **fields}}
    response = await client.post("/v1/broadcasts", json=body)
    assert response.status_code == 201, response.text
    return f"/v1/broadcasts/{response.json()['id']}"


async def wait_for(client: httpx.AsyncClient, path: str, *keys: str, value: object) -> dict[str, Any]:
    """Wait until the broadcast has this value; returns the broadcast."""
    found: dict[str, Any] = {}

    async def is_there() -> bool:
        found.update((await client.get(path)).json())
        part: Any = found
        for key in keys:
            part = part.get(key) if part else None
        return bool(part == value)

    await wait_until(is_there, 120, f"{'.'.join(keys)} is {value}", interval=0.05)
    return found


async def test_what_a_broadcast_holds_is_cancelled_although_the_scheduler_is_killed(
    cluster: HeroldCluster, client: httpx.AsyncClient
) -> None:
    due_at = time.time() + 3600
    path, other = await start(client, USERS, send_at=due_at), await start(client, 10, send_at=due_at)
    held = await wait_for(client, path, "counts", "notifications", value={"held": USERS})
    assert (held["state"], held["counts"]["notification_reasons"], held["counts"]["deliveries"]) == (
        "done",
        {"held": {"send_at": USERS}},
        {},
    )
    assert held["counts"]["waiting_count"] == USERS

    async def is_in_the_middle() -> bool:
        return bool(await cluster.fetch_value(f"select count_cursor <> '' from broadcasts where id = '{path[-32:]}'::uuid"))

    assert (await client.post(f"{path}/cancel")).status_code == 200
    await wait_until(is_in_the_middle, 60, "a part is cancelled", interval=0.001)
    cluster.kill_process("scheduler")
    killed = (await client.get(path)).json()["cancellation"]
    assert not killed["is_done"]
    assert 0 < killed["checked_count"] < USERS
    await cluster.start_worker("scheduler", "second")
    cancelled = await wait_for(client, path, "cancellation", "is_done", value=True)
    assert cancelled["cancellation"] == {"is_done": True, "checked_count": USERS, "waiting_count": 0, "cancelled_count": USERS}
    assert cancelled["counts"]["notifications"] == {"rejected": USERS}
    assert cancelled["counts"]["notification_reasons"] == {"rejected": {"cancelled": USERS}}
    rest = await wait_for(client, other, "counts", "notifications", value={"held": 10})
    assert rest["cancellation"] is None
    assert await cluster.count_records("deliveries.email.medium") == 0
    await check_retries(cluster, client)
    for name in ("second", "router", "recorder", "email"):
        assert await cluster.stop_process(name) == 0
        log = cluster.get_log_path(name).read_text()
        assert "delayed" not in log, "connections close when no task uses them any more"
        assert "unavailable" not in log


async def check_retries(cluster: HeroldCluster, client: httpx.AsyncClient) -> None:
    """Retries of a broadcast are cancelled, and what was delivered is counted as it was."""
    delivered = await start(client, 30)
    await wait_for(client, delivered, "counts", "deliveries", value={"SENT": 30})
    cluster.switch_fault_on("sendgrid", status=503)
    failing = await start(client, 5)
    waiting = await wait_for(client, failing, "counts", "waiting_count", value=5)
    assert (waiting["counts"]["notifications"], waiting["counts"]["deliveries"]) == ({"routed": 5}, {"PENDING": 5})
    for path in (delivered, failing):
        assert (await client.post(f"{path}/cancel")).status_code == 200
    ended = await wait_for(client, failing, "cancellation", "is_done", value=True)
    assert ended["cancellation"]["cancelled_count"] == 5
    assert ended["counts"]["delivery_reasons"] == {"FAILED": {"cancelled": 5}}
    sent = await wait_for(client, delivered, "cancellation", "is_done", value=True)
    assert (sent["counts"]["deliveries"], sent["cancellation"]["cancelled_count"]) == ({"SENT": 30}, 0)
