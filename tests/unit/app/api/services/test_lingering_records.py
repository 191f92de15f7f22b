"""Records that wait for others: what is written with them, and what becomes of them in a fault or at a stop."""

import asyncio

import pytest
from aiokafka.errors import KafkaError

from app.api.services import publisher as publisher_module
from tests.unit.app.api.services.publisher_harness import MemoryProducer, PublisherHarness, build_record, run_other_tasks

LONG = 3600.0  # seconds


@pytest.fixture
def producer() -> MemoryProducer:
    return MemoryProducer()


async def test_lingering_records_go_with_those_of_another_priority(producer: MemoryProducer) -> None:
    async with PublisherHarness(producer, timeout=LONG, lingering=("medium", "low")) as publisher:
        waiting = [
            asyncio.create_task(publisher.publish([build_record(n % 2, priority=priority)]))
            for n, priority in enumerate(["medium", "low", "low"])
        ]
        await run_other_tasks()
        assert producer.sent == []
        assert await publisher.publish([build_record(0, priority="high")]) == [True], "it waits for none"
        assert await asyncio.gather(*waiting) == [[True]] * 3
    assert sorted(partition for partition, _, _ in producer.sent) == [0, 0, 0, 1]


async def test_the_end_of_a_batch_does_not_send_what_lingers(producer: MemoryProducer) -> None:
    producer.is_confirming = False
    async with PublisherHarness(producer, timeout=LONG, lingering=("low",)) as publisher:
        waiting = [asyncio.create_task(publisher.publish([build_record(0)]))]
        await run_other_tasks()
        waiting.append(asyncio.create_task(publisher.publish([build_record(1, priority="high")])))
        await producer.batch_sent.wait()
        waiting.append(asyncio.create_task(publisher.publish([build_record(0)])))
        await run_other_tasks()
        for _, _, confirmed in producer.sent:
            confirmed.set_result(None)
        assert await asyncio.gather(*waiting[:2]) == [[True]] * 2
        await run_other_tasks()
        assert [len(batch.values) for _, batch, _ in producer.sent] == [1, 1]
        producer.is_confirming = True
        assert await publisher.publish([build_record(1, priority="high")]) == [True]
        assert await waiting[2] == [True]


async def test_records_that_became_due_during_a_batch_are_sent_after_it(producer: MemoryProducer) -> None:
    producer.is_confirming = False
    async with asyncio.timeout(60), PublisherHarness(producer, timeout=LONG, lingering=("low",)) as publisher:
        waiting = []
        for n in range(2):
            waiting.append(asyncio.create_task(publisher.publish([build_record(0)])))
            await run_other_tasks()
            waiting.append(asyncio.create_task(publisher.publish([build_record(n, priority="high")])))
            producer.batch_sent.clear()
            await producer.batch_sent.wait()
        producer.is_confirming = True
        for _, _, confirmed in producer.sent:
            if not confirmed.done():
                confirmed.set_result(None)
        assert await asyncio.gather(*waiting) == [[True]] * 4


async def test_a_stop_sends_what_lingers(producer: MemoryProducer) -> None:
    async with PublisherHarness(producer, timeout=LONG, lingering=("low",)) as publisher:
        assert await publisher.publish([build_record(priority="high")]) == [True]
        waiting = [asyncio.create_task(publisher.publish([build_record(n)])) for n in range(2)]
        await run_other_tasks()
        assert len(producer.sent) == 1
    assert await asyncio.gather(*waiting) == [[True]] * 2


async def test_a_stop_does_not_wait_long_for_kafka(producer: MemoryProducer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "FLUSH_TIMEOUT", 0.01)
    producer.is_confirming = False
    async with asyncio.timeout(60), PublisherHarness(producer, timeout=LONG, lingering=("low",)) as publisher:
        waiting = asyncio.create_task(publisher.publish([build_record()]))
        await run_other_tasks()
    assert len(producer.sent) == 1
    assert await waiting == [False]


async def test_a_stop_before_kafka_is_connected_leaves_lingering_records_unconfirmed() -> None:
    unreachable = [MemoryProducer(KafkaError("unreachable")) for _ in range(9)]
    async with PublisherHarness(*unreachable, timeout=LONG, lingering=("low",)) as publisher:
        waiting = asyncio.create_task(publisher.publish([build_record()]))
        await run_other_tasks()
        assert await publisher.publish([build_record()]) == [False], "at once, as Kafka does not answer"
    assert await waiting == [False]


async def test_lingering_records_survive_the_failure_of_a_producer() -> None:
    failing, replacement = MemoryProducer(), MemoryProducer()
    failing.is_confirming = False
    async with PublisherHarness(failing, replacement, timeout=LONG, lingering=("low",)) as publisher:
        failed = asyncio.create_task(publisher.publish([build_record(0, priority="high")]))
        await failing.batch_sent.wait()
        waiting = asyncio.create_task(publisher.publish([build_record(0)]))
        await run_other_tasks()
        failing.sent[0][2].set_exception(KafkaError("gave up"))
        assert await failed == [False]
        assert await publisher.publish([build_record(1, priority="high")]) == [True]
        assert await waiting == [True]
    assert len(replacement.sent) == 2


async def test_a_lingering_record_is_unconfirmed_after_the_timeout_and_not_sent_later(producer: MemoryProducer) -> None:
    async with PublisherHarness(producer, lingering=("low",)) as publisher:
        assert await publisher.publish([build_record(value=b"late")]) == [False]
        assert await publisher.publish([build_record(value=b"next", priority="high")]) == [True]
    assert [batch.values for _, batch, _ in producer.sent] == [[b"next"]]
