"""Transactional producers: what they roll back is not delivered, and the markers that end transactions leave no lag."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer

from tests.integration.streaming.harness import PARTITIONS, StreamingHarness

pytestmark = pytest.mark.slow


@asynccontextmanager
async def open_producer(harness: StreamingHarness, timeout_ms: int = 60_000) -> AsyncIterator[AIOKafkaProducer]:
    """A transactional producer of the test."""
    producer = AIOKafkaProducer(
        bootstrap_servers=harness.kafka, transactional_id=f"{harness.prefix}stranger", transaction_timeout_ms=timeout_ms
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def send_transaction(producer: AIOKafkaProducer, topic: str, value: bytes, *, commit: bool) -> None:
    """A transaction with one record in each partition; a marker ends it in each."""
    await producer.begin_transaction()
    for partition in range(PARTITIONS):
        await producer.send_and_wait(topic, value, value, partition=partition)
    await (producer.commit_transaction() if commit else producer.abort_transaction())


async def wait_for_commits(harness: StreamingHarness, offset: int) -> None:
    """Wait until this offset is committed in each partition of the high priority."""
    expected = {("in.high", partition): offset for partition in range(PARTITIONS)}
    async with asyncio.timeout(60):
        while await harness.get_committed_offsets() != expected:
            await asyncio.sleep(0.1)


async def test_an_aborted_transaction_is_not_delivered_and_leaves_no_lag(harness: StreamingHarness) -> None:
    topic = f"{harness.prefix}in.high"
    worker = harness.start_worker()
    worker.wait_until_ready()
    async with open_producer(harness) as producer:
        await send_transaction(producer, topic, b"111111", commit=False)
        await wait_for_commits(harness, 2)
        await send_transaction(producer, topic, b"222222", commit=True)
        await wait_for_commits(harness, 4)
        await send_transaction(producer, topic, b"333333", commit=False)
        await wait_for_commits(harness, 6)
    assert worker.stop() == 0
    assert await harness.read_output_values() == [b"222222"] * PARTITIONS


async def test_recovery_ends_although_an_aborted_transaction_is_last_in_the_changelog(harness: StreamingHarness) -> None:
    expected = await harness.produce_records("high", 0, 100)
    worker = harness.start_worker()
    await harness.wait_for_outputs(len(expected))
    assert worker.stop() == 0
    async with open_producer(harness) as producer:
        await send_transaction(producer, f"{harness.prefix}copy-seen-changelog", b"stranger", commit=False)
    shutil.rmtree(harness.get_data_dir("one"))
    restarted = harness.start_worker()
    restarted.wait_until_ready()
    expected |= await harness.produce_records("high", 100, 200)
    await harness.wait_for_outputs(len(expected))
    assert restarted.stop() == 0
    await harness.check_tables("one")


async def test_an_open_transaction_holds_its_partition_up_until_its_timeout(harness: StreamingHarness) -> None:
    async with open_producer(harness, timeout_ms=5000) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(f"{harness.prefix}in.high", b"of nobody", partition=0)
        expected = await harness.produce_records("high", 0, 10)
        worker = harness.start_worker()
        await harness.wait_for_outputs(len(expected))
        assert worker.stop() == 0
        assert set(await harness.read_output_values()) == expected
