"""Finds the records of one notification in Kafka: in the partitions of its user, around the times at which something happened to it."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition

from app.connection_settings import KafkaSection
from app.kafka.standalone_consumer import open_standalone_consumer
from schemas.errors import RecordSearchRunningError
from schemas.ids import compute_partition
from schemas.notification_records import DescribedRecord, RecordPosition, WantedRecords, Window, describe_record
from schemas.ports import Clock
from schemas.topics import STATUS_TOPIC

MAX_SEARCHES: Final = 2  # at once in a process, which has submissions to answer
MAX_WAITING: Final = 8  # searches that wait for those
MAX_SECONDS: Final = 5.0  # of one search
MAX_EXAMINED: Final = 50_000  # records of one search
MAX_WINDOWS: Final = 16
MAX_FOUND: Final = 500
POLL_RECORDS: Final = 500
POLL_MS: Final = 250
REQUEST_TIMEOUT_MS: Final = 5_000

Positions = Mapping[Any, int]


class FoundRecord(NamedTuple):
    """A record about a notification, where it is and what it is."""

    position: RecordPosition
    described: DescribedRecord


class FoundRecords(NamedTuple):
    """The records in the order of their times; `is_complete` unless a bound ended the search."""

    records: Sequence[FoundRecord]
    is_complete: bool


class NotificationRecordReader:
    """Searches without a consumer group, bounded in time, records and searches at once, because the gateway does it."""

    def __init__(self, kafka: KafkaSection, monotonic: Clock) -> None:
        self._kafka, self._monotonic = kafka, monotonic
        self._slots, self._waiting = asyncio.Semaphore(MAX_SEARCHES), 0

    async def find(self, wanted: WantedRecords, topics: Collection[str], windows: Sequence[Window]) -> FoundRecords:
        """The records about a notification in these topics, named without the topic prefix.

        Raises RecordSearchRunningError while too many others search, RecordedNotificationsUnavailableError if Kafka does not answer.
        """
        async with self._admit(), open_standalone_consumer(self._kafka, REQUEST_TIMEOUT_MS) as consumer:
            search = _Search(consumer, wanted, self._kafka, self._monotonic, self._monotonic() + MAX_SECONDS)
            partitions = self._list_partitions(wanted, topics)
            for window in windows[:MAX_WINDOWS]:
                if search.is_complete:
                    await search.read(partitions, window)
        found = sorted(search.found.values(), key=_get_order)
        return FoundRecords(found[:MAX_FOUND], search.is_complete and len(windows) <= MAX_WINDOWS and len(found) <= MAX_FOUND)

    def _list_partitions(self, wanted: WantedRecords, topics: Collection[str]) -> list[TopicPartition]:
        """Those of the user; reports of providers have the key of the delivery."""
        prefix, count = self._kafka.topic_prefix, self._kafka.topic_partitions
        partitions = {TopicPartition(prefix + topic, compute_partition(wanted.user_id, count)) for topic in topics}
        if STATUS_TOPIC in topics:
            partitions |= {TopicPartition(prefix + STATUS_TOPIC, compute_partition(one, count)) for one in wanted.delivery_ids}
        return sorted(partitions)

    @asynccontextmanager
    async def _admit(self) -> AsyncIterator[None]:
        if self._waiting >= MAX_WAITING:
            raise RecordSearchRunningError
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()


class _Search:
    """One search, window by window."""

    def __init__(self, consumer: Any, wanted: WantedRecords, kafka: KafkaSection, monotonic: Clock, deadline: float) -> None:
        self._consumer, self._wanted, self._prefix = consumer, wanted, kafka.topic_prefix
        self._monotonic, self._deadline, self._examined = monotonic, deadline, 0
        texts = (wanted.notification_id, *sorted(wanted.delivery_ids))
        self._needles, self._user = [text.encode() for text in texts], wanted.user_id.encode()
        self.found: dict[tuple[str, int, int], FoundRecord] = {}
        self.is_complete = True

    async def read(self, partitions: Sequence[TopicPartition], window: Window) -> None:
        """Add what these partitions have in the window."""
        starts, ends = await self._find_offsets(partitions, window.since), await self._find_offsets(partitions, window.until)
        ends = {partition: end for partition, end in ends.items() if starts[partition] < end}
        if not ends or self._ends_at_bound():
            return
        try:
            await self._read_partitions(starts, ends)
        finally:
            self._consumer.unsubscribe()  # else it fetches on, and each question about offsets waits behind a fetch

    async def _read_partitions(self, starts: Positions, ends: Positions) -> None:
        """Read between these offsets, up to a bound; at least once, because an assignment that ends at once ends aiokafka's fetcher."""
        self._consumer.assign(list(ends))
        for partition in ends:
            self._consumer.seek(partition, starts[partition])
        unread = await self._list_unread(ends)
        while unread:
            batches = await self._consumer.getmany(*unread, timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            for partition, records in batches.items():
                self._examined += len(records)
                self._add(partition, [record for record in records if record.offset < ends[partition]])
            unread = await self._list_unread(ends)
            if unread and self._ends_at_bound():
                return

    async def _list_unread(self, ends: Positions) -> list[Any]:
        """The partitions that are not read up to these offsets: a position moves over the markers of transactions, too."""
        return [partition for partition, end in ends.items() if await self._consumer.position(partition) < end]

    def _ends_at_bound(self) -> bool:
        """Whether the search ends here; it notes that it is not complete then."""
        self.is_complete = self._examined < MAX_EXAMINED and self._monotonic() <= self._deadline
        return not self.is_complete

    def _add(self, partition: TopicPartition, records: Sequence[Any]) -> None:
        topic = partition.topic.removeprefix(self._prefix)
        for record in records:
            if not self._may_be_about(record):
                continue
            position = RecordPosition(topic, partition.partition, record)
            if described := describe_record(position, self._wanted, self._prefix):
                self.found[topic, partition.partition, record.offset] = FoundRecord(position, described)

    def _may_be_about(self, record: Any) -> bool:
        """Whether it is worth to be decoded: it has one of the ids, or is the user's and may have an id by its position."""
        value = record.value or b""
        return record.key == self._user or bool(record.headers) or any(needle in value for needle in self._needles)

    async def _find_offsets(self, partitions: Sequence[TopicPartition], at: float) -> Positions:
        """In each partition the offset of the first record of this time or later."""
        found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, round(at * 1000)))
        missing = [partition for partition in partitions if found.get(partition) is None]
        ends = await self._consumer.end_offsets(missing) if missing else {}
        return {partition: ends[partition] if partition in ends else found[partition].offset for partition in partitions}


def _get_order(found: FoundRecord) -> tuple[float, str, int, int]:
    position = found.position
    return position.record.timestamp, position.topic, position.partition, position.record.offset
