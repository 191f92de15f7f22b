"""The outbox: groups records by partition and produces them as whole Kafka batches. That costs 2 us a record; a send of each costs 60."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError, KafkaTimeoutError

from schemas.errors import RecordTooLargeError, UnavailableError
from schemas.ports import Header
from schemas.record_size import BATCH_OVERHEAD, FRAME_OVERHEAD, RECORD_OVERHEAD, compute_batch_size

log = logging.getLogger(__name__)

SizeLimit = Callable[[str], int]  # the most bytes of a batch, by topic
TopicPartition = tuple[str, int]

_NO_HEADERS: list[Header] = []


class WrittenOffsets(NamedTuple):
    """The offsets of the records that a flush wrote to one partition, and their count."""

    first: int
    last: int
    record_count: int


class _PartitionBatch:
    """A batch of one partition; a record of at most `max_payload_bytes` of key and value, without headers, fits its topic."""

    __slots__ = ("append", "builder", "max_bytes", "max_payload_bytes", "record_count", "topic_partition")

    def __init__(self, topic_partition: TopicPartition, max_bytes: int, builder: Any) -> None:
        self.topic_partition, self.max_bytes = topic_partition, max_bytes
        self.max_payload_bytes = max_bytes - BATCH_OVERHEAD - RECORD_OVERHEAD - FRAME_OVERHEAD
        self.builder, self.record_count = builder, 0
        # aiokafka's layers above its own builder cost as much as the builder. They also count the records, which `close` makes up for.
        self.append = builder._builder.append

    def close(self) -> tuple[TopicPartition, Any]:
        """The partition, and the builder with its record count set."""
        self.builder._relative_offset = self.record_count
        return self.topic_partition, self.builder


class BatchOutbox:
    """Collects records and produces them with one flush."""

    def __init__(self, producer: Any, size_limit: SizeLimit, generation: int = 0) -> None:
        """`producer`: an AIOKafkaProducer; `size_limit`: bytes of a batch, by topic; `generation`: the group's when this was created."""
        self.generation = generation
        self._producer = producer
        self._size_limit = size_limit
        self._open_batches: dict[TopicPartition, _PartitionBatch] = {}
        self._full_batches: list[_PartitionBatch] = []

    def __len__(self) -> int:
        return sum(batch.record_count for batch in (*self._full_batches, *self._open_batches.values()))

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Add a record. Raises RecordTooLargeError, without effect on other records, if its topic cannot take it."""
        topic_partition = topic, partition
        batch = self._open_batches.get(topic_partition) or self._open_batch(topic_partition)
        header_list = list(headers) if headers else _NO_HEADERS
        if header_list or len(key or b"") + len(value or b"") > batch.max_payload_bytes:
            size = compute_batch_size(key, value, header_list)
            if size > batch.max_bytes:
                raise RecordTooLargeError(topic, size, batch.max_bytes)
        # None: the batch is full. The first record of a batch always fits.
        if batch.append(batch.record_count, None, key, value, header_list) is None:
            self._full_batches.append(batch)
            batch = self._open_batch(topic_partition)
            batch.append(0, None, key, value, header_list)
        batch.record_count += 1

    def _open_batch(self, topic_partition: TopicPartition) -> _PartitionBatch:
        batch = _PartitionBatch(topic_partition, self._size_limit(topic_partition[0]), self._producer.create_batch())
        self._open_batches[topic_partition] = batch
        return batch

    async def flush(self) -> dict[TopicPartition, WrittenOffsets]:
        """Produce all records and wait until all in-sync replicas have them; returns the offsets written to each partition."""
        batches = [batch.close() for batch in (*self._full_batches, *self._open_batches.values()) if batch.record_count]
        self._open_batches, self._full_batches = {}, []
        if not batches:
            return {}
        futures = [await self._send_batch(builder, topic_partition) for topic_partition, builder in batches]
        written: dict[TopicPartition, WrittenOffsets] = {}
        for (topic_partition, builder), metadata in zip(batches, await _gather_metadata(futures), strict=True):
            count = builder.record_count()
            before = written.get(topic_partition)
            first = before.first if before else metadata.offset
            written[topic_partition] = WrittenOffsets(first, metadata.offset + count - 1, count + (before.record_count if before else 0))
        return written

    async def _send_batch(self, builder: Any, topic_partition: TopicPartition) -> asyncio.Future[Any]:
        # On KafkaTimeoutError the batch was not queued, because the batch before it on this partition is not sent yet: it can be queued
        # again. The idempotent producer itself retries queued batches without limit.
        while True:
            try:
                future: asyncio.Future[Any] = await self._producer.send_batch(builder, topic_partition[0], partition=topic_partition[1])
                return future
            except KafkaTimeoutError:
                log.warning("%s partition %d accepts no records; outputs stay in memory and no batch is acknowledged", *topic_partition)


async def _gather_metadata(futures: Sequence[asyncio.Future[Any]]) -> list[Any]:
    """The metadata of all batches; awaits every future even if one fails, so that no error is ignored."""
    results = await asyncio.gather(*futures, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return list(results)


class UnbatchedOutbox:
    """Implements schemas.ports.FlushedOutbox: for records that do not come from a batch, so that no generation fences them."""

    def __init__(self, outbox: BatchOutbox) -> None:
        self._outbox = outbox
        self.add = outbox.add

    async def flush(self) -> None:
        """Produce all records and wait until all in-sync replicas have them. Raises UnavailableError; some may be produced then."""
        try:
            await self._outbox.flush()
        except KafkaError as error:
            raise UnavailableError(f"Kafka does not take the records: {type(error).__name__}: {error}".rstrip(": ")) from error
