"""Cancel and reschedule over HTTP, with the real gateway, scheduler and recorder: exactly one of cancel and release succeeds."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from msgspec import Raw, Struct

from dev.stack.stack import ServerUrls
from schemas.enums import State
from schemas.events import DecidedEvent, GateResult
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from schemas.scheduled import Scheduled
from tests.cluster import PARTITIONS, HeroldCluster, wait_until

USER = "u-7"


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation in which nobody routes, so that what is released stays in its topic."""
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix)
    try:
        await cluster.create_schema()
        await asyncio.gather(cluster.start_worker("scheduler"), cluster.start_worker("recorder"), cluster.start_gateway())
        yield cluster
    finally:
        await cluster.close()


async def hold(cluster: HeroldCluster, number: int, due_at: float) -> str:
    """Write what the router writes for a held notification, and wait until it is recorded; returns the id."""
    now = time.time()
    notification_id = make_id(NOTIFICATION_PREFIX, now, number)
    payload = Raw(msgspec.json.encode({"id": notification_id, "user_id": USER, "type": "order.shipped", "send_at": due_at}))
    target, milliseconds = f"{cluster.prefix}notifications.low", int(now * 1000)
    log = [GateResult("decode", "pass"), GateResult("schedule", "hold", "send_at", {"until": due_at})]
    values: dict[str, Struct] = {
        "scheduled.low": Scheduled(notification_id, USER, due_at, target, payload, 1, "schedule", milliseconds),
        "notifications.status": DecidedEvent(
            notification_id, USER, State.HELD, now, now, "low", "order.shipped", reason="send_at", decision_log=log
        ),
    }
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:
        for topic, value in values.items():
            partition = compute_partition(USER, PARTITIONS)
            await producer.send_and_wait(cluster.prefix + topic, msgspec.json.encode(value), USER.encode(), partition=partition)

    async def is_held() -> bool:
        return bool(await cluster.fetch_value(f"select state = 'held' from notifications where id = '{notification_id[4:]}'::uuid"))

    await wait_until(is_held, 60, "the notification is recorded", interval=0.1)
    return notification_id


async def find_decision(client: httpx.AsyncClient, answer: httpx.Response, path: str, reason: str) -> str:
    """The state after a change that is decided for this reason: that of the answer, which on a busy machine comes before the decision."""
    found = [answer]

    async def is_decided() -> bool:
        found.append(await client.get(path))
        return bool(found[-1].json()["reason"] == reason)

    if answer.status_code == 202:
        assert answer.json()["status"] == "requested"
        await wait_until(is_decided, 60, f"it is {reason}", interval=0.1)
    assert (found[-1].status_code, found[-1].json()["reason"]) == (200, reason), found[-1].text
    return str(found[-1].json()["state"])


async def test_a_held_notification_is_moved_then_cancelled_and_a_released_one_is_neither(cluster: HeroldCluster) -> None:
    headers = {"authorization": f"Bearer {cluster.env['HEROLD_GATEWAY_API_KEY']}"}
    async with httpx.AsyncClient(base_url=cluster.build_url("gateway", ""), headers=headers, timeout=60) as client:
        path = f"/v1/notifications/{await hold(cluster, 1, time.time() + 3600)}"
        moved = await client.patch(path, json={"send_at": time.time() + 7200})
        assert await find_decision(client, moved, path, "rescheduled") == "held"
        cancelled = await client.delete(path)
        assert await find_decision(client, cancelled, path, "cancelled") == "rejected"
        assert (await client.delete(path)).status_code == 409
        explanation = (await client.get(f"{path}/explain")).json()
        assert [(gate["gate"], gate["reason"]) for gate in explanation["gates"]][1:] == [
            ("schedule", "send_at"),
            ("schedule", "rescheduled"),
            ("schedule", "cancelled"),
        ]
        released = f"/v1/notifications/{await hold(cluster, 2, time.time() - 1)}"
        async with asyncio.timeout(60):
            while await cluster.count_records("notifications.low") < 1:
                await asyncio.sleep(0.05)
        late = await client.delete(released)  # the history still says held: only the scheduler knows that it is too late
        assert (late.status_code, late.json()["status"]) == (202, "requested"), late.text
