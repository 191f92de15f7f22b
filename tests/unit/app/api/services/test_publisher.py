"""Group commit over a producer in memory."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaError

from app.api.ports import ProducerRecord
from app.api.services.publisher import MAX_QUEUED_RECORDS, KafkaPublisher

TOPIC = "notifications.low"
TIMEOUT = 0.2


class MemoryBatch:
    """A batch for at most `max_records` records."""

    def __init__(self, room: int) -> None:
        self.max_records, self.values, self.closed = room, list[bytes](), False

    def append(self, *, timestamp: Any, key: bytes, value: bytes) -> object | None:
        if len(self.values) >= self.max_records:
            return None
        self.values.append(value)
        return object()

    def close(self) -> None:
        self.closed = True


class MemoryClient:
    """A client whose broker answers."""

    is_answering = True

    async def force_metadata_update(self) -> bool:
        return self.is_answering


class MemoryProducer:
    """Confirms a batch when its future is given a result; `start_error` keeps it from starting."""

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


class PublisherHarness:
    """A publisher, the producers it has made and will make, and its clock."""

    def __init__(self, *producers: MemoryProducer, timeout: float = TIMEOUT) -> None:
        self.producers = list(producers)
        self.now = 0.0
        self.publisher = KafkaPublisher(self.create_producer, [TOPIC], 2, timeout, lambda: self.now)  # type: ignore[arg-type]

    def create_producer(self) -> MemoryProducer:
        return self.producers.pop(0)

    async def __aenter__(self) -> KafkaPublisher:
        self.publisher.start()
        return self.publisher

    async def __aexit__(self, *_: object) -> None:
        await self.publisher.stop()


def build_record(partition: int = 0, value: bytes = b"v") -> ProducerRecord:
    return ProducerRecord(TOPIC, partition, b"u", value)


@pytest.fixture
def producer() -> MemoryProducer:
    return MemoryProducer()


async def test_requests_that_come_together_share_a_batch(producer: MemoryProducer) -> None:
    async with PublisherHarness(producer) as publisher:
        answers = await asyncio.gather(*(publisher.publish([build_record(value=str(n).encode())]) for n in range(50)))
    assert answers == [[True]] * 50
    assert [len(batch.values) for _, batch, _ in producer.sent] == [50]
    assert publisher.get_error() == ""


async def test_one_batch_of_a_partition_is_in_flight_at_a_time(producer: MemoryProducer) -> None:
    producer.is_confirming = False
    async with PublisherHarness(producer) as publisher:
        first = asyncio.create_task(publisher.publish([build_record()]))
        await producer.batch_sent.wait()
        more = [asyncio.create_task(publisher.publish([build_record()])) for _ in range(3)]
        await asyncio.sleep(0)
        assert len(producer.sent) == 1
        producer.is_confirming = True
        producer.sent[0][2].set_result(None)
        assert await asyncio.gather(first, *more) == [[True]] * 4
    assert [len(batch.values) for _, batch, _ in producer.sent] == [1, 3]


async def test_what_does_not_fit_goes_into_the_next_batch() -> None:
    producer = MemoryProducer(max_records=2)
    async with PublisherHarness(producer) as publisher:
        assert await publisher.publish([build_record(value=bytes([n])) for n in range(5)]) == [True] * 5
    assert [batch.values for _, batch, _ in producer.sent] == [[b"\0", b"\1"], [b"\2", b"\3"], [b"\4"]]


async def test_each_record_has_its_own_answer() -> None:
    failing, second = MemoryProducer(), MemoryProducer()
    failing.is_confirming = False
    async with PublisherHarness(failing, second) as publisher:
        asked = asyncio.create_task(publisher.publish([build_record(0), build_record(1), build_record(0)]))
        await failing.batch_sent.wait()
        await asyncio.sleep(0)
        futures = {partition: future for partition, _, future in failing.sent}
        futures[1].set_result(None)
        futures[0].set_exception(KafkaError("gave up"))
        assert await asked == [False, True, False]
        assert await publisher.publish([build_record(0)]) == [True], "a new producer goes on"
    assert failing.stopped
    assert len(second.sent) == 1


async def test_nobody_waits_for_a_producer_that_was_replaced() -> None:
    failing, second = MemoryProducer(), MemoryProducer()
    failing.is_confirming = False
    async with PublisherHarness(failing, second, timeout=3600.0) as publisher:
        asked = asyncio.create_task(publisher.publish([build_record(0), build_record(1)]))
        await failing.batch_sent.wait()
        await asyncio.sleep(0)
        failing.sent[0][2].set_exception(KafkaError("gave up"))
        async with asyncio.timeout(30):
            assert await asked == [False, False]
            assert await publisher.publish([build_record(0), build_record(1)]) == [True, True]


async def test_without_confirmation_in_time_the_answer_is_no(producer: MemoryProducer) -> None:
    producer.is_confirming = False
    world = PublisherHarness(producer)
    async with world as publisher:
        assert await publisher.publish([build_record()]) == [False]
        world.now = TIMEOUT + 1
        assert await publisher.publish([build_record()]) == [False], "at once: the batch in flight is late"
        assert "no confirmation" in publisher.get_error()
        assert await publisher.probe() == publisher.get_error()
        producer.is_confirming = True
        producer.sent[0][2].set_result(None)
        while publisher.get_error():
            await asyncio.sleep(0)
        assert await publisher.publish([build_record()]) == [True]
    assert [len(batch.values) for _, batch, _ in producer.sent] == [1, 1]


async def test_while_a_batch_is_late_nobody_else_waits(producer: MemoryProducer) -> None:
    producer.is_confirming = False
    world = PublisherHarness(producer, timeout=3600.0)
    async with world as publisher:
        first = asyncio.create_task(publisher.publish([build_record()]))
        await producer.batch_sent.wait()
        world.now = 3601.0
        async with asyncio.timeout(30):
            assert await publisher.publish([build_record()]) == [False]
        producer.sent[0][2].set_result(None)
        assert await first == [True]


async def test_what_was_answered_before_its_batch_left_is_not_sent(producer: MemoryProducer) -> None:
    producer.is_confirming = False
    async with PublisherHarness(producer) as publisher:
        first = asyncio.create_task(publisher.publish([build_record(value=b"first")]))
        await producer.batch_sent.wait()
        assert await publisher.publish([build_record(value=b"answered no")]) == [False]
        producer.is_confirming = True
        producer.sent[0][2].set_result(None)
        await first
        assert await publisher.publish([build_record(value=b"last")]) == [True]
    assert [batch.values for _, batch, _ in producer.sent] == [[b"first"], [b"last"]]


async def test_records_over_the_queue_limit_are_rejected_at_once(producer: MemoryProducer) -> None:
    producer.is_confirming = False
    async with PublisherHarness(producer) as publisher:
        answers = await publisher.publish([build_record()] * (MAX_QUEUED_RECORDS + 1))
    assert answers == [False] * (MAX_QUEUED_RECORDS + 1)
    assert len(producer.sent[0][1].values) == 1000


@pytest.mark.parametrize(
    "broken", [MemoryProducer(KafkaError("refused")), MemoryProducer(OSError("no route")), MemoryProducer(partitions=3)]
)
async def test_it_connects_when_kafka_comes(broken: MemoryProducer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.services.publisher.RECONNECT_DELAY", 0.0)
    good = MemoryProducer()
    async with PublisherHarness(broken, good) as publisher:
        assert await publisher.get_producer() is good
        assert await publisher.publish([build_record()]) == [True]
    assert broken.stopped


async def test_a_probe_hears_that_no_broker_answers(producer: MemoryProducer) -> None:
    async with PublisherHarness(producer) as publisher:
        assert await publisher.probe() == "not connected to Kafka yet"
        await publisher.get_producer()
        assert await publisher.probe() == ""
        producer.client.is_answering = False
        assert await publisher.probe() == "no broker answers"
