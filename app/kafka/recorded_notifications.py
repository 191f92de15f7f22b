"""Reads the notifications that Kafka still has, by time: what rules and templates are tried on before they are used."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from operator import attrgetter
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from app.connection_settings import KafkaSection
from app.kafka.standalone_consumer import open_standalone_consumer
from schemas.enums import PRIORITIES
from schemas.errors import RecordedNotificationsTooLargeError
from schemas.lifetimes import NOTIFICATION_RECORDS
from schemas.ports import RecordedNotification
from schemas.topics import get_notifications_topic

MAX_READ_BYTES = 256 * 1024 * 1024  # of keys and values, which are kept in memory
SCAN_RECORDS = 2000  # that a search keeps in memory at once; fewer if they are large
MAX_SCAN_BYTES = 32 * 1024 * 1024  # the gateway searches, too
POLL_MS = 500
MAX_IDLE_POLLS = 20  # without a record, after which Kafka is said not to answer
REQUEST_TIMEOUT_MS = 10_000

MAX_CLOCK_DIFFERENCE = 60.0  # seconds that a broker's clock may be ahead of this one

Offsets = Mapping[Any, int]


@asynccontextmanager
async def open_recorded_notifications(kafka: KafkaSection) -> AsyncIterator["RecordedNotifications"]:
    """A reader of the topics notifications.*, without a consumer group. Raises RecordedNotificationsUnavailableError."""
    async with open_standalone_consumer(kafka, REQUEST_TIMEOUT_MS) as consumer:
        yield RecordedNotifications(consumer, kafka.topic_prefix, kafka.topic_partitions)


async def read_newest(kafka: KafkaSection, now: float, seconds: float, count: int) -> tuple[float, list[RecordedNotification]]:
    """At most the newest `count` records of the last `seconds`, in the order of their times, and the time from which on they are complete.

    Raises RecordedNotificationsUnavailableError and RecordedNotificationsTooLargeError.
    """
    since, until = now - seconds, now + MAX_CLOCK_DIFFERENCE
    async with open_recorded_notifications(kafka) as recorded:
        start = await recorded.find_start(since, until, count)
        newest = (await recorded.read(start, until, MAX_READ_BYTES))[-count:]
    return (newest[0].record.timestamp / 1000 if start > since and newest else since), newest


async def iterate_newest(
    recorded: "RecordedNotifications", now: float, max_records: int
) -> AsyncGenerator[tuple[float, list[RecordedNotification]], None]:
    """At most the newest `max_records` records in chunks, the newest chunk first; each with the time from which on all have been given.

    Raises RecordedNotificationsUnavailableError, and RecordedNotificationsTooLargeError for a single record that is.
    """
    since, until = now - NOTIFICATION_RECORDS, now + MAX_CLOCK_DIFFERENCE
    scanned, scan = 0, SCAN_RECORDS
    while scanned < max_records and until > since:
        start = await recorded.find_start(since, until, min(scan, max_records - scanned))
        try:
            records = await recorded.read(start, until, MAX_SCAN_BYTES)
        except RecordedNotificationsTooLargeError:
            if scan == 1:
                raise
            scan = max(1, scan // 8)
            continue
        yield start, records
        scanned, until = scanned + len(records), start


class RecordedNotifications:
    """The records of the topics notifications.*; all times are the brokers', in epoch seconds."""

    def __init__(self, consumer: Any, topic_prefix: str, partitions: int) -> None:
        self._consumer = consumer
        self._partitions = [
            TopicPartition(topic_prefix + get_notifications_topic(priority), partition)
            for priority in PRIORITIES
            for partition in range(partitions)
        ]

    async def find_start(self, since: float, until: float, count: int) -> float:
        """The latest time from which on at least `count` records are recorded before `until`; `since` if there are not so many."""
        ends = await self._find_offsets(_to_milliseconds(until))
        first, last = _to_milliseconds(since), _to_milliseconds(until)
        while last - first > 1:
            middle = (first + last) // 2
            starts = await self._find_offsets(middle)
            if sum(ends[partition] - starts[partition] for partition in ends) >= count:
                first = middle
            else:
                last = middle
        return since if first == _to_milliseconds(since) else first / 1000

    async def read(self, since: float, until: float, max_bytes: int = MAX_READ_BYTES) -> list[RecordedNotification]:
        """The records from `since` on and before `until`, in the order of their times, if they have at most `max_bytes`.

        Raises RecordedNotificationsTooLargeError, and RecordedNotificationsUnavailableError if Kafka stops to answer.
        """
        starts, ends = await self._find_offsets(_to_milliseconds(since)), await self._find_offsets(_to_milliseconds(until))
        ends = {partition: end for partition, end in ends.items() if starts[partition] < end}
        if not ends:
            return []
        try:
            found = await self._read_partitions(starts, ends, max_bytes)
        finally:
            self._consumer.unsubscribe()  # else it fetches on, and each question about offsets waits behind a fetch
        found.sort(key=attrgetter("timestamp", "topic", "partition", "offset"))
        return [RecordedNotification(record.topic, record.partition, record) for record in found]

    async def _read_partitions(self, starts: Offsets, ends: Offsets, max_bytes: int) -> list[Any]:
        """The records between these offsets, in the order in which they come."""
        self._consumer.assign(list(ends))
        for partition in ends:
            self._consumer.seek(partition, starts[partition])
        found: list[Any] = []
        size, idle_polls = 0, 0
        # a position moves over the markers of transactions too
        while unread := [partition for partition, end in ends.items() if await self._consumer.position(partition) < end]:
            batches = await self._consumer.getmany(*unread, timeout_ms=POLL_MS)
            found += [record for partition, batch in batches.items() for record in batch if record.offset < ends[partition]]
            size += sum(len(record.key or b"") + len(record.value or b"") for batch in batches.values() for record in batch)
            idle_polls = 0 if batches else idle_polls + 1
            if idle_polls > MAX_IDLE_POLLS:
                raise KafkaConnectionError(f"no record for {MAX_IDLE_POLLS * POLL_MS / 1000:.0f} s")
            if size > max_bytes:
                raise RecordedNotificationsTooLargeError(max_bytes)
        return found

    async def _find_offsets(self, milliseconds: int) -> Offsets:
        """In each partition the offset of the first record of this time or later."""
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._partitions, milliseconds))
        missing = [partition for partition in self._partitions if found.get(partition) is None]
        ends = await self._consumer.end_offsets(missing) if missing else {}
        return {partition: ends[partition] if partition in ends else found[partition].offset for partition in self._partitions}


def _to_milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
