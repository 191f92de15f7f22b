"""The implementations of the streaming ports: in memory, and on a real broker with RocksDB."""

import asyncio
from asyncio import Future
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.streaming.application import add_table, build_stream_app
from app.streaming.commit.committers import CommitEngine, PipelinedCommitter, PipelinedOutbox
from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.pipeline import PipelinePolicy
from schemas.ports import BatchCommitter, OrderedTable, SharedOutbox
from tests.memory_streaming import MemoryBatchCommitter, MemoryKafka, MemorySharedOutbox, MemoryTable
from tests.unit.app.streaming.app_builder import build_settings
from tests.unit.app.streaming.fake_membership import FakeMembership

MAX_RECORD_BYTES = 10_000
OUTPUT_TOPIC = "out"
RecordTuple = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]


class StreamingBackend(Protocol):
    """One implementation of the ports, with a topic `out`, a table, and a way to lose partitions."""

    table: OrderedTable
    committer: BatchCommitter
    shared_outbox: SharedOutbox

    async def wait_until_committed(self) -> None:
        """Wait until the shared outbox has committed everything."""
        ...

    async def read_records(self, partition: int) -> Sequence[RecordTuple]:
        """Key, value and headers of the records in `out`."""
        ...

    def lose_partition(self, partition: int) -> None:
        """Assign the partition to another worker."""
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
        fence = GenerationFence(lambda: self._membership, session_timeout=15.0, monotonic=lambda: 1.0)
        self.failures: list[BaseException] = []
        self.table = table
        committer_policy = PipelinePolicy(row_linger=0.0)
        outbox_policy = PipelinePolicy(row_linger=0.0, group_linger=0.0, max_size=1000, keep_fenced_outputs=True)
        engines = [
            CommitEngine(lambda: producer, lambda topic: MAX_RECORD_BYTES, fence, policy, self.failures.append)
            for policy in (committer_policy, outbox_policy)
        ]
        self.committer = _PrefixingCommitter(PipelinedCommitter(engines[0]), prefix)
        self._outbox_engine = engines[1]
        self.shared_outbox = _PrefixingOutbox(PipelinedOutbox(engines[1], table), prefix)

    async def wait_until_committed(self) -> None:
        async with asyncio.timeout(60):
            while any(pipeline._open_group or pipeline._task for pipeline in self._outbox_engine._pipelines.values()):
                await asyncio.sleep(0.001)
        assert self.failures == []

    async def read_records(self, partition: int) -> Sequence[RecordTuple]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka, auto_offset_reset="earliest", enable_auto_commit=False)
        await consumer.start()
        try:
            topic_partition = TopicPartition(self._topic, partition)
            consumer.assign([topic_partition])
            end_offset = (await consumer.end_offsets([topic_partition]))[topic_partition]
            records: list[RecordTuple] = []
            while len(records) < end_offset:
                record = await consumer.getone()
                records.append((record.key, record.value, tuple(record.headers)))
            return records
        finally:
            await consumer.stop()

    def lose_partition(self, partition: int) -> None:
        self._membership.partitions.discard(partition)
        self._membership.lose_membership()


class _PrefixingOutbox:
    """Adds the test's prefix to topic names."""

    def __init__(self, outbox: Any, prefix: str) -> None:
        self.inner, self._prefix = outbox, prefix

    def add(self, topic: str, *args: Any) -> None:
        self.inner.add(self._prefix + topic, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class _PrefixingCommitter:
    def __init__(self, committer: PipelinedCommitter, prefix: str) -> None:
        self._committer, self._prefix = committer, prefix

    def create_outbox(self, partition: int) -> Any:
        return _PrefixingOutbox(self._committer.create_outbox(partition), self._prefix)

    def commit(self, partition: int, outbox: Any, rows: Any, claims: Any = ()) -> Future[None]:
        return self._committer.commit(partition, outbox.inner, rows, claims)


@asynccontextmanager
async def open_kafka_backend(kafka: str, prefix: str, folder: Path) -> AsyncIterator[KafkaBackend]:
    """The real implementations, with an idempotent producer."""
    app = build_stream_app(build_settings(folder, app_id=f"{prefix}contract", bootstrap_servers=kafka, topic_partitions=2))
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
