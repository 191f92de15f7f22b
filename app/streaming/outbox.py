"""The outbox: records grouped by partition and produced as whole Kafka batches, some 2 us a record instead of 60 for a send each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from aiokafka.errors import KafkaTimeoutError

from schemas.errors import RecordTooLarge
from schemas.ports import Header
from schemas.sizes import BATCH_OVERHEAD, FRAME_OVERHEAD, RECORD_OVERHEAD, batch_size

log = logging.getLogger(__name__)

Limit = Callable[[str], int]
Slot = tuple[str, int]

_NO_HEADERS: list[Header] = []


class Written(NamedTuple):
    """The offsets that a flush gave to the records of one partition, and how many they are."""

    first: int
    last: int
    records: int


class _Line:
    """The batch that is open for a partition; `room`: the most bytes of key and value that surely fit its topic."""

    __slots__ = ("append", "builder", "limit", "records", "room", "slot")

    def __init__(self, slot: Slot, limit: int, builder: Any) -> None:
        self.slot, self.limit, self.room = slot, limit, limit - BATCH_OVERHEAD - RECORD_OVERHEAD - FRAME_OVERHEAD
        self.builder, self.records = builder, 0
        # The layers of aiokafka above its own builder cost as much as what that does. They also count the records: `closed` tells them.
        self.append = builder._builder.append

    def closed(self) -> tuple[Slot, Any]:
        """The slot and its batch, which is told how many records it has."""
        self.builder._relative_offset = self.records
        return self.slot, self.builder


class BatchOutbox:
    """Collects records and produces them with one flush; raises RecordTooLarge before a record joins a batch that it would spoil."""

    def __init__(self, producer: Any, limit: Limit, generation: int = 0) -> None:
        """`producer`: an AIOKafkaProducer; `limit`: the most bytes of a batch for a topic; `generation`: of the group when it was made."""
        self.generation = generation
        self._producer = producer
        self._limit = limit
        self._lines: dict[Slot, _Line] = {}
        self._full: list[_Line] = []

    def __len__(self) -> int:
        return sum(line.records for line in (*self._full, *self._lines.values()))

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Add a record. Raises RecordTooLarge for one that its topic cannot take."""
        slot = topic, partition
        line = self._lines.get(slot) or self._opened(slot)
        given = list(headers) if headers else _NO_HEADERS
        if given or len(key or b"") + len(value or b"") > line.room:
            size = batch_size(key, value, given)
            if size > line.limit:
                raise RecordTooLarge(topic, size, line.limit)
        # If it does not fit, the line is full; a line's first record always fits.
        if line.append(line.records, None, key, value, given) is None:
            self._full.append(line)
            line = self._opened(slot)
            line.append(0, None, key, value, given)
        line.records += 1

    def _opened(self, slot: Slot) -> _Line:
        line = self._lines[slot] = _Line(slot, self._limit(slot[0]), self._producer.create_batch())
        return line

    async def flush(self) -> dict[Slot, Written]:
        """Produce everything and wait until all in-sync replicas have it; gives the offsets written to each partition."""
        work = [line.closed() for line in (*self._full, *self._lines.values()) if line.records]
        self._lines, self._full = {}, []
        if not work:
            return {}
        sent = [await self._sent(builder, slot) for slot, builder in work]
        written: dict[Slot, Written] = {}
        for (slot, builder), metadata in zip(work, await _all(sent), strict=True):
            count = builder.record_count()
            before = written.get(slot)
            first = before.first if before else metadata.offset
            written[slot] = Written(first, metadata.offset + count - 1, count + (before.records if before else 0))
        return written

    async def _sent(self, builder: Any, slot: Slot) -> asyncio.Future[Any]:
        # The batch before it on this partition is not out yet and Kafka does not answer: our batch was not queued, so it can wait again.
        # The idempotent producer itself repeats what is queued for as long as it takes.
        while True:
            try:
                future: asyncio.Future[Any] = await self._producer.send_batch(builder, slot[0], partition=slot[1])
                return future
            except KafkaTimeoutError:
                log.warning("%s partition %d takes no records now; what was decided waits in memory, nothing is acknowledged", *slot)


async def _all(sent: Sequence[asyncio.Future[Any]]) -> list[Any]:
    """The metadata of all; every future is awaited even if one fails, so that no error goes unseen."""
    results = await asyncio.gather(*sent, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return list(results)
