"""The outbox: records grouped by partition and produced as whole Kafka batches, some 2 us a record instead of 60 for a send each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from aiokafka.errors import KafkaTimeoutError

from schemas.errors import RecordTooLargeError
from schemas.ports import Header
from schemas.record_size import BATCH_OVERHEAD, FRAME_OVERHEAD, RECORD_OVERHEAD, compute_batch_size

log = logging.getLogger(__name__)

SizeLimit = Callable[[str], int]
TopicPartition = tuple[str, int]

_NO_HEADERS: list[Header] = []


class WrittenOffsets(NamedTuple):
    """The offsets that a flush gave to the records of one partition, and how many they are."""

    first: int
    last: int
    record_count: int


class _PartitionBatch:
    """The batch that is open for a partition; `room`: the most bytes of key and value that surely fit its topic."""

    __slots__ = ("append", "builder", "max_bytes", "max_payload_bytes", "record_count", "topic_partition")

    def __init__(self, topic_partition: TopicPartition, max_bytes: int, builder: Any) -> None:
        self.topic_partition, self.max_bytes, self.max_payload_bytes = (
            topic_partition,
            max_bytes,
            max_bytes - BATCH_OVERHEAD - RECORD_OVERHEAD - FRAME_OVERHEAD,
        )
        self.builder, self.record_count = builder, 0
        # The layers of aiokafka above its own builder cost as much as what that does. They also count the records: `closed` tells them.
        self.append = builder._builder.append

    def close(self) -> tuple[TopicPartition, Any]:
        """The slot and its batch, which is told how many records it has."""
        self.builder._relative_offset = self.record_count
        return self.topic_partition, self.builder


class BatchOutbox:
    """Collects records and produces them with one flush; raises RecordTooLarge before a record joins a batch that it would spoil."""

    def __init__(self, producer: Any, size_limit: SizeLimit, generation: int = 0) -> None:
        """`producer`: an AIOKafkaProducer; `limit`: the most bytes of a batch for a topic; `generation`: of the group when it was made."""
        self.generation = generation
        self._producer = producer
        self._size_limit = size_limit
        self._open_batches: dict[TopicPartition, _PartitionBatch] = {}
        self._full_batches: list[_PartitionBatch] = []

    def __len__(self) -> int:
        return sum(line.record_count for line in (*self._full_batches, *self._open_batches.values()))

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Add a record. Raises RecordTooLarge for one that its topic cannot take."""
        slot = topic, partition
        line = self._open_batches.get(slot) or self._open_batch(slot)
        given = list(headers) if headers else _NO_HEADERS
        if given or len(key or b"") + len(value or b"") > line.max_payload_bytes:
            size = compute_batch_size(key, value, given)
            if size > line.max_bytes:
                raise RecordTooLargeError(topic, size, line.max_bytes)
        # If it does not fit, the line is full; a line's first record always fits.
        if line.append(line.record_count, None, key, value, given) is None:
            self._full_batches.append(line)
            line = self._open_batch(slot)
            line.append(0, None, key, value, given)
        line.record_count += 1

    def _open_batch(self, topic_partition: TopicPartition) -> _PartitionBatch:
        line = self._open_batches[topic_partition] = _PartitionBatch(
            topic_partition, self._size_limit(topic_partition[0]), self._producer.create_batch()
        )
        return line

    async def flush(self) -> dict[TopicPartition, WrittenOffsets]:
        """Produce everything and wait until all in-sync replicas have it; gives the offsets written to each partition."""
        work = [line.close() for line in (*self._full_batches, *self._open_batches.values()) if line.record_count]
        self._open_batches, self._full_batches = {}, []
        if not work:
            return {}
        sent = [await self._send_batch(builder, slot) for slot, builder in work]
        written: dict[TopicPartition, WrittenOffsets] = {}
        for (slot, builder), metadata in zip(work, await _gather_metadata(sent), strict=True):
            count = builder.record_count()
            before = written.get(slot)
            first = before.first if before else metadata.offset
            written[slot] = WrittenOffsets(first, metadata.offset + count - 1, count + (before.record_count if before else 0))
        return written

    async def _send_batch(self, builder: Any, topic_partition: TopicPartition) -> asyncio.Future[Any]:
        # The batch before it on this partition is not out yet and Kafka does not answer: our batch was not queued, so it can wait again.
        # The idempotent producer itself repeats what is queued for as long as it takes.
        while True:
            try:
                future: asyncio.Future[Any] = await self._producer.send_batch(builder, topic_partition[0], partition=topic_partition[1])
                return future
            except KafkaTimeoutError:
                log.warning(
                    "%s partition %d takes no records now; what was decided waits in memory, nothing is acknowledged", *topic_partition
                )


async def _gather_metadata(futures: Sequence[asyncio.Future[Any]]) -> list[Any]:
    """The metadata of all; every future is awaited even if one fails, so that no error goes unseen."""
    results = await asyncio.gather(*futures, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return list(results)
