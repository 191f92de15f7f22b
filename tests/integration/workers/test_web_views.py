"""The table views of real workers: decoded rows behind a token, also when the wrong worker is asked; Faust's own views are off."""

import asyncio
import json
import time
import urllib.error
import urllib.parse
import uuid
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from dev.stack.stack import ServerUrls
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, derive_delivery_id, make_id
from schemas.notification import Notification
from tests.cluster import PARTITIONS, HeroldCluster, fetch_url, wait_until
from tests.conftest import create_database

TOKEN = "t0ken"
ROUTERS = ("router-1", "router-2")
USERS = [f"u-{number}" for number in range(12)]
DATA = {"order": 17, "name": "Ada", "eta": "tomorrow", "items": ["book"]}


class RunningWorkers(NamedTuple):
    """Two routers and an e-mail worker that have sent an e-mail to each user; the notifications' ids."""

    stand: HeroldCluster
    ids: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_workers(
    tmp_path_factory: pytest.TempPathFactory, kafka_url: str, postgres_url: str, redis_url: str
) -> AsyncIterator[RunningWorkers]:
    async with create_database(postgres_url) as database_url:
        home, prefix = tmp_path_factory.mktemp("stand"), f"t-{uuid.uuid4().hex[:12]}-"
        stand = HeroldCluster(home, ServerUrls(kafka_url, database_url, redis_url), prefix, HEROLD_WORKER_WEB_TOKEN=TOKEN)
        try:
            await stand.create_schema()
            await asyncio.gather(
                stand.start_simulators(), *(stand.start_worker("router", name) for name in ROUTERS), stand.start_worker("email")
            )
            ids = await produce_notifications(stand)
            await stand.wait_for_metric("email", "herold_deliveries_ended_total", len(USERS))
            await wait_until_written(stand, "notifications.status")
            await wait_until_written(stand, "email-attempts-changelog")
            yield RunningWorkers(stand, ids)
        finally:
            await stand.close()


async def produce_notifications(stand: HeroldCluster) -> dict[str, str]:
    """One e-mail to each user; their notifications' ids."""
    ids = {user: make_id(NOTIFICATION_PREFIX, time.time(), number) for number, user in enumerate(USERS)}
    async with AIOKafkaProducer(bootstrap_servers=stand.urls.kafka) as producer:
        for user, an_id in ids.items():
            to = {"email": f"{user}@example.org"}
            value = Notification(user, "order.shipped", id=an_id, channels=["email"], data=DATA, locale="en", to=to)  # type: ignore[arg-type]
            where = compute_partition(user, PARTITIONS)
            await producer.send_and_wait(f"{stand.prefix}notifications.high", msgspec.json.encode(value), user.encode(), partition=where)
    return ids


async def wait_until_written(stand: HeroldCluster, topic: str) -> None:
    """Wait until a topic holds a record for each user."""

    async def is_written() -> bool:
        return await stand.count_records(topic) >= len(USERS)

    await wait_until(is_written, 150, f"{len(USERS)} records on {topic}")


def get_json(stand: HeroldCluster, worker: str, path: str, token: str = TOKEN) -> tuple[int, Any]:
    """The status and JSON that a worker answers."""
    try:
        return 200, json.loads(fetch_url(stand.build_url(worker, path), headers={"Authorization": f"Bearer {token}"}))
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def test_every_worker_shows_every_users_rows(running_workers: RunningWorkers) -> None:
    owners: set[str] = set()
    for user, an_id in running_workers.ids.items():
        rows = [get_json(running_workers.stand, worker, f"/tables/idempotency/{user}/{an_id}") for worker in ROUTERS]
        assert rows[0] == rows[1]
        status, row = rows[0]
        assert (status, row["duplicate_of"], row["partition"]) == (200, an_id, compute_partition(user, PARTITIONS))
        owners.add(row["worker"])
        _, windows = get_json(running_workers.stand, ROUTERS[1], f"/tables/rate_windows/{user}")
        assert len(windows["channels"]["email"]["entries"]) == 1
    assert owners == {running_workers.stand.build_url(worker, "") for worker in ROUTERS}


def test_who_may_ask_and_for_what(running_workers: RunningWorkers) -> None:
    router, row = ROUTERS[0], f"/tables/idempotency/u-1/{running_workers.ids['u-1']}"
    assert get_json(running_workers.stand, router, row, token="another")[0] == 401
    assert get_json(running_workers.stand, router, row, token="")[0] == 401
    assert get_json(running_workers.stand, router, "/tables/idempotency/u-1/nothing")[0] == 404
    assert get_json(running_workers.stand, router, "/tables/idempotency/u-1")[0] == 400
    status, body = get_json(running_workers.stand, router, "/tables/attempts/u-1/dlv_1")
    assert (status, b"this worker has idempotency, rate_windows" in body) == (404, True)
    for stock in ("/table/", "/table/idempotency/", f"/table/idempotency/{urllib.parse.quote('u-1')}/", "/router/", "/router/idempotency/"):
        assert get_json(running_workers.stand, router, stock)[0] == 404, stock


def test_an_attempt_is_shown_by_the_channels_worker(running_workers: RunningWorkers) -> None:
    wanted = derive_delivery_id(running_workers.ids["u-3"], "u-3", "email", "u-3@example.org")
    status, row = get_json(running_workers.stand, "email", f"/tables/attempts/u-3/{wanted}")
    assert (status, row["outcome"], row["status"], row["next_action"], row["attempt"]) == (200, "ACCEPTED", "SENT", "done", 0)
    assert get_json(running_workers.stand, "email", "/tables/attempts/u-3/dlv_1")[0] == 400
