"""The table views of real workers: decoded rows for requests with the token, from every worker; Faust's own views are off."""

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

from app.streaming.broker_clock import MAX_CLOCK_ERROR
from dev.stack.stack import ServerUrls
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, derive_delivery_id, make_id
from schemas.notification import Notification
from schemas.user_rows import RemovedRows, UserRows
from schemas.worker_reports import WorkerReport
from tables.redis.client import RedisClient
from tables.redis.worker_addresses import RedisWorkerAddresses
from tests.cluster import PARTITIONS, HeroldCluster, fetch_url, wait_until
from tests.conftest import create_temporary_database

TOKEN = "t0ken"
ROUTERS = ("router-1", "router-2")
USERS = [f"u-{number}" for number in range(12)]
DATA = {"order": 17, "name": "Ada", "eta": "tomorrow", "items": ["book"]}


class RunningWorkers(NamedTuple):
    """Two routers and an e-mail worker that have sent an e-mail to each user; the notifications' ids."""

    cluster: HeroldCluster
    ids: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_workers(
    tmp_path_factory: pytest.TempPathFactory, kafka_url: str, postgres_url: str, redis_url: str
) -> AsyncIterator[RunningWorkers]:
    async with create_temporary_database(postgres_url) as database_url:
        home, prefix = tmp_path_factory.mktemp("cluster"), f"t-{uuid.uuid4().hex[:12]}-"
        cluster = HeroldCluster(home, ServerUrls(kafka_url, database_url, redis_url), prefix, HEROLD_WORKER_WEB_TOKEN=TOKEN)
        try:
            await cluster.create_schema()
            await asyncio.gather(
                cluster.start_simulators(), *(cluster.start_worker("router", name) for name in ROUTERS), cluster.start_worker("email")
            )
            ids = await produce_notifications(cluster)
            await cluster.wait_for_metric("email", "herold_deliveries_ended_total", len(USERS))
            await wait_until_written(cluster, "notifications.status")
            await wait_until_written(cluster, "email-attempts-changelog")
            yield RunningWorkers(cluster, ids)
        finally:
            await cluster.close()


async def produce_notifications(cluster: HeroldCluster) -> dict[str, str]:
    """Produce a notification with one e-mail for each user; returns their ids by user."""
    ids = {user: make_id(NOTIFICATION_PREFIX, time.time(), number) for number, user in enumerate(USERS)}
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:
        for user, notification_id in ids.items():
            to = {"email": f"{user}@example.org"}
            value = Notification(user, "order.shipped", id=notification_id, channels=["email"], data=DATA, locale="en", to=to)  # type: ignore[arg-type]
            partition = compute_partition(user, PARTITIONS)
            await producer.send_and_wait(
                f"{cluster.prefix}notifications.high", msgspec.json.encode(value), user.encode(), partition=partition
            )
    return ids


async def wait_until_written(cluster: HeroldCluster, topic: str) -> None:
    """Wait until a topic has as many records as there are users."""

    async def is_written() -> bool:
        return await cluster.count_records(topic) >= len(USERS)

    await wait_until(is_written, 150, f"{len(USERS)} records on {topic}")


def get_json(cluster: HeroldCluster, worker: str, path: str, token: str = TOKEN, method: str = "GET") -> tuple[int, Any]:
    """The status and JSON of a worker's response."""
    try:
        return 200, json.loads(fetch_url(cluster.build_url(worker, path), headers={"Authorization": f"Bearer {token}"}, method=method))
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_every_worker_returns_the_rows_of_every_user(running_workers: RunningWorkers) -> None:
    active_workers: set[str] = set()
    for user, notification_id in running_workers.ids.items():
        rows = [get_json(running_workers.cluster, worker, f"/tables/idempotency/{user}/{notification_id}") for worker in ROUTERS]
        assert rows[0] == rows[1]
        status, row = rows[0]
        assert (status, row["notification_id"], row["partition"]) == (200, notification_id, compute_partition(user, PARTITIONS))
        active_workers.add(row["worker"])
        _, windows = get_json(running_workers.cluster, ROUTERS[1], f"/tables/rate_windows/{user}")
        assert len(windows["channels"]["email"]["entries"]) == 1
    assert active_workers == {running_workers.cluster.build_url(worker, "") for worker in ROUTERS}


async def test_every_worker_lists_the_rows_of_a_user_and_removes_windows(running_workers: RunningWorkers) -> None:
    cluster, user = running_workers.cluster, USERS[5]
    for worker in ROUTERS:
        _, body = get_json(cluster, worker, f"/users/{user}/rows")
        rows = {name: [row.key for row in found] for name, found in msgspec.convert(body, UserRows, strict=False).tables.items()}
        assert rows == {"idempotency": [running_workers.ids[user].encode()], "rate_windows": [b"email"], "digests": []}
    changelog_size = await cluster.count_records("router-rate_windows-changelog")
    assert get_json(cluster, ROUTERS[0], f"/users/{user}/rows/rate_windows/sms", method="DELETE")[1]["keys"] == []
    status, removed = get_json(cluster, ROUTERS[0], f"/users/{user}/rows/rate_windows/email", method="DELETE")
    assert (status, msgspec.convert(removed, RemovedRows, strict=False).keys) == (200, [b"email"])
    assert [get_json(cluster, worker, f"/tables/rate_windows/{user}")[0] for worker in ROUTERS] == [404, 404]
    assert await cluster.count_records("router-rate_windows-changelog") == changelog_size + 1
    assert get_json(cluster, ROUTERS[1], f"/tables/rate_windows/{USERS[6]}")[0] == 200


def test_only_windows_are_removed_and_only_with_the_token(running_workers: RunningWorkers) -> None:
    cluster, path = running_workers.cluster, f"/users/{USERS[7]}/rows"
    assert get_json(cluster, ROUTERS[0], f"{path}/rate_windows", token="another", method="DELETE")[0] == 401
    assert get_json(cluster, ROUTERS[0], path, token="another")[0] == 401
    status, body = get_json(cluster, ROUTERS[0], f"{path}/idempotency", method="DELETE")
    assert (status, b"only those of rate_windows" in body) == (404, True)
    assert get_json(cluster, "email", f"{path}/attempts", method="DELETE")[0] == 404
    assert get_json(cluster, ROUTERS[0], f"/tables/rate_windows/{USERS[7]}")[0] == 200


def test_each_worker_reports_its_partitions_its_tables_and_what_it_produced(running_workers: RunningWorkers) -> None:
    cluster = running_workers.cluster
    bodies = [get_json(cluster, worker, "/report")[1] for worker in (*ROUTERS, "email")]
    first, second, email = (msgspec.convert(body, WorkerReport, strict=False) for body in bodies)
    assert sorted(first.partitions + second.partitions) == list(range(PARTITIONS))
    tables = {table.name: table.row_count for report in (first, second) for table in report.tables}
    assert tables.keys() == {"idempotency", "rate_windows", "digests"}
    rows = sum(table.row_count for report in (first, second) for table in report.tables if table.name == "idempotency")
    assert rows >= len(USERS)
    assert sum(report.produced.get("deliveries.email.high", 0) for report in (first, second)) == len(USERS)
    assert (email.calls, email.produced["notifications.status"]) == (len(USERS), len(USERS))
    assert {(report.activity, report.recovery) for report in (first, second, email)} == {("running", None)}
    assert min(report.memory_bytes for report in (first, second, email)) > 10_000_000
    assert get_json(cluster, "email", "/report", token="another")[0] == 401


async def test_the_workers_are_registered(running_workers: RunningWorkers, redis_url: str) -> None:
    cluster = running_workers.cluster
    redis = RedisClient(redis_url, time.monotonic, cluster.prefix, socket_timeout=2.0)
    try:
        urls = await RedisWorkerAddresses(redis).list_urls("router")
    finally:
        await redis.close()
    assert sorted(urls) == sorted(cluster.build_url(worker, "") for worker in ROUTERS)


def test_requests_that_are_rejected(running_workers: RunningWorkers) -> None:
    router, row = ROUTERS[0], f"/tables/idempotency/u-1/{running_workers.ids['u-1']}"
    assert get_json(running_workers.cluster, router, row, token="another")[0] == 401
    assert get_json(running_workers.cluster, router, row, token="")[0] == 401
    assert get_json(running_workers.cluster, router, "/tables/idempotency/u-1/nothing")[0] == 404
    assert get_json(running_workers.cluster, router, "/tables/idempotency/u-1")[0] == 400
    status, body = get_json(running_workers.cluster, router, "/tables/attempts/u-1/dlv_1")
    assert (status, b"this worker has digests, idempotency, rate_windows" in body) == (404, True)
    for path in ("/table/", "/table/idempotency/", f"/table/idempotency/{urllib.parse.quote('u-1')}/", "/router/", "/router/idempotency/"):
        assert get_json(running_workers.cluster, router, path)[0] == 404, path


def test_the_worker_of_the_channel_returns_an_attempt(running_workers: RunningWorkers) -> None:
    delivery_id = derive_delivery_id(running_workers.ids["u-3"], "u-3", "email", "u-3@example.org")
    status, row = get_json(running_workers.cluster, "email", f"/tables/attempts/u-3/{delivery_id}")
    assert (status, row["outcome"], row["status"], row["next_action"], row["attempt"]) == (200, "ACCEPTED", "SENT", "done", 0)
    assert get_json(running_workers.cluster, "email", "/tables/attempts/u-3/dlv_1")[0] == 400


@pytest.mark.parametrize("worker", [*ROUTERS, "email"])
def test_every_worker_knows_the_time_of_the_brokers(running_workers: RunningWorkers, worker: str) -> None:
    assert abs(running_workers.cluster.read_metric(worker, "herold_clock_error_seconds ")) <= MAX_CLOCK_ERROR
