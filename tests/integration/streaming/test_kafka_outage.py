"""Workers with a broker that freezes or dies: nothing is lost, and work continues when the broker is back."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.streaming.harness import PARTITIONS, StreamingHarness, open_harness
from tests.server_processes import KafkaBroker
from tests.settings_builders import DEFAULT_SETTINGS
from tests.unit.app.streaming.app_builder import PRIORITY_LIMITS

pytestmark = pytest.mark.slow

SHUTDOWN_TIMEOUT = DEFAULT_SETTINGS.worker.shutdown_timeout
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


@pytest.mark.parametrize("kind", ["copy", "shared"])
async def test_a_worker_without_kafka_stops_in_order(broker: KafkaBroker, harness: StreamingHarness, kind: str) -> None:
    expected = await harness.produce_records("low", 0, 15_000)
    worker = harness.start_worker(kind, settings={"drain_timeout": 1.0, "shutdown_timeout": SHUTDOWN_TIMEOUT})
    await harness.wait_for_outputs(100)
    async with broker.freeze():
        assert worker.stop() == 0
    restarted = harness.start_worker(kind)
    await harness.wait_for_outputs(len(expected))
    assert restarted.stop() == 0
    assert set(await harness.read_output_values()) == expected


async def test_a_worker_in_recovery_without_kafka_stops_in_order(broker: KafkaBroker, harness: StreamingHarness) -> None:
    await harness.produce_records("low", 0, 10_000)
    worker = harness.start_worker()
    await harness.wait_for_outputs(10_000)
    assert worker.stop() == 0
    recovering = harness.start_worker(name="two", recovery_write_delay=1.0, settings={"shutdown_timeout": SHUTDOWN_TIMEOUT})
    await recovering.wait_for_line("Restoring state")
    async with broker.freeze():
        assert recovering.stop() == 0
    assert not any(line.startswith("READY") for line in recovering.lines)


async def test_a_worker_that_fails_without_kafka_stops_in_order_with_its_error(broker: KafkaBroker, harness: StreamingHarness) -> None:
    await harness.produce_records("high", 0, 2000)
    worker = harness.start_worker(fail_at="high-1200", settings={"shutdown_timeout": SHUTDOWN_TIMEOUT})
    await worker.wait_for_line("an agent failed")
    async with broker.freeze():
        assert worker.wait() == 1
    assert "requested failure" in "".join(worker.lines)
