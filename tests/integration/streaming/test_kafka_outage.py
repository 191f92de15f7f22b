"""Workers with a broker that freezes or dies: nothing is lost, and work continues when the broker is back."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.streaming.harness import PARTITIONS, StreamingHarness, open_harness
from tests.server_processes import KafkaBroker
from tests.unit.app.streaming.app_builder import PRIORITY_LIMITS

pytestmark = pytest.mark.slow

OUTAGE_SECONDS = 8.0  # longer than the workers' session timeout of 6 seconds


@pytest.fixture
async def harness(broker: KafkaBroker, prefix: str, tmp_path: Path) -> AsyncIterator[StreamingHarness]:
    """A harness on a broker that the test may freeze or kill."""
    await broker.wait_until_available()
    with open_harness(broker.url, prefix, tmp_path) as harness:
        await harness.create_topics()
        yield harness


async def check_all_written(harness: StreamingHarness, expected: set[bytes], max_duplicates: int = 0) -> None:
    """Without a restart, the worker writes everything, at most so much of it twice, and its table equals the changelog."""
    (worker,) = harness.workers
    await harness.wait_for_outputs(len(expected))
    assert worker.stop() == 0
    values = await harness.read_output_values()
    assert set(values) == expected
    assert len(values) - len(expected) <= max_duplicates
    await harness.check_tables("one")
    assert not [line for line in worker.lines if line.startswith("JUMP")]


# After a freeze the broker may drop the worker from its group before the next heartbeat arrives. Batches in flight, whose outputs are
# written but not their rows, are then redelivered and written twice.
MAX_IN_FLIGHT_RECORDS = PARTITIONS * PRIORITY_LIMITS[2].max_in_flight_batches * PRIORITY_LIMITS[2].max_batch_records


@pytest.mark.parametrize("kind", ["copy", "shared"])
async def test_work_continues_after_a_broker_was_frozen_for_longer_than_a_session(
    broker: KafkaBroker, harness: StreamingHarness, kind: str
) -> None:
    expected = await harness.produce_records("low", 0, 15_000)
    worker = harness.start_worker(kind)
    await harness.wait_for_outputs(100)
    async with broker.freeze():
        with pytest.raises(subprocess.TimeoutExpired):  # it keeps running
            worker.process.wait(timeout=OUTAGE_SECONDS)
    await check_all_written(harness, expected, max_duplicates=MAX_IN_FLIGHT_RECORDS)


async def test_work_continues_after_a_broker_was_killed_and_restarted(broker: KafkaBroker, harness: StreamingHarness) -> None:
    expected = await harness.produce_records("low", 0, 15_000)
    harness.start_worker()
    await harness.wait_for_outputs(100)
    broker.kill()
    await broker.wait_until_available()
    await check_all_written(harness, expected)


async def test_a_worker_without_kafka_stops_within_its_timeout(broker: KafkaBroker, harness: StreamingHarness) -> None:
    expected = await harness.produce_records("low", 0, 15_000)
    worker = harness.start_worker(settings={"drain_timeout": 1.0, "shutdown_timeout": 1.0})
    await harness.wait_for_outputs(100)
    async with broker.freeze():
        worker.stop()
    restarted = harness.start_worker()
    await harness.wait_for_outputs(len(expected))
    assert restarted.stop() == 0
    assert set(await harness.read_output_values()) == expected
