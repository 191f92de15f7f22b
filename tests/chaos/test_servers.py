"""PostgreSQL, Redis and Kafka go away while notifications flow: what can goes on, the rest waits; nothing is lost or claimed falsely."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
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
from dev.stack.stack_state import StackState
from schemas.enums import PRIORITIES
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, derive_delivery_id, make_id
from schemas.notification import Notification
from schemas.topics import get_notifications_topic
from tests import topic_reader
from tests.chaos.workload import encode
from tests.cluster import HOST, PARTITIONS, HeroldCluster, fetch_request_log, wait_until
from tests.tcp_proxy import run_proxy

decode = msgspec.json.Decoder(Notification).decode
STORED = ("u-ada", "u-alan", "u-barbara", "u-carl", "u-clara")  # users of the seed: their addresses are in PostgreSQL
DATA = {"order": 17, "name": "Ada", "eta": "tomorrow", "items": ["book"]}


def told(number: int, user: str = "") -> Notification:
    """An e-mail to an address given with it, or to that of a stored user."""
    to: dict[Any, Any] = {} if user else {"email": f"n{number}@example.org"}
    an_id = make_id(NOTIFICATION_PREFIX, time.time(), number)
    return Notification(user or f"user-{number}", "order.shipped", an_id, channels=["email"], data=DATA, locale="en", to=to)


class Told:
    """What was told so far, over Kafka."""

    def __init__(self, stand: HeroldCluster) -> None:
        self._stand, self.many = stand, 0

    async def tell(self, many: int) -> None:
        """So many more to given addresses, and one to each stored user."""
        some = [told(self.many + number) for number in range(many)]
        some += [told(self.many + many + number, user) for number, user in enumerate(STORED)]
        async with AIOKafkaProducer(bootstrap_servers=self._stand.urls.kafka) as producer:
            for priority, one in zip(PRIORITIES * len(some), some, strict=False):
                topic, partition = self._stand.prefix + get_notifications_topic(priority), compute_partition(one.user_id, PARTITIONS)
                await producer.send(topic, encode(one), key=one.user_id.encode(), partition=partition)
        self.many += len(some)

    async def all_asked(self) -> None:
        """Wait until the simulators were asked for all, and each once."""
        await self._stand.wait_for_requests(self.many)
        assert set(Counter(entry["delivery_id"] for entry in self._stand.fetch_request_log()).values()) == {1}


@pytest.mark.slow
async def test_without_redis_and_without_postgresql_deliveries_go_on(tmp_path: Path, server_urls: ServerUrls) -> None:
    async with asyncio.timeout(300), run_proxy(server_urls.database) as postgres, run_proxy(server_urls.redis) as redis:
        away = replace(server_urls, database=postgres.url, redis=redis.url)
        async with standing(tmp_path / "stand", away) as stand:
            flow = Told(stand)
            await asyncio.gather(stand.start_simulators(), *(stand.start_worker(role) for role in ("router", "email", "recorder")))
            await flow.tell(200)
            await flow.all_asked()
            await redis.disable()
            await flow.tell(200)
            await flow.all_asked()
            await recorded(server_urls, flow.many)
            await postgres.disable()
            before = await count(server_urls)
            await flow.tell(200)
            await flow.all_asked()
            assert await count(server_urls) == before == flow.many - 200 - len(STORED)
            await redis.enable()
            await postgres.enable()
            await flow.tell(200)
            await flow.all_asked()
            await recorded(server_urls, flow.many)


@asynccontextmanager
async def standing(home: Path, urls: ServerUrls) -> AsyncIterator[HeroldCluster]:
    """An installation on these servers, ended before they are."""
    stand = HeroldCluster(home, urls, f"t-{os.urandom(6).hex()}.")
    await stand.create_schema()
    try:
        yield stand
    finally:
        await stand.close()


async def count(urls: ServerUrls) -> int:
    """The deliveries in history that were sent, past any proxy."""
    connection = await asyncpg.connect(urls.database)
    try:
        return int(await connection.fetchval("select count(*) from deliveries join notifications n on n.id = notification_id"))
    finally:
        await connection.close()


async def recorded(urls: ServerUrls, many: int) -> None:
    async def all_there() -> bool:
        return await count(urls) == many

    await wait_until(all_there, 150, f"{many} deliveries in history", interval=0.1)


class Clients:
    """Submit over HTTP without a pause, and remember every answer."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client, self._numbers = client, 0
        self.accepted: dict[str, str] = {}  # notification -> the id of its delivery
        self.refused: list[httpx.Response] = []

    async def submit(self) -> None:
        """For ever, one after the other."""
        while True:
            self._numbers += 1
            user, address = f"user-{self._numbers}", f"n{self._numbers}@example.org"
            body: dict[str, Any] = {"user_id": user, "type": "order.shipped", "channels": ["email"], "data": DATA, "to": {"email": address}}
            answer = await self._client.post("/v1/notifications", json={**body, "locale": "en"})
            if answer.status_code == 202:
                an_id = answer.json()["id"]
                self.accepted[an_id] = derive_delivery_id(an_id, user, "email", address)
            else:
                self.refused.append(answer)
                await asyncio.sleep(0.05)

    async def until_accepted(self, more: int) -> None:
        """Wait until so many more were accepted."""
        wanted = len(self.accepted) + more

        async def enough() -> bool:
            return len(self.accepted) >= wanted

        await wait_until(enough, 150, f"{wanted} accepted")


@pytest.mark.slow
async def test_kafka_killed_under_everything_comes_back_and_no_202_was_false(tmp_path: Path, server_urls: ServerUrls) -> None:
    env = {"DATABASE_URL": server_urls.database, "REDIS_URL": server_urls.redis, "HEROLD_GATEWAY_PRODUCE_TIMEOUT": "1"}
    async with asyncio.timeout(300), herold(tmp_path / "home", env) as stack, client_of(stack) as client:
        clients = Clients(client)
        at_work = [asyncio.create_task(clients.submit()) for _ in range(8)]
        await clients.until_accepted(200)
        broker = ProcessRegistry(stack.state.home).read()["kafka"].find_process()
        assert broker is not None
        broker.kill()
        await wait_until(lambda: some_refused(clients), 150, "a submission refused")
        await clients.until_accepted(200)
        for task in at_work:
            task.cancel()
        for end in await asyncio.gather(*at_work, return_exceptions=True):
            assert isinstance(end, asyncio.CancelledError), end
        await wait_until(lambda: all_sent(stack, set(clients.accepted.values())), 150, "all accepted ones at the simulators", interval=0.2)
        written = await in_kafka(stack)
    print(f"{len(clients.accepted)} accepted, {len(clients.refused)} refused")
    assert {answer.status_code for answer in clients.refused} == {503}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in clients.refused)
    assert all(written[an_id] == 1 for an_id in clients.accepted)


async def some_refused(clients: Clients) -> bool:
    return bool(clients.refused)


@asynccontextmanager
async def herold(home: Path, env: dict[str, str]) -> AsyncIterator[Stack]:
    """What `herold up` starts, with a broker of its own; of the roles those that an e-mail needs."""
    wanted = ("simulators", "gateway", "router", "email")
    async with open_stack(home, env, lambda name, line: print(f"{name}: {line}")) as stack:
        settings = {**build_environment(stack.state, stack.urls, env), **env}
        given = [[service for service in stage if service.name in wanted] for stage in build_start_stages(stack.state, settings)]
        await stack.start(partial(provision, settings), given)
        yield stack


@asynccontextmanager
async def client_of(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    key = stack.state.get_secret("api_key")
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{stack.state.get_port('gateway')}", timeout=30.0) as client:
        client.headers["x-api-key"] = key
        yield client


async def all_sent(stack: Stack, wanted: set[str]) -> bool:
    return wanted <= await asyncio.to_thread(sent, stack.state)


def sent(state: StackState) -> set[str]:
    """The deliveries that the simulators were asked for."""
    return {entry["delivery_id"] for entry in fetch_request_log(f"http://{HOST}:{state.get_port('simulators')}")}


async def in_kafka(stack: Stack) -> Counter[str]:
    """How often each notification was written."""
    async with topic_reader.open_topic_reader(stack.urls.kafka) as log:
        return Counter([decode(one.value).id or "" async for one in log.read_records(map(get_notifications_topic, PRIORITIES))])
