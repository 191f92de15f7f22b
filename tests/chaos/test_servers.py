"""Outages of PostgreSQL, Redis and Kafka under load: deliveries continue or wait, nothing is lost, and each 202 is true."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from dev.stack.herold_services import build_environment, build_start_stages, provision
from dev.stack.process_registry import ProcessRegistry
from dev.stack.stack import ServerUrls, Stack, open_stack
from dev.stack.stack_state import LOOPBACK, StackState
from schemas.enums import PRIORITIES
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, derive_delivery_id, make_id
from schemas.notification import Notification
from schemas.topics import get_notifications_topic
from tests import topic_reader
from tests.cluster import PARTITIONS, HeroldCluster, fetch_request_log, wait_until
from tests.tcp_proxy import run_proxy

decode = msgspec.json.Decoder(Notification).decode
STORED_USERS = ("u-ada", "u-alan", "u-barbara", "u-carl", "u-clara")  # of tables/postgres/seed.yml: their addresses are in PostgreSQL
DATA = {"order": 17, "name": "Ada", "eta": "tomorrow", "items": ["book"]}


def build_notification(number: int, stored_user: str = "") -> Notification:
    """Build an e-mail notification with an explicit address, or to a stored user."""
    to: dict[Any, Any] = {} if stored_user else {"email": f"n{number}@example.org"}
    notification_id = make_id(NOTIFICATION_PREFIX, time.time(), number)
    user_id = stored_user or f"user-{number}"
    return Notification(user_id, "order.shipped", notification_id, channels=["email"], data=DATA, locale="en", to=to)


class NotificationProducer:
    """Produces notifications and counts them."""

    def __init__(self, cluster: HeroldCluster) -> None:
        self._cluster, self.count = cluster, 0

    async def produce(self, count: int) -> None:
        """Produce `count` notifications with explicit addresses, and one to each stored user."""
        notifications = [build_notification(self.count + number) for number in range(count)]
        notifications += [build_notification(self.count + count + number, user) for number, user in enumerate(STORED_USERS)]
        async with AIOKafkaProducer(bootstrap_servers=self._cluster.urls.kafka) as producer:
            for priority, notification in zip(cycle(PRIORITIES), notifications, strict=False):
                topic = self._cluster.prefix + get_notifications_topic(priority)
                partition = compute_partition(notification.user_id, PARTITIONS)
                await producer.send(topic, msgspec.json.encode(notification), key=notification.user_id.encode(), partition=partition)
        self.count += len(notifications)

    async def wait_until_requested(self) -> None:
        """Wait until the simulators have a request for each notification, and only one."""
        await self._cluster.wait_for_requests(self.count)
        assert set(Counter(entry["delivery_id"] for entry in self._cluster.fetch_request_log()).values()) == {1}


@pytest.mark.slow
async def test_deliveries_continue_without_redis_and_postgresql(tmp_path: Path, server_urls: ServerUrls) -> None:
    async with asyncio.timeout(300), run_proxy(server_urls.database) as postgres, run_proxy(server_urls.redis) as redis:
        proxied_urls = replace(server_urls, database=postgres.url, redis=redis.url)
        async with run_cluster(tmp_path / "cluster", proxied_urls) as cluster:
            producer = NotificationProducer(cluster)
            await asyncio.gather(cluster.start_simulators(), *(cluster.start_worker(role) for role in ("router", "email", "recorder")))
            await producer.produce(200)
            await producer.wait_until_requested()
            await redis.disable()
            await producer.produce(200)
            await producer.wait_until_requested()
            await wait_until_recorded(server_urls, producer.count)
            await postgres.disable()
            recorded_before = await count_recorded(server_urls)
            await producer.produce(200)
            await producer.wait_until_requested()
            assert await count_recorded(server_urls) == recorded_before == producer.count - 200 - len(STORED_USERS)
            await redis.enable()
            await postgres.enable()
            await producer.produce(200)
            await producer.wait_until_requested()
            await wait_until_recorded(server_urls, producer.count)


@asynccontextmanager
async def run_cluster(home: Path, urls: ServerUrls) -> AsyncIterator[HeroldCluster]:
    """Run a cluster on these servers."""
    cluster = HeroldCluster(home, urls, f"t-{os.urandom(6).hex()}.")
    await cluster.create_schema()
    try:
        yield cluster
    finally:
        await cluster.close()


async def count_recorded(urls: ServerUrls) -> int:
    """Count the deliveries in the history, without the proxy."""
    connection = await asyncpg.connect(urls.database)
    try:
        return int(await connection.fetchval("select count(*) from deliveries join notifications n on n.id = notification_id"))
    finally:
        await connection.close()


async def wait_until_recorded(urls: ServerUrls, count: int) -> None:
    async def has_all_rows() -> bool:
        return await count_recorded(urls) == count

    await wait_until(has_all_rows, 150, f"the history has {count} deliveries", interval=0.1)


class HttpSubmitter:
    """Submits notifications over HTTP without a pause, and collects all responses."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client, self._count = client, 0
        self.accepted: dict[str, str] = {}  # notification id -> delivery id
        self.errors: list[httpx.Response] = []

    async def submit(self) -> None:
        """Submit notifications one after the other, until cancelled."""
        while True:
            self._count += 1
            user_id, address = f"user-{self._count}", f"n{self._count}@example.org"
            notification: dict[str, Any] = {"user_id": user_id, "type": "order.shipped", "channels": ["email"], "data": DATA}
            response = await self._client.post("/v1/notifications", json={**notification, "to": {"email": address}, "locale": "en"})
            if response.status_code == 202:
                notification_id = response.json()["id"]
                self.accepted[notification_id] = derive_delivery_id(notification_id, user_id, "email", address)
            else:
                self.errors.append(response)
                await asyncio.sleep(0.05)

    async def wait_until_accepted(self, count: int) -> None:
        """Wait until `count` more notifications are accepted."""
        total = len(self.accepted) + count

        async def has_accepted() -> bool:
            return len(self.accepted) >= total

        await wait_until(has_accepted, 150, f"{total} notifications are accepted")

    async def wait_until_error(self) -> None:
        """Wait for the first error response."""

        async def has_error() -> bool:
            return bool(self.errors)

        await wait_until(has_error, 150, "a submission has an error response")


@pytest.mark.slow
async def test_after_a_kill_of_kafka_every_accepted_notification_is_delivered(tmp_path: Path, server_urls: ServerUrls) -> None:
    env = {"DATABASE_URL": server_urls.database, "REDIS_URL": server_urls.redis, "HEROLD_GATEWAY_PRODUCE_TIMEOUT": "1"}
    async with asyncio.timeout(300), run_stack(tmp_path / "home", env) as stack, open_client(stack) as client:
        submitter = HttpSubmitter(client)
        tasks = [asyncio.create_task(submitter.submit()) for _ in range(8)]
        await submitter.wait_until_accepted(200)
        broker = ProcessRegistry(stack.state.home).read()["kafka"].find_process()
        assert broker is not None
        broker.kill()
        await submitter.wait_until_error()
        await submitter.wait_until_accepted(200)
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, asyncio.CancelledError), result
        delivery_ids = set(submitter.accepted.values())
        await wait_until(lambda: are_requested(stack, delivery_ids), 150, "all accepted notifications are delivered", interval=0.2)
        record_counts = await count_records_by_id(stack)
    print(f"{len(submitter.accepted)} accepted, {len(submitter.errors)} errors")
    assert {response.status_code for response in submitter.errors} == {503}
    assert all(int(response.headers["retry-after"]) > 0 for response in submitter.errors)
    assert all(record_counts[notification_id] == 1 for notification_id in submitter.accepted)


@asynccontextmanager
async def run_stack(home: Path, env: dict[str, str]) -> AsyncIterator[Stack]:
    """Run the stack of `herold up` with its own broker, and only with the processes that an e-mail needs."""
    names = ("simulators", "gateway", "router", "email")
    async with open_stack(home, env, lambda name, line: print(f"{name}: {line}")) as stack:
        settings = {**build_environment(stack.state, stack.urls, env), **env}
        stages = [[service for service in stage if service.name in names] for stage in build_start_stages(stack.state, settings)]
        await stack.start(partial(provision, settings), stages)
        yield stack


@asynccontextmanager
async def open_client(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    key = stack.state.get_secret("api_key")
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{stack.state.get_port('gateway')}", timeout=60) as client:
        client.headers["x-api-key"] = key
        yield client


async def are_requested(stack: Stack, delivery_ids: set[str]) -> bool:
    return delivery_ids <= await asyncio.to_thread(fetch_requested_ids, stack.state)


def fetch_requested_ids(state: StackState) -> set[str]:
    """Fetch the ids of all deliveries in the request log."""
    return {entry["delivery_id"] for entry in fetch_request_log(f"http://{LOOPBACK}:{state.get_port('simulators')}")}


async def count_records_by_id(stack: Stack) -> Counter[str]:
    """Count the records of each notification."""
    async with topic_reader.open_topic_reader(stack.urls.kafka) as reader:
        return Counter([decode(record.value).id or "" async for record in reader.read_records(map(get_notifications_topic, PRIORITIES))])
