"""The implementations of the streaming ports: in memory, and on a real broker with RocksDB."""

from asyncio import Future
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.streaming.application import add_table, build_stream_app
from app.streaming.commit.committer import PipelinedCommitter
from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.shared_outbox import GroupCommitOutbox
from app.streaming.settings import StreamSettings
from schemas.ports import BatchCommitter, SharedOutbox, Table
from tests.memory_streaming import MemoryBatchCommitter, MemoryKafka, MemorySharedOutbox, MemoryTable
from tests.unit.app.streaming.fake_membership import FakeMembership

MAX_RECORD_BYTES = 10_000
OUTPUT_TOPIC = "out"
RecordTuple = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]


class StreamingBackend(Protocol):
    """One implementation, with a topic `out` and a table, and the power to lose partitions."""

    table: Table
    committer: BatchCommitter
    shared_outbox: SharedOutbox

    async def wait_until_committed(self) -> None:
        """Until the shared outbox has committed what it holds."""
        ...

    async def read_records(self, partition: int) -> Sequence[RecordTuple]:
        """Key, value and headers of the records in `out`."""
        ...

    def lose_partition(self, partition: int) -> None:
        """Another worker takes the partition over."""
        ...


class MemoryBackend:
    def __init__(self) -> None:
        self.kafka = MemoryKafka(max_record_bytes=MAX_RECORD_BYTES)
        self.table = MemoryTable("seen")
        self.committer = MemoryBatchCommitter(self.kafka)
        self.shared_outbox = MemorySharedOutbox(self.kafka, self.table)

    async def wait_until_committed(self) -> None:
        await self.shared_outbox.commit()

    async def read_records(self, partition: int) -> Sequence[RecordTuple]:
        return [(record.key, record.value, record.headers) for record in self.kafka.get_records(OUTPUT_TOPIC, partition)]

    def lose_partition(self, partition: int) -> None:
        self.kafka.lost_partitions.add(partition)
        self.shared_outbox.discard_uncommitted()


class KafkaBackend:
    def __init__(self, kafka: str, prefix: str, producer: Any, table: Any) -> None:
        self._kafka, self._topic = kafka, prefix + OUTPUT_TOPIC
        self._membership = FakeMembership()
        ownership = GenerationFence(self._membership, session_timeout=15.0, monotonic=lambda: 1.0)
        self.failures: list[BaseException] = []
        self.table = table
        commit = PipelinedCommitter(
            lambda: producer, lambda topic: MAX_RECORD_BYTES, ownership, linger=0.0, on_failure=self.failures.append
        )
        self.committer = _PrefixingCommitter(commit, prefix)
        group = GroupCommitOutbox(
            lambda: producer,
            lambda topic: MAX_RECORD_BYTES,
            ownership,
            table,
            linger=0.0,
            max_records=1000,
            on_failure=self.failures.append,
        )
        self._group_outbox = group
        self.shared_outbox = _PrefixingOutbox(group, prefix)

    async def wait_until_committed(self) -> None:
        while self._group_outbox._task is not None:
            await self._group_outbox._task
        assert self.failures == []

    async def read_records(self, partition: int) -> Sequence[RecordTuple]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka, auto_offset_reset="earliest", enable_auto_commit=False)
        await consumer.start()
        try:
            place = TopicPartition(self._topic, partition)
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            found: list[RecordTuple] = []
            while len(found) < end:
                record = await consumer.getone()
                found.append((record.key, record.value, tuple(record.headers)))
            return found
        finally:
            await consumer.stop()

    def lose_partition(self, partition: int) -> None:
        self._membership.partitions.discard(partition)
        self._membership.lose_membership()


class _PrefixingOutbox:
    """Adds the test's prefix to topics."""

    def __init__(self, outbox: Any, prefix: str) -> None:
        self.inner, self._prefix = outbox, prefix

    def add(self, topic: str, *args: Any) -> None:
        self.inner.add(self._prefix + topic, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class _PrefixingCommitter:
    def __init__(self, commit: PipelinedCommitter, prefix: str) -> None:
        self._commit, self._prefix = commit, prefix

    def create_outbox(self, partition: int) -> Any:
        return _PrefixingOutbox(self._commit.create_outbox(partition), self._prefix)

    def commit(self, partition: int, outbox: Any, rows: Any, claims: Any = ()) -> Future[None]:
        return self._commit.commit(partition, outbox.inner, rows, claims)


@asynccontextmanager
async def open_kafka_backend(kafka: str, prefix: str, folder: Path) -> AsyncIterator[KafkaBackend]:
    """The real ones, over an idempotent producer."""
    app = build_stream_app(StreamSettings(app_id=f"{prefix}contract", bootstrap_servers=kafka, datadir=folder, topic_partitions=2))
    table = add_table(app, "seen")
    app.conf.tabledir.mkdir(parents=True)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, compression_type="lz4")
    await admin.start()
    await producer.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1) for name in (prefix + OUTPUT_TOPIC, table.changelog_topic_name)])
        yield KafkaBackend(kafka, prefix, producer, table)
    finally:
        table.data._dbs.clear()
        await producer.stop()
        await admin.close()
