"""A fake of aiokafka's producer: real batch builders, a log in memory, and faults on demand."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from tests.fakes import TopicRecord


class FakeRecordMetadata(NamedTuple):
    """The broker's response to a batch: the offset of its first record, and when it was appended (LogAppendTime)."""

    offset: int
    timestamp: int = 0
    timestamp_type: int = 1


class FakeBatchProducer:
    """Takes batches as AIOKafkaProducer does. `before_send` and `before_ack` may raise, as the broker would."""

    def __init__(self, batch_bytes: int = 4096) -> None:
        self.log: dict[tuple[str, int], list[TopicRecord]] = defaultdict(list)
        self.sends: list[tuple[str, int]] = []
        self.before_send: Callable[[str], None] = lambda topic: None
        self.before_ack: Callable[[str], None] = lambda topic: None
        self.acks_allowed = asyncio.Event()
        self.acks_allowed.set()
        self.leaderless_partitions: set[tuple[str, int]] = set()  # nothing is acknowledged there, not even later
        self.append_time = 0  # milliseconds
        self._batch_bytes = batch_bytes

    def create_batch(self) -> BatchBuilder:
        """An empty batch of the producer's size."""
        return BatchBuilder(self._batch_bytes, 0)

    async def send_batch(self, builder: Any, topic: str, *, partition: int) -> asyncio.Future[FakeRecordMetadata]:
        """Queue a batch; the future resolves when it is acknowledged."""
        self.before_send(topic)
        self.sends.append((topic, partition))
        return asyncio.ensure_future(self._acknowledge(builder, topic, partition))

    async def _acknowledge(self, builder: Any, topic: str, partition: int) -> FakeRecordMetadata:
        await self.acks_allowed.wait()
        if (topic, partition) in self.leaderless_partitions:
            await asyncio.Event().wait()
        self.before_ack(topic)
        log = self.log[topic, partition]
        first = len(log)
        log.extend(_decode_records(bytes(builder._build())))
        return FakeRecordMetadata(first, self.append_time)


def _decode_records(buffer: bytes) -> list[TopicRecord]:
    records = []
    batches = MemoryRecords(buffer)
    while batches.has_next():
        records += [TopicRecord(record.key, record.value, tuple(record.headers)) for record in batches.next_batch()]
    return records
