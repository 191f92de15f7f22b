"""Publishes notifications to Kafka and reports which records are confirmed."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Final

from app.api.ports import ProducerRecord
from app.api.services.partition_writer import PartitionWriter, QueuedRecord
from app.api.services.producer_connection import ProducerConnection
from app.api.services.publish_request import PublishRequest, RequestDeadlines
from app.telemetry import log_event
from schemas.ports import Clock
from schemas.topics import get_notifications_topic
from tables.flush_timer import FlushTimer

HIGH_TOPIC: Final = get_notifications_topic("high")
HIGH_PRODUCE_INTERVAL: Final = 0.002  # seconds; the batches of all partitions are sent together, so that they are one request to a broker
PRODUCE_INTERVAL: Final = 0.004  # seconds; of medium and low priority


class KafkaPublisher:
    """Implements the port Publisher with one writer for each partition; `timeout` in seconds, `clock` is monotonic."""

    def __init__(self, connection: ProducerConnection, timeout: float, clock: Clock) -> None:
        self._connection, self._timeout, self._clock = connection, timeout, clock
        self._writers: dict[tuple[str, int], PartitionWriter] = {}
        self._timer = FlushTimer(self._write_batches)
        self._deadlines = RequestDeadlines(timeout, self._log_timeout)

    def start(self) -> None:
        """Connect to Kafka in the background."""
        self._connection.start()

    async def stop(self) -> None:
        """Stop the writers and close the connection; unconfirmed records stay unconfirmed."""
        self._timer.cancel()
        await asyncio.gather(*(writer.stop() for writer in self._writers.values()))
        self._deadlines.end_all()
        await self._connection.stop()

    async def publish(self, records: Sequence[ProducerRecord]) -> Sequence[bool]:
        """For each record whether all in-sync replicas have it; False without waiting while Kafka is known not to answer."""
        request = PublishRequest(len(records))
        for index, record in enumerate(records):
            if self._connection.has_connect_failed or (writer := self._get_writer(record)) is None:
                request.record_result(index, False)
            else:
                writer.add(QueuedRecord(record, request, index))
        if request.remaining:
            self._deadlines.add(request)
            await request.completed
        return request.confirmed

    def get_error(self) -> str:
        """Why records are not confirmed; empty if no reason is known."""
        late = next((partition for partition, writer in self._writers.items() if self._is_late(writer)), None)
        return f"no confirmation from {late[0]}[{late[1]}]" if late else self._connection.error

    async def probe(self) -> str:
        """Why records are not confirmed; sends a metadata request, so that a missing broker is noticed without traffic."""
        return await self._connection.probe() or self.get_error()

    def _get_writer(self, record: ProducerRecord) -> PartitionWriter | None:
        """The writer for the record's partition; None while its batch in flight is late, because then Kafka does not answer."""
        partition = record.topic, record.partition
        writer = self._writers.get(partition)
        if writer is None:
            interval = HIGH_PRODUCE_INTERVAL if record.topic.endswith(HIGH_TOPIC) else PRODUCE_INTERVAL
            request_write = partial(self._timer.request, interval)
            writer = self._writers[partition] = PartitionWriter(self._connection, *partition, self._clock, request_write)
        return None if self._is_late(writer) else writer

    def _is_late(self, writer: PartitionWriter) -> bool:
        return writer.sent_at is not None and self._clock() - writer.sent_at > self._timeout

    def _write_batches(self) -> None:
        for writer in self._writers.values():
            writer.write_batch()

    def _log_timeout(self) -> None:
        log_event("gateway.produce_failed", logging.WARNING, cause=f"Kafka did not confirm within {self._timeout:g} s")
