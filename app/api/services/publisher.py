"""Publishes notifications to Kafka and reports which records are confirmed."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from app.api.ports import ProducerRecord
from app.api.services.adaptive_linger import AdaptiveLinger
from app.api.services.outage_watch import OutageWatch
from app.api.services.partition_writer import PartitionWriter, QueuedRecord
from app.api.services.producer_connection import ProducerConnection
from app.api.services.publish_request import PublishRequest, RequestDeadlines
from app.api.services.write_timer import WriteTimer
from app.telemetry import log_event
from schemas.enums import Priority
from schemas.ports import Clock
from schemas.topics import STATUS_TOPIC, parse_priority
from tables.flush_timer import FlushTimer

HIGH_PRODUCE_INTERVAL: Final = 0.002  # seconds; the batches of all partitions are sent together, so that they are one request to a broker
PRODUCE_INTERVAL: Final = 0.004  # seconds; of medium and low priority
FLUSH_TIMEOUT: Final = 1.0  # seconds that Kafka has for what waits when the publisher stops
MAX_WAITING_BYTES: Final = 64 * 1024 * 1024  # of all records that wait for their confirmation; further ones are not confirmed


class KafkaPublisher:
    """Implements the port Publisher with one writer for each partition; `timeout` in seconds, `clock` is monotonic.

    `lingers`: how long the records of each priority wait for others, so that Kafka gets them in one request.
    """

    def __init__(self, connection: ProducerConnection, timeout: float, lingers: Mapping[Priority, AdaptiveLinger], clock: Clock) -> None:
        self._connection, self._timeout, self._clock = connection, timeout, clock
        self._writers: dict[tuple[str, int], PartitionWriter] = {}
        self._timer = FlushTimer(self._write_batches)
        self._write_timers = {
            priority: WriteTimer(linger, partial(self._timer.request, _get_interval(priority))) for priority, linger in lingers.items()
        }
        self._topic_timers: dict[str, WriteTimer] = {}
        self._deadlines = RequestDeadlines(timeout, self._log_timeout)
        self._waiting_bytes = 0
        self.outage = OutageWatch(self._deadlines.get_longest_wait, connection.probe, self._on_outage)

    def start(self) -> None:
        """Connect to Kafka in the background."""
        self._connection.start()
        self.outage.start()

    async def stop(self) -> None:
        """Send what waits, stop the writers and close the connection; what Kafka does not confirm soon stays unconfirmed."""
        self._cancel_timers()
        await self.outage.stop()
        if not self._connection.has_connect_failed:
            await self._flush()
        await asyncio.gather(*(writer.stop() for writer in self._writers.values()))
        self._cancel_timers()
        self._deadlines.end_all()
        await self._connection.stop()

    async def publish(self, records: Sequence[ProducerRecord]) -> Sequence[bool]:
        """For each record whether all in-sync replicas have it; False without waiting while Kafka is known not to answer."""
        size = sum([len(record.value) for record in records])
        if self.outage.is_out or self._waiting_bytes + size > MAX_WAITING_BYTES:
            return [False] * len(records)
        request = PublishRequest(len(records))
        queued: dict[str, int] = {}  # records by topic
        for index, record in enumerate(records):
            if self._connection.has_connect_failed or (writer := self._get_writer(record)) is None:
                request.record_result(index, False)
            else:
                writer.add(QueuedRecord(record, request, index))
                queued[record.topic] = queued.get(record.topic, 0) + 1
        for topic, count in queued.items():
            self._topic_timers[topic].record_request(count)
        if request.remaining:
            self._deadlines.add(request)
            self._waiting_bytes += size
            try:
                await request.completed
            finally:
                self._waiting_bytes -= size
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
            priority = "medium" if record.topic.endswith(STATUS_TOPIC) else parse_priority(record.topic)
            request_write = partial(self._timer.request, _get_interval(priority))
            writer = self._writers[partition] = PartitionWriter(self._connection, *partition, self._clock, request_write)
            self._topic_timers[record.topic] = self._write_timers[priority]
        return None if self._is_late(writer) else writer

    def _is_late(self, writer: PartitionWriter) -> bool:
        return writer.sent_at is not None and self._clock() - writer.sent_at > self._timeout

    def _write_batches(self) -> None:
        """Send what is due, and with it what lingers: Kafka gets all of it in one request."""
        for timer in self._write_timers.values():
            timer.record_write()
        for writer in self._writers.values():
            writer.write_batch()

    async def _flush(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_TIMEOUT):
                await asyncio.gather(*(writer.flush() for writer in self._writers.values() if not self._is_late(writer)))

    def _cancel_timers(self) -> None:
        self._timer.cancel()
        for timer in self._write_timers.values():
            timer.cancel()

    def _on_outage(self) -> None:
        """End what waits: its clients can repeat it, and need not wait for that."""
        log_event("gateway.produce_failed", logging.WARNING, cause="no broker answers; requests are rejected until one does")
        self._deadlines.end_all()

    def _log_timeout(self) -> None:
        log_event("gateway.produce_failed", logging.WARNING, cause=f"Kafka did not confirm within {self._timeout:g} s")


def _get_interval(priority: Priority) -> float:
    return HIGH_PRODUCE_INTERVAL if priority == "high" else PRODUCE_INTERVAL
