"""A rebalance that begins while a worker stops waits until the worker has drained, committed and left the group."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from app.streaming.consumer.batch_consumer import BatchConsumer

REVOKED = {TP("t-requests", 0)}


class FakeCoordinator:
    """aiokafka's coordinator in a rebalance: its task waits for the listener, and the close waits for the task."""

    generation = 1

    def __init__(self, delegate: Any) -> None:
        self._coordination_task = asyncio.ensure_future(self._coordinate(delegate))
        self.has_rejoined = False

    async def _coordinate(self, delegate: Any) -> None:
        await delegate._rebalance_listener.on_partitions_revoked(REVOKED)
        self.has_rejoined = True

    async def close(self) -> None:
        if not self._coordination_task.done():
            await self._coordination_task


class FakeKafkaConsumer:
    def __init__(self, delegate: Any) -> None:
        self._coordinator = FakeCoordinator(delegate)
        self._client = SimpleNamespace(close=self._close_client)
        self.has_left_group = self._closed = False

    async def _close_client(self) -> None:
        self._closed = True

    async def stop(self) -> None:
        if not self._closed:
            self._closed = True
            await self._coordinator.close()
            self.has_left_group = True


@pytest.fixture
async def kafka_consumer(consumer: BatchConsumer) -> FakeKafkaConsumer:
    consumer.app._stopped.set()
    consumer._thread._consumer = fake = FakeKafkaConsumer(consumer._thread)
    await consumer._method_queue.start()
    return fake


async def test_a_rebalance_in_a_stop_cuts_off_neither_the_drain_nor_the_last_commits(
    consumer: BatchConsumer, kafka_consumer: FakeKafkaConsumer
) -> None:
    for _ in range(20):
        await asyncio.sleep(0)
    assert not kafka_consumer._closed
    assert not kafka_consumer._coordinator.has_rejoined
    await consumer._thread.stop()
    await consumer._method_queue.stop()


async def test_the_stop_ends_the_rebalance_and_leaves_the_group(consumer: BatchConsumer, kafka_consumer: FakeKafkaConsumer) -> None:
    for _ in range(20):
        await asyncio.sleep(0)
    await consumer._thread.stop()
    assert kafka_consumer.has_left_group
    assert not kafka_consumer._coordinator.has_rejoined
    await consumer._method_queue.stop()


async def test_an_assignment_in_a_stop_does_not_close_the_connections(consumer: BatchConsumer, kafka_consumer: FakeKafkaConsumer) -> None:
    await consumer._thread.on_partitions_assigned(REVOKED, 2)
    assert not kafka_consumer._closed
    await consumer._thread.stop()
    await consumer._method_queue.stop()
