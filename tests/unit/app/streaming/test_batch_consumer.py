"""When partitions are fetched: not before a rebalance is over, for what is read earlier is thrown away by Faust."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from faust.types import TP

from app.streaming.batch_consumer import BatchConsumer
from tests.unit.app.streaming.apps import an_app

FIRST, SECOND = TP("t-notifications.high", 0), TP("t-notifications.high", 1)


@pytest.fixture
async def consumer(tmp_path: Path) -> AsyncIterator[BatchConsumer]:
    consumer = an_app(tmp_path).consumer
    assert isinstance(consumer, BatchConsumer)
    consumer.stop_flow()
    yield consumer
    consumer._thread.thread_loop.close()


async def test_partitions_are_fetched_when_the_flow_goes_on(consumer: BatchConsumer) -> None:
    consumer.resume_partitions({FIRST})
    assert consumer._get_active_partitions() == set()
    consumer.resume_flow()
    assert consumer._get_active_partitions() == {FIRST}
    assert consumer.flow_active


async def test_what_a_new_rebalance_stops_waits_for_its_end(consumer: BatchConsumer) -> None:
    consumer.resume_partitions({FIRST})
    consumer.stop_flow()
    consumer.resume_partitions({SECOND})
    consumer.resume_flow()
    assert consumer._get_active_partitions() == {SECOND}
