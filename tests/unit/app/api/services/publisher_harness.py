"""A publisher whose producers are in memory."""

import asyncio
from math import inf
from typing import Any

from app.api.ports import ProducerRecord
from app.api.services.adaptive_linger import AdaptiveLinger
from app.api.services.producer_connection import ProducerConnection
from app.api.services.publisher import KafkaPublisher
from schemas.enums import PRIORITIES, Priority
from schemas.topics import get_notifications_topic

TIMEOUT = 0.2


class MemoryBatch:
    """A batch for at most `max_records` records."""

    def __init__(self, max_records: int) -> None:
        self.max_records, self.values, self.closed = max_records, list[bytes](), False

    def append(self, *, timestamp: Any, key: bytes, value: bytes) -> object | None:
        if len(self.values) >= self.max_records:
            return None
        self.values.append(value)
        return object()

    def close(self) -> None:
        self.closed = True


class MemoryClient:
    """A client whose broker answers unless `is_answering` is False."""

    is_answering = True

    async def force_metadata_update(self) -> bool:
        return self.is_answering


class MemoryProducer:
    """A producer in memory. It confirms batches at once unless `is_confirming` is False; `start_error` is raised by start()."""

    def __init__(self, start_error: Exception | None = None, partitions: int = 2, max_records: int = 1000) -> None:
        self.start_error, self.partitions, self.max_records = start_error, partitions, max_records
        self.sent: list[tuple[int, MemoryBatch, asyncio.Future[None]]] = []
        self.batch_sent = asyncio.Event()
        self.is_confirming = True
        self.stopped = False
        self.client = MemoryClient()

    async def start(self) -> None:
        if self.start_error:
            raise self.start_error

    async def stop(self) -> None:
        self.stopped = True

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(self.partitions))

    def create_batch(self) -> MemoryBatch:
        return MemoryBatch(self.max_records)

    async def send_batch(self, batch: MemoryBatch, topic: str, partition: int) -> "asyncio.Future[None]":
        assert batch.closed
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent.append((partition, batch, future))
        self.batch_sent.set()
        if self.is_confirming:
            future.set_result(None)
        return future


class EndlessLinger(AdaptiveLinger):
    """Lets records wait until something else is written."""

    def __init__(self) -> None:
        super().__init__(inf)

    def record_request(self, records: int, now: float) -> None:
        pass


class PublisherHarness:
    """A publisher with its clock, and the producers that its connection will create, in order; records of `lingering` priorities wait."""

    def __init__(self, *producers: MemoryProducer, timeout: float = TIMEOUT, lingering: tuple[Priority, ...] = ()) -> None:
        self.producers = list(producers)
        self.now = 0.0
        self.connection = ProducerConnection(self.create_producer, self.describe_problem, [get_notifications_topic("low")], 2, timeout)  # type: ignore[arg-type]
        lingers = {priority: EndlessLinger() if priority in lingering else AdaptiveLinger(0.0) for priority in PRIORITIES}
        self.publisher = KafkaPublisher(self.connection, timeout, lingers, lambda: self.now)

    async def describe_problem(self, error: BaseException) -> str:
        """Describe the error by its own text."""
        return str(error)

    def create_producer(self) -> MemoryProducer:
        return self.producers.pop(0)

    async def __aenter__(self) -> KafkaPublisher:
        self.publisher.start()
        return self.publisher

    async def __aexit__(self, *_: object) -> None:
        await self.publisher.stop()


def build_record(partition: int = 0, value: bytes = b"v", priority: Priority = "low") -> ProducerRecord:
    return ProducerRecord(get_notifications_topic(priority), partition, b"u", value)


async def run_other_tasks() -> None:
    """Let the tasks that are ready run until they wait for something else."""
    for _ in range(20):
        await asyncio.sleep(0)
