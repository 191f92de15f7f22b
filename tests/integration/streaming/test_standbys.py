"""Failover: the worker that takes over from a standby has every row of the changelog."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.streaming.harness import StreamingHarness, open_harness

pytestmark = pytest.mark.slow

PARTITIONS = 6  # half of them are standbys of a second worker
RECORDS = 72_000
RECORDS_PER_ROUND = 1200
ROUNDS = int(os.environ.get("TEST_FAILOVERS", "2"))
STANDBYS: dict[str, Any] = {"settings": {"standby_replicas": 1}, "recovery_write_delay": 0.1}


@pytest.fixture
async def harness(kafka_url: str, prefix: str, tmp_path: Path) -> AsyncIterator[StreamingHarness]:
    """A harness with several standby partitions."""
    with open_harness(kafka_url, prefix, tmp_path, PARTITIONS) as harness:
        await harness.create_topics()
        yield harness


async def check_rows(harness: StreamingHarness, name: str) -> None:
    """The tables of a stopped or killed worker have each row up to their stored offsets."""
    comparisons = await harness.compare_tables(name)
    assert len(comparisons) == PARTITIONS
    assert [comparison for comparison in comparisons if not comparison.is_equal] == []


async def test_after_each_failover_the_tables_equal_a_replay(harness: StreamingHarness) -> None:
    count = len(await harness.produce_records("low", 0, RECORDS))
    active, name = harness.start_worker(name="first", **STANDBYS), "first"
    await harness.wait_for_outputs(count)
    for number in range(ROUNDS):
        # Without tables, it recovers half of the partitions and is a lagging standby of the others.
        standby = harness.start_worker(name=f"standby-{number}", **STANDBYS)
        first = 2 * number * RECORDS_PER_ROUND
        count += len(await harness.produce_records("high", first, first + RECORDS_PER_ROUND))
        standby.wait_until_ready()
        active.stop(signal.SIGTERM if number % 2 else signal.SIGKILL)
        count += len(await harness.produce_records("high", first + RECORDS_PER_ROUND, first + 2 * RECORDS_PER_ROUND))
        await harness.wait_for_outputs(count)
        await check_rows(harness, name)
        active, name = standby, f"standby-{number}"
    assert active.stop() == 0
    await harness.check_tables(name)
