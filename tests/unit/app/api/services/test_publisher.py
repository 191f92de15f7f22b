"""Group commit and confirmations."""

import asyncio

import pytest
from aiokafka.errors import KafkaError

from app.api.services import publisher as publisher_module
from app.api.services.partition_writer import MAX_QUEUED_RECORDS
from tests.unit.app.api.services.publisher_harness import TIMEOUT, MemoryProducer, PublisherHarness, build_record


@pytest.fixture
def producer() -> MemoryProducer:
    return MemoryProducer()


async def test_concurrent_requests_share_a_batch(producer: MemoryProducer) -> None:
    async with PublisherHarness(producer) as publisher:
        results = await asyncio.gather(*(publisher.publish([build_record(value=str(n).encode())]) for n in range(50)))
    assert results == [[True]] * 50
    assert [len(batch.values) for _, batch, _ in producer.sent] == [50]
    assert publisher.get_error() == ""


async def test_in_busy_times_low_priority_waits_for_others_and_is_sent_with_them(
    producer: MemoryProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher_module, "PRODUCE_INTERVAL", 3600.0)
    async with PublisherHarness(producer) as publisher:
        assert await publisher.publish([build_record(0)]) == [True], "at once after a pause"
        waiting = asyncio.create_task(publisher.publish([build_record(0)]))
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(producer.sent) == 1
        assert await publisher.publish([build_record(1)._replace(topic="t.notifications.high")]) == [True]
        assert await waiting == [True]
    assert [(partition, len(batch.values)) for partition, batch, _ in producer.sent] == [(0, 1), (0, 1), (1, 1)]


async def test_one_batch_of_a_partition_is_in_flight_at_a_time(producer: MemoryProducer) -> None:
    producer.is_confirming = False
    async with PublisherHarness(producer) as publisher:
        first = asyncio.create_task(publisher.publish([build_record()]))
        await producer.batch_sent.wait()
        others = [asyncio.create_task(publisher.publish([build_record()])) for _ in range(3)]
        await asyncio.sleep(0)
        assert len(producer.sent) == 1
        producer.is_confirming = True
        producer.sent[0][2].set_result(None)
        assert await asyncio.gather(first, *others) == [[True]] * 4
    assert [len(batch.values) for _, batch, _ in producer.sent] == [1, 3]


async def test_records_that_do_not_fit_go_into_the_next_batch() -> None:
    producer = MemoryProducer(max_records=2)
    async with PublisherHarness(producer) as publisher:
        assert await publisher.publish([build_record(value=bytes([n])) for n in range(5)]) == [True] * 5
    assert [batch.values for _, batch, _ in producer.sent] == [[b"\0", b"\1"], [b"\2", b"\3"], [b"\4"]]


async def test_each_record_has_its_own_result() -> None:
    failing, replacement = MemoryProducer(), MemoryProducer()
    failing.is_confirming = False
    async with PublisherHarness(failing, replacement) as publisher:
        publishing = asyncio.create_task(publisher.publish([build_record(0), build_record(1), build_record(0)]))
        await failing.batch_sent.wait()
        await asyncio.sleep(0)
        futures = {partition: future for partition, _, future in failing.sent}
        futures[1].set_result(None)
        futures[0].set_exception(KafkaError("gave up"))
        assert await publishing == [False, True, False]
        assert await publisher.publish([build_record(0)]) == [True], "by the new producer"
    assert failing.stopped
    assert len(replacement.sent) == 1


async def test_records_in_flight_are_unconfirmed_when_their_producer_is_replaced() -> None:
    failing, replacement = MemoryProducer(), MemoryProducer()
    failing.is_confirming = False
    async with PublisherHarness(failing, replacement, timeout=3600.0) as publisher:
        publishing = asyncio.create_task(publisher.publish([build_record(0), build_record(1)]))
        await failing.batch_sent.wait()
        await asyncio.sleep(0)
        failing.sent[0][2].set_exception(KafkaError("gave up"))
        async with asyncio.timeout(60):
            assert await publishing == [False, False]
            assert await publisher.publish([build_record(0), build_record(1)]) == [True, True]


async def test_a_record_without_confirmation_in_time_is_unconfirmed(producer: MemoryProducer) -> None:
    producer.is_confirming = False
    harness = PublisherHarness(producer)
    async with harness as publisher:
        assert await publisher.publish([build_record()]) == [False]
        harness.now = TIMEOUT + 1
        assert await publisher.publish([build_record()]) == [False], "without waiting, because the batch in flight is late"
        assert "no confirmation" in publisher.get_error()
        assert await publisher.probe() == publisher.get_error()
        producer.is_confirming = True
        producer.sent[0][2].set_result(None)
        while publisher.get_error():
            await asyncio.sleep(0)
        assert await publisher.publish([build_record()]) == [True]
    assert [len(batch.values) for _, batch, _ in producer.sent] == [1, 1]


async def test_no_request_waits_while_a_batch_is_late(producer: MemoryProducer) -> None:
    producer.is_confirming = False
    harness = PublisherHarness(producer, timeout=3600.0)
    async with harness as publisher:
        first = asyncio.create_task(publisher.publish([build_record()]))
        await producer.batch_sent.wait()
        harness.now = 3601.0
        async with asyncio.timeout(60):
            assert await publisher.publish([build_record()]) == [False]
        producer.sent[0][2].set_result(None)
        assert await first == [True]


async def test_a_record_whose_request_timed_out_in_the_queue_is_not_sent(producer: MemoryProducer) -> None:
    producer.is_confirming = False
    async with PublisherHarness(producer) as publisher:
        first = asyncio.create_task(publisher.publish([build_record(value=b"first")]))
        await producer.batch_sent.wait()
        assert await publisher.publish([build_record(value=b"timed out")]) == [False]
        producer.is_confirming = True
        producer.sent[0][2].set_result(None)
        await first
        assert await publisher.publish([build_record(value=b"last")]) == [True]
    assert [batch.values for _, batch, _ in producer.sent] == [[b"first"], [b"last"]]


async def test_records_over_the_queue_limit_are_unconfirmed_at_once(producer: MemoryProducer) -> None:
    producer.is_confirming = False
    async with PublisherHarness(producer) as publisher:
        results = await publisher.publish([build_record()] * (MAX_QUEUED_RECORDS + 1))
    assert results == [False] * (MAX_QUEUED_RECORDS + 1)
    assert len(producer.sent[0][1].values) == 1000
