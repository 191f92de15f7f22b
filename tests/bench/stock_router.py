"""The router on stock Faust, for comparison: one record per event, with Faust's own tables, topics and changelogs.

The decisions are those of the product's `Router`. Its ports are stock Faust: `table[key]`, and `topic.send` for each output without
waiting for the acknowledgement, as a Faust agent usually does. Run: faust -A tests.bench.stock_router worker (settings as for any role).
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import faust

from agents.router.parking import ParkingLimits
from agents.router.router import Router
from app.settings import load_settings
from app.topology import get_role_spec
from schemas.ports import Batch, Header, Outbox, Table, TableRows
from schemas.profile import Profile
from tables.postgres.database import Database
from tables.postgres.policy import CachedPolicyReader, PostgresPolicyLoader
from tests.fakes import FakeRecord
from tests.memory_streaming import iterate_batches

settings = load_settings()
kafka = settings.kafka
DATA_DIR = Path(settings.worker.data_dir) / "stock"
DATA_DIR.mkdir(parents=True, exist_ok=True)
RAW_SERIALIZERS: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}

app = faust.App(
    f"{kafka.topic_prefix}stock",
    broker=f"kafka://{settings.kafka.bootstrap_servers}",
    store="rocksdb://",
    datadir=str(DATA_DIR),
    topic_partitions=kafka.topic_partitions,
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
    """Implements the router's table port with a Faust table, one row at a time."""

    def __init__(self, name: str) -> None:
        self.name = name
        options = {"driver": "rocksdict"}
        self.table = app.Table(name, key_type=bytes, value_type=bytes, partitions=kafka.topic_partitions, options=options)

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return [self.table.get(key) for key in keys]


class StockOutbox:
    """Collects outputs until the commit."""

    def __init__(self) -> None:
        self.records: list[tuple[str, int, bytes | None, bytes | None]] = []

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        self.records.append((topic, partition, key, value))


class StockCommitter:
    """Sends the outputs and sets the rows one at a time."""

    topics: ClassVar[dict[str, Any]] = {
        name: app.topic(kafka.topic_prefix + name, **RAW_SERIALIZERS) for name in get_role_spec("router").sink_topics
    }

    def create_outbox(self, partition: int) -> StockOutbox:
        return StockOutbox()

    def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, TableRows]], claims: Sequence[tuple[Table, TableRows]] = ()
    ) -> asyncio.Future[None]:
        return asyncio.ensure_future(self._commit(outbox, [*claims, *rows]))

    async def _commit(self, outbox: Outbox, changed_rows: Sequence[tuple[Table, TableRows]]) -> None:
        assert isinstance(outbox, StockOutbox)
        for topic, partition, key, value in outbox.records:
            await self.topics[topic.removeprefix(kafka.topic_prefix)].send(key=key, value=value, partition=partition)
        for table, table_rows in changed_rows:
            for key, row in table_rows.items():
                table.table[key] = row  # type: ignore[attr-defined]


class UnusedProfileReader:
    """The benchmark's notifications contain their addresses and locale."""

    async def get_many(self, user_ids: Any) -> dict[str, Profile]:
        raise AssertionError("no profile is needed")


policy = CachedPolicyReader(PostgresPolicyLoader(Database(settings.postgres.url, settings.postgres.pool_max_size)).load, time.time)
tables = [StockTable("idempotency"), StockTable("rate_windows")]
committer = StockCommitter()
router = Router(
    policy,
    UnusedProfileReader(),
    tables[0],
    tables[1],
    committer,
    time.time,
    kafka.topic_partitions,
    kafka.topic_prefix,
    asyncio.sleep,
    lambda batch: None,
    ParkingLimits(1, 1),
)


@app.agent(app.topic(kafka.topic_prefix + "notifications.low", **RAW_SERIALIZERS), name="stock-router")
async def route_records(stream: Any) -> None:
    """Route one record per event."""
    while not await policy.refresh():
        await asyncio.sleep(0.1)
    app.producer.buffer.max_messages = 20_000
    async for event in stream.events():
        await router.run(iterate_batches(build_batch(event.message)))


def build_batch(message: Any) -> Batch:
    """Build a batch of a single record."""
    record = FakeRecord(message.offset, int(message.timestamp * 1000), message.key, message.value)
    return Batch(message.topic, message.partition, [record])
