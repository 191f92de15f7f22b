"""A stand-in for aiokafka's producer: real batch builders, a log in memory, and faults on demand."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords


class Metadata(NamedTuple):
    """What the broker answers for a batch: the offset of its first record."""

    offset: int


class Line(NamedTuple):
    """A record in the log."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class ProducerTwin:
    """Takes batches as AIOKafkaProducer does; `before_send` and `before_answer` may raise, in place of the broker."""

    def __init__(self, batch_bytes: int = 4096) -> None:
        self.log: dict[tuple[str, int], list[Line]] = defaultdict(list)
        self.sends: list[tuple[str, int]] = []
        self.before_send: Callable[[str], None] = lambda topic: None
        self.before_answer: Callable[[str], None] = lambda topic: None
        self.gate = asyncio.Event()
        self.gate.set()
        self._batch_bytes = batch_bytes

    def create_batch(self) -> BatchBuilder:
        """An empty batch of the producer's size."""
        return BatchBuilder(self._batch_bytes, 0)

    async def send_batch(self, builder: Any, topic: str, *, partition: int) -> asyncio.Future[Metadata]:
        """Queue a batch; the future is its acknowledgement."""
        self.before_send(topic)
        self.sends.append((topic, partition))
        return asyncio.ensure_future(self._acknowledged(builder, topic, partition))

    async def _acknowledged(self, builder: Any, topic: str, partition: int) -> Metadata:
        await self.gate.wait()
        self.before_answer(topic)
        log = self.log[topic, partition]
        first = len(log)
        log.extend(_lines(bytes(builder._build())))
        return Metadata(first)


def _lines(buffer: bytes) -> list[Line]:
    lines = []
    batches = MemoryRecords(buffer)
    while batches.has_next():
        lines += [Line(record.key, record.value, tuple(record.headers)) for record in batches.next_batch()]
    return lines
