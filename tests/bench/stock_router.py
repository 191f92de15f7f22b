"""The router's step on stock Faust: one record per event, Faust's own tables, topics and changelogs; for comparison only.

The decisions are the product's own `Router`; only its ports are stock: `table[key]`, and `topic.send` for each output, not awaited
until delivery, as a Faust agent usually does it. Run: faust -A tests.bench.stock_router worker (settings as any role).
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import faust

from agents.router.router import Router
from app.settings import load
from app.topology import stage_of
from schemas.ports import Batch, Header, Outbox, Rows, Table
from schemas.rules import Profile
from tables.postgres.policies import CurrentPolicy, PolicyStore
from tables.postgres.pool import Database

settings = load()
herold = settings.herold
DATA = Path(herold.data_dir) / "stock"
DATA.mkdir(parents=True, exist_ok=True)
RAW: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}

app = faust.App(
    f"{herold.topic_prefix}stock",
    broker=f"kafka://{settings.kafka.bootstrap_servers}",
    store="rocksdb://",
    datadir=str(DATA),
    topic_partitions=herold.partitions,
    topic_replication_factor=1,
    topic_disable_leader=True,
    broker_commit_interval=1.0,
    broker_commit_every=1_000_000,
    broker_session_timeout=15,
    broker_request_timeout=60,
    broker_max_poll_records=500,
    stream_buffer_maxsize=16384,
    producer_acks=-1,
    producer_linger=0.005,
    producer_max_batch_size=256 * 1024,
    producer_compression_type="lz4",
    table_standby_replicas=0,
    consumer_auto_offset_reset="earliest",
    web_enabled=False,
    worker_redirect_stdouts=False,
)


class StockTable:
    """A Faust table behind the router's port, one row at a time."""

    def __init__(self, name: str) -> None:
        self.name = name
        options = {"driver": "rocksdict"}
        self.table = app.Table(name, key_type=bytes, value_type=bytes, partitions=herold.partitions, options=options)

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return [self.table.get(key) for key in keys]


class StockOutbox:
    """Outputs until the commit."""

    def __init__(self) -> None:
        self.records: list[tuple[str, int, bytes | None, bytes | None]] = []

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        self.records.append((topic, partition, key, value))


class StockCommit:
    """Sends each output by itself and sets each row by itself."""

    topics: ClassVar[dict[str, Any]] = {name: app.topic(herold.topic_prefix + name, **RAW) for name in stage_of("router").writes}

    def outbox(self, partition: int) -> StockOutbox:
        return StockOutbox()

    def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, Rows]], claims: Sequence[tuple[Table, Rows]] = ()
    ) -> asyncio.Future[None]:
        return asyncio.ensure_future(self._commit(outbox, [*claims, *rows]))

    async def _commit(self, outbox: Outbox, changed_rows: Sequence[tuple[Table, Rows]]) -> None:
        assert isinstance(outbox, StockOutbox)
        for topic, where, key, value in outbox.records:
            await self.topics[topic.removeprefix(herold.topic_prefix)].send(key=key, value=value, partition=where)
        for table, changed in changed_rows:
            for key, row in changed.items():
                table.table[key] = row  # type: ignore[attr-defined]


class NoProfiles:
    """The bench's notifications bring their addresses and locale."""

    async def get_many(self, user_ids: Any) -> dict[str, Profile]:
        raise AssertionError("no profile is needed")


policy = CurrentPolicy(PolicyStore(Database(settings.postgres.url)).load)
tables = [StockTable("idempotency"), StockTable("rate_windows")]
commit = StockCommit()
router = Router(
    policy, NoProfiles(), tables[0], tables[1], commit, time.time, herold.partitions, herold.topic_prefix, asyncio.sleep, lambda batch: None
)


@app.agent(app.topic(herold.topic_prefix + "notifications.low", **RAW), name="stock-router")
async def stock(stream: Any) -> None:
    """Route record by record."""
    while not await policy.refresh():
        await asyncio.sleep(0.1)
    app.producer.buffer.max_messages = 20_000
    async for event in stream.events():
        await (await router.route(one_record(event.message), lambda: None))


def one_record(message: Any) -> Batch:
    """A batch of a single record."""
    record = Single(message.offset, int(message.timestamp * 1000), message.key, message.value)
    return Batch(message.topic, message.partition, [record])


class Single:
    """A record as the router reads it."""

    __slots__ = ("headers", "key", "offset", "timestamp", "value")

    def __init__(self, offset: int, timestamp: int, key: bytes, value: bytes) -> None:
        self.offset, self.timestamp, self.key, self.value, self.headers = offset, timestamp, key, value, ()
