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

from app.local.stack import Urls
from schemas.ids import NOTIFICATION, delivery_id, new_id, partition_of
from schemas.notification import Notification
from tests.conftest import empty_database
from tests.stand import PARTITIONS, Stand, read, until

TOKEN = "t0ken"
ROUTERS = ("router-1", "router-2")
USERS = [f"u-{number}" for number in range(12)]
DATA = {"order": 17, "name": "Ada", "eta": "tomorrow", "items": ["book"]}


class Told(NamedTuple):
    """Two routers and an e-mail worker that have sent an e-mail to each user; the notifications' ids."""

    stand: Stand
    ids: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory, kafka_url: str, postgres_url: str, redis_url: str) -> AsyncIterator[Told]:
    async with empty_database(postgres_url) as database_url:
        home, prefix = tmp_path_factory.mktemp("stand"), f"t-{uuid.uuid4().hex[:12]}-"
        stand = Stand(home, Urls(kafka_url, database_url, redis_url), prefix, HEROLD_STREAMING_WEB_TOKEN=TOKEN)
        try:
            await stand.prepare()
            await asyncio.gather(stand.twins(), *(stand.worker("router", name) for name in ROUTERS), stand.worker("email"))
            ids = await notify(stand)
            await stand.until_metric("email", "herold_deliveries_total", len(USERS))
            await until_written(stand, "notifications.status")
            await until_written(stand, "email-attempts-changelog")
            yield Told(stand, ids)
        finally:
            await stand.close()


async def notify(stand: Stand) -> dict[str, str]:
    """One e-mail to each user; their notifications' ids."""
    ids = {user: new_id(NOTIFICATION, time.time(), number) for number, user in enumerate(USERS)}
    async with AIOKafkaProducer(bootstrap_servers=stand.urls.kafka) as producer:
        for user, an_id in ids.items():
            to = {"email": f"{user}@example.org"}
            value = Notification(user, "order.shipped", id=an_id, channels=["email"], data=DATA, locale="en", to=to)  # type: ignore[arg-type]
            where = partition_of(user, PARTITIONS)
            await producer.send_and_wait(f"{stand.prefix}notifications.high", msgspec.json.encode(value), user.encode(), partition=where)
    return ids


async def until_written(stand: Stand, topic: str) -> None:
    """Wait until a topic holds a record for each user."""

    async def written() -> bool:
        return await stand.written(topic) >= len(USERS)

    await until(written, 150, f"{len(USERS)} records on {topic}")


def ask(stand: Stand, worker: str, path: str, token: str = TOKEN) -> tuple[int, Any]:
    """The status and JSON that a worker answers."""
    try:
        return 200, json.loads(read(stand.url(worker, path), headers={"Authorization": f"Bearer {token}"}))
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def test_every_worker_shows_every_users_rows(told: Told) -> None:
    owners: set[str] = set()
    for user, an_id in told.ids.items():
        rows = [ask(told.stand, worker, f"/tables/idempotency/{user}/{an_id}") for worker in ROUTERS]
        assert rows[0] == rows[1]
        status, row = rows[0]
        assert (status, row["first_id"], row["partition"]) == (200, an_id, partition_of(user, PARTITIONS))
        owners.add(row["worker"])
        _, windows = ask(told.stand, ROUTERS[1], f"/tables/rate_windows/{user}")
        assert len(windows["channels"]["email"]["admitted"]) == 1
    assert owners == {told.stand.url(worker, "") for worker in ROUTERS}


def test_who_may_ask_and_for_what(told: Told) -> None:
    router, row = ROUTERS[0], f"/tables/idempotency/u-1/{told.ids['u-1']}"
    assert ask(told.stand, router, row, token="another")[0] == 401
    assert ask(told.stand, router, row, token="")[0] == 401
    assert ask(told.stand, router, "/tables/idempotency/u-1/nothing")[0] == 404
    assert ask(told.stand, router, "/tables/idempotency/u-1")[0] == 400
    status, body = ask(told.stand, router, "/tables/attempts/u-1/dlv_1")
    assert (status, b"this worker has idempotency, rate_windows" in body) == (404, True)
    for stock in ("/table/", "/table/idempotency/", f"/table/idempotency/{urllib.parse.quote('u-1')}/", "/router/", "/router/idempotency/"):
        assert ask(told.stand, router, stock)[0] == 404, stock


def test_an_attempt_is_shown_by_the_channels_worker(told: Told) -> None:
    wanted = delivery_id(told.ids["u-3"], "u-3", "email", "u-3@example.org")
    status, row = ask(told.stand, "email", f"/tables/attempts/u-3/{wanted}")
    assert (status, row["outcome"], row["status"], row["follows"], row["attempt"]) == (200, "ACCEPTED", "SENT", "end", 0)
    assert ask(told.stand, "email", "/tables/attempts/u-3/dlv_1")[0] == 400
