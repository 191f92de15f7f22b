"""Workers beside a broker that freezes and one that dies: nothing is lost or acknowledged meanwhile; then the work goes on."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.streaming.settings import DEFAULT_PRIORITY_LIMITS
from tests.integration.streaming.harness import PARTITIONS, StreamingHarness, open_harness
from tests.server_processes import KafkaBroker

pytestmark = pytest.mark.slow

OUTAGE_SECONDS = 8.0  # seconds; the workers' session lasts 6


@pytest.fixture
async def harness(broker: KafkaBroker, prefix: str, tmp_path: Path) -> AsyncIterator[StreamingHarness]:
    """A scene on a broker that may be hurt."""
    await broker.wait_until_available()
    with open_harness(broker.url, prefix, tmp_path) as made:
        await made.create_topics()
        yield made


async def check_all_written(here: StreamingHarness, expected: set[bytes], max_duplicates: int = 0) -> None:
    """The one worker goes on by itself to the end: all is written, at most so much of it twice, and the table equals its changelog."""
    (worker,) = here.workers
    await here.wait_for_outputs(len(expected))
    assert worker.stop() == 0
    values = await here.read_output_values()
    assert set(values) == expected
    assert len(values) - len(expected) <= max_duplicates
    replay = await here.replay_changelog()
    for partition in range(PARTITIONS):
        assert here.read_rows("one", partition) == replay[partition]


# A broker that thaws may take the worker for dead before it hears from it again. What was sent and has no row yet comes again then, and is
# told again: the batches in hand.
MAX_IN_FLIGHT_RECORDS = PARTITIONS * DEFAULT_PRIORITY_LIMITS[2].max_in_flight_batches * DEFAULT_PRIORITY_LIMITS[2].max_batch_records


@pytest.mark.parametrize("kind", ["copy", "held"])
async def test_a_broker_that_froze_for_longer_than_a_session(broker: KafkaBroker, harness: StreamingHarness, kind: str) -> None:
    expected = await harness.produce_records("low", 0, 15_000)
    worker = harness.start_worker(kind)
    await harness.wait_for_outputs(100)
    async with broker.freeze():
        with pytest.raises(subprocess.TimeoutExpired):  # it lives on
            worker.process.wait(timeout=OUTAGE_SECONDS)
    await check_all_written(harness, expected, max_duplicates=MAX_IN_FLIGHT_RECORDS)


async def test_a_broker_that_died_and_came_back(broker: KafkaBroker, harness: StreamingHarness) -> None:
    expected = await harness.produce_records("low", 0, 15_000)
    harness.start_worker()
    await harness.wait_for_outputs(100)
    broker.kill()
    await broker.wait_until_available()
    await check_all_written(harness, expected)


async def test_a_worker_told_to_stop_without_kafka_does_so_within_its_time(broker: KafkaBroker, harness: StreamingHarness) -> None:
    expected = await harness.produce_records("low", 0, 15_000)
    worker = harness.start_worker(settings={"drain_timeout": 1.0, "shutdown_timeout": 1.0})
    await harness.wait_for_outputs(100)
    async with broker.freeze():
        worker.stop()
    again = harness.start_worker()
    await harness.wait_for_outputs(len(expected))
    assert again.stop() == 0
    assert set(await harness.read_output_values()) == expected
