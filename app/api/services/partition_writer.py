"""Writes the records of one partition in whole Kafka batches: records of concurrent requests share a batch (group commit)."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.api.ports import ProducerRecord
from app.api.services.producer_connection import ProducerConnection
from app.api.services.publish_request import PublishRequest
from schemas.ports import Clock

MAX_QUEUED_RECORDS = 50_000  # records that wait for a partition; further ones are not confirmed


class QueuedRecord(NamedTuple):
    """A record that waits for a batch, and its position in its request."""

    record: ProducerRecord
    request: PublishRequest
    position: int


class PartitionWriter:
    """Sends one batch at a time; records that arrive meanwhile go into the next batch. `clock` is monotonic.

    `request_write`: has `write_batch` called, of the writers of all partitions together, for records that could not be sent when they were
    due: because a batch was in flight, or because that one is full.
    """

    def __init__(self, connection: ProducerConnection, topic: str, partition: int, clock: Clock, request_write: Callable[[], None]) -> None:
        self._connection, self._topic, self._partition, self._clock = connection, topic, partition, clock
        self._request_write = request_write
        self._queue: deque[QueuedRecord] = deque()
        self._task: asyncio.Task[None] | None = None
        self._has_due_records = False  # in the queue
        self.sent_at: float | None = None  # when the batch in flight was sent

    def add(self, queued: QueuedRecord) -> None:
        """Queue a record until `write_batch` is called; if the queue is full, its result is unconfirmed."""
        if len(self._queue) >= MAX_QUEUED_RECORDS:
            queued.request.record_result(queued.position, False)
        else:
            self._queue.append(queued)

    def write_batch(self) -> None:
        """Begin to send what is queued, unless a batch is in flight: after it, `request_write` is called."""
        if not self._queue:
            return
        self._has_due_records = True
        if self._task is None:
            self._task = asyncio.create_task(self._write_batch())

    async def flush(self) -> None:
        """Send what is queued, and wait until it is confirmed or its producer has failed."""
        self.write_batch()
        while self._task is not None:
            await asyncio.wait([self._task])
            self.write_batch()

    async def stop(self) -> None:
        """Stop sending; queued records and the batch in flight get no result."""
        self._queue.clear()
        self._has_due_records = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _write_batch(self) -> None:
        try:
            producer = await self._connection.get_producer()
            batch = producer.create_batch()
            batch_records = self._fill_batch(batch)
            if batch_records:
                self.sent_at = self._clock()
                confirmed = await self._send_batch(producer, batch)
                self.sent_at = None
                for _, request, position in batch_records:
                    request.record_result(position, confirmed)
        finally:
            self._task = None
            if self._has_due_records:
                self._request_write()

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
        self._has_due_records = bool(self._queue)
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
