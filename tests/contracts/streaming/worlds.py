"""The implementations of the streaming ports: in memory, and on a real broker with RocksDB."""

from asyncio import Future
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.streaming.application import add_table, build
from app.streaming.commit import BatchCommit
from app.streaming.ownership import Ownership
from app.streaming.settings import StreamSettings
from app.streaming.shared_outbox import GroupCommit
from schemas.ports import Commit, SharedOutbox, Table
from tests.memory import MemoryCommit, MemoryKafka, MemorySharedOutbox, MemoryTable
from tests.unit.app.streaming.members import MembersTwin

LIMIT = 10_000
OUT = "out"
Found = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]


class World(Protocol):
    """One implementation, with a topic `out` and a table, and the power to lose partitions."""

    table: Table
    commit: Commit
    shared: SharedOutbox

    async def settle(self) -> None:
        """Until the shared outbox has committed what it holds."""
        ...

    async def written(self, partition: int) -> Sequence[Found]:
        """Key, value and headers of the records in `out`."""
        ...

    def lose(self, partition: int) -> None:
        """Another worker takes the partition over."""
        ...


class MemoryWorld:
    def __init__(self) -> None:
        self.kafka = MemoryKafka(limit=LIMIT)
        self.table = MemoryTable("seen")
        self.commit = MemoryCommit(self.kafka)
        self.shared = MemorySharedOutbox(self.kafka, self.table)

    async def settle(self) -> None:
        await self.shared.settle()

    async def written(self, partition: int) -> Sequence[Found]:
        return [(record.key, record.value, record.headers) for record in self.kafka.records(OUT, partition)]

    def lose(self, partition: int) -> None:
        self.kafka.lost.add(partition)
        self.shared.lose()


class KafkaWorld:
    def __init__(self, kafka: str, prefix: str, producer: Any, table: Any) -> None:
        self._kafka, self._topic = kafka, prefix + OUT
        self._members = MembersTwin()
        ownership = Ownership(self._members, session=15.0, now=lambda: 1.0)
        self.failures: list[BaseException] = []
        self.table = table
        commit = BatchCommit(lambda: producer, lambda topic: LIMIT, ownership, linger=0.0, on_failure=self.failures.append)
        self.commit = _Prefixed(commit, prefix)
        group = GroupCommit(lambda: producer, lambda topic: LIMIT, ownership, table, linger=0.0, most=1000, on_failure=self.failures.append)
        self._group = group
        self.shared = _PrefixedOutbox(group, prefix)

    async def settle(self) -> None:
        while self._group._task is not None:
            await self._group._task
        assert self.failures == []

    async def written(self, partition: int) -> Sequence[Found]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka, auto_offset_reset="earliest", enable_auto_commit=False)
        await consumer.start()
        try:
            place = TopicPartition(self._topic, partition)
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            found: list[Found] = []
            while len(found) < end:
                record = await consumer.getone()
                found.append((record.key, record.value, tuple(record.headers)))
            return found
        finally:
            await consumer.stop()

    def lose(self, partition: int) -> None:
        self._members.partitions.discard(partition)
        self._members.lose()


class _PrefixedOutbox:
    """Adds the test's prefix to topics."""

    def __init__(self, outbox: Any, prefix: str) -> None:
        self.inner, self._prefix = outbox, prefix

    def add(self, topic: str, *args: Any) -> None:
        self.inner.add(self._prefix + topic, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class _Prefixed:
    def __init__(self, commit: BatchCommit, prefix: str) -> None:
        self._commit, self._prefix = commit, prefix

    def outbox(self, partition: int) -> Any:
        return _PrefixedOutbox(self._commit.outbox(partition), self._prefix)

    def commit(self, partition: int, outbox: Any, rows: Any, claims: Any = ()) -> Future[None]:
        return self._commit.commit(partition, outbox.inner, rows, claims)


@asynccontextmanager
async def kafka_world(kafka: str, prefix: str, folder: Path) -> AsyncIterator[KafkaWorld]:
    """The real ones, over an idempotent producer."""
    app = build(StreamSettings(app_id=f"{prefix}contract", broker=kafka, datadir=folder, partitions=2))
    table = add_table(app, "seen")
    app.conf.tabledir.mkdir(parents=True)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, compression_type="lz4")
    await admin.start()
    await producer.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1) for name in (prefix + OUT, table.changelog)])
        yield KafkaWorld(kafka, prefix, producer, table)
    finally:
        table.data._dbs.clear()
        await producer.stop()
        await admin.close()
