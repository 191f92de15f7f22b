"""The table views of real workers: decoded rows behind a token, also when the wrong worker is asked; Faust's own views are off."""

import asyncio
import json
import time
import urllib.error
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from app.local.stack import Urls
from schemas.ids import NOTIFICATION, delivery_id, new_id, partition_of
from schemas.notification import Notification
from tests.stand import PARTITIONS, Stand, read, until

TOKEN = "t0ken"
USERS = [f"u-{number}" for number in range(12)]
DATA = {"order": 17, "name": "Ada", "eta": "tomorrow", "items": ["book"]}


@pytest.fixture
async def stand(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[Stand]:
    made = Stand(tmp_path, Urls(kafka_url, database_url, redis_url), prefix, HEROLD_STREAMING_WEB_TOKEN=TOKEN)
    try:
        await made.prepare()
        yield made
    finally:
        await made.close()


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

    await until(written, 30, f"{len(USERS)} records on {topic}")


def ask(stand: Stand, worker: str, path: str, token: str = TOKEN) -> tuple[int, Any]:
    """The status and JSON that a worker answers."""
    try:
        return 200, json.loads(read(stand.url(worker, path), headers={"Authorization": f"Bearer {token}"}))
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


async def test_every_worker_shows_every_users_rows(stand: Stand) -> None:
    await asyncio.gather(stand.worker("router", "router-1"), stand.worker("router", "router-2"))
    ids = await notify(stand)
    await until_written(stand, "notifications.status")
    owners: set[str] = set()
    for user, an_id in ids.items():
        rows = [ask(stand, worker, f"/tables/idempotency/{user}/{an_id}") for worker in ("router-1", "router-2")]
        assert rows[0] == rows[1]
        status, row = rows[0]
        assert (status, row["first_id"], row["partition"]) == (200, an_id, partition_of(user, PARTITIONS))
        owners.add(row["worker"])
        _, windows = ask(stand, "router-2", f"/tables/rate_windows/{user}")
        assert len(windows["channels"]["email"]["admitted"]) == 1
    assert owners == {stand.url(worker, "") for worker in ("router-1", "router-2")}


async def test_who_may_ask_and_for_what(stand: Stand) -> None:
    await stand.worker("router")
    ids = await notify(stand)
    await until_written(stand, "notifications.status")
    row = f"/tables/idempotency/u-1/{ids['u-1']}"
    assert ask(stand, "router", row, token="another")[0] == 401
    assert ask(stand, "router", row, token="")[0] == 401
    assert ask(stand, "router", "/tables/idempotency/u-1/nothing")[0] == 404
    assert ask(stand, "router", "/tables/idempotency/u-1")[0] == 400
    status, body = ask(stand, "router", "/tables/attempts/u-1/dlv_1")
    assert (status, b"this worker has idempotency, rate_windows" in body) == (404, True)
    for stock in ("/table/", "/table/idempotency/", f"/table/idempotency/{urllib.parse.quote('u-1')}/", "/router/", "/router/idempotency/"):
        assert ask(stand, "router", stock)[0] == 404, stock


async def test_an_attempt_is_shown_by_the_channels_worker(stand: Stand) -> None:
    await stand.twins()
    await asyncio.gather(stand.worker("router"), stand.worker("email"))
    ids = await notify(stand)
    await stand.until_metric("email", "herold_deliveries_total", len(USERS))
    await until_written(stand, "email-attempts-changelog")
    wanted = delivery_id(ids["u-3"], "u-3", "email", "u-3@example.org")
    status, row = ask(stand, "email", f"/tables/attempts/u-3/{wanted}")
    assert (status, row["outcome"], row["status"], row["follows"], row["attempt"]) == (200, "ACCEPTED", "SENT", "end", 0)
    assert ask(stand, "email", "/tables/attempts/u-3/dlv_1")[0] == 400
