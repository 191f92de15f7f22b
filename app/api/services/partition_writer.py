"""Writes the records of one partition in whole Kafka batches: records of concurrent requests share a batch (group commit)."""

import asyncio
from collections import deque
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.api.ports import ProducerRecord
from app.api.services.producer_connection import ProducerConnection
from schemas.ports import Clock

MAX_QUEUED_RECORDS = 50_000  # records that wait for a partition; further ones are not confirmed


class PublishRequest:
    """The records of one request: whether each is confirmed, and a future that is done when all have a result."""

    __slots__ = ("completed", "confirmed", "remaining")

    def __init__(self, size: int) -> None:
        self.confirmed = [False] * size
        self.remaining = size
        self.completed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def record_result(self, position: int, confirmed: bool) -> None:
        self.confirmed[position] = confirmed
        self.remaining -= 1
        if not self.remaining and not self.completed.done():
            self.completed.set_result(None)


class QueuedRecord(NamedTuple):
    """A record that waits for a batch, and its position in its request."""

    record: ProducerRecord
    request: PublishRequest
    position: int


class PartitionWriter:
    """Sends one batch at a time; records that arrive meanwhile go into the next batch. `clock` is monotonic."""

    def __init__(self, connection: ProducerConnection, topic: str, partition: int, clock: Clock) -> None:
        self._connection, self._topic, self._partition, self._clock = connection, topic, partition, clock
        self._queue: deque[QueuedRecord] = deque()
        self._drain_task: asyncio.Task[None] | None = None
        self.sent_at: float | None = None  # when the batch in flight was sent

    def add(self, queued: QueuedRecord) -> None:
        """Queue a record; if the queue is full, its result is unconfirmed."""
        if len(self._queue) >= MAX_QUEUED_RECORDS:
            return queued.request.record_result(queued.position, False)
        self._queue.append(queued)
        if self._drain_task is None:
            self._drain_task = asyncio.create_task(self._drain())
        return None

    async def stop(self) -> None:
        """Stop sending; queued records and the batch in flight get no result."""
        if self._drain_task is not None:
            self._drain_task.cancel()
            await asyncio.gather(self._drain_task, return_exceptions=True)

    async def _drain(self) -> None:
        try:
            while self._queue:
                await self._write_batch()
        finally:
            self._drain_task = None

    async def _write_batch(self) -> None:
        producer = await self._connection.get_producer()
        batch = producer.create_batch()
        batch_records = self._fill_batch(batch)
        if not batch_records:
            return
        self.sent_at = self._clock()
        confirmed = await self._send_batch(producer, batch)
        self.sent_at = None
        for _, request, position in batch_records:
            request.record_result(position, confirmed)

    def _fill_batch(self, batch: Any) -> list[QueuedRecord]:
        """Move records from the queue into the batch until it is full; records of requests that have ended are dropped."""
        batch_records: list[QueuedRecord] = []
        while self._queue:
            queued = self._queue[0]
            if not queued.request.completed.done():
                if batch.append(timestamp=None, key=queued.record.key, value=queued.record.value) is None:
                    break
                batch_records.append(queued)
            self._queue.popleft()
        batch.close()
        return batch_records

    async def _send_batch(self, producer: AIOKafkaProducer, batch: Any) -> bool:
        producer_failure = self._connection.producer_failure
        try:
            sent = await producer.send_batch(batch, self._topic, partition=self._partition)
            await asyncio.wait((sent, producer_failure), return_when=asyncio.FIRST_COMPLETED)
            if not sent.done():
                return False
            await sent
        except (KafkaError, AssertionError, OSError) as error:
            # an idempotent producer that gave up a batch has a gap in its sequence numbers: later batches would fail too
            self._connection.replace_producer(producer, error)
            return False
        return True
