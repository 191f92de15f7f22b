"""Workers on a real broker that are killed, fail, rebalance and recover: nothing is lost, and tables equal their changelogs."""

import shutil
import signal

import pytest

from tests.integration.streaming.harness import PARTITIONS, PRIORITIES, StreamingHarness

pytestmark = pytest.mark.slow


async def test_all_priorities_are_consumed_and_committed(harness: StreamingHarness) -> None:
    expected = set[bytes]()
    for priority in PRIORITIES:
        expected |= await harness.produce_records(priority, 0, 1000)
    worker = harness.start_worker()
    await harness.wait_for_outputs(len(expected))
    assert worker.stop() == 0
    values = await harness.read_output_values()
    assert set(values) == expected
    assert len(values) == len(expected)
    assert await harness.get_committed_offsets() == {
        (f"in.{priority}", number): 500 for priority in PRIORITIES for number in range(PARTITIONS)
    }
    await harness.check_tables("one")


async def test_a_worker_killed_during_work_loses_nothing(harness: StreamingHarness) -> None:
    expected = await harness.produce_records("low", 0, 10_000)
    worker = harness.start_worker()
    worker.wait_until_ready()
    await harness.wait_for_outputs(1000)
    worker.stop(signal.SIGKILL)
    restarted = harness.start_worker()
    await harness.wait_for_outputs(len(expected))
    assert restarted.stop() == 0
    values = await harness.read_output_values()
    assert set(values) == expected
    in_flight = 500 * PARTITIONS  # of low, one batch of each partition is in flight
    assert len(values) - len(expected) <= in_flight
    await harness.check_tables("one")


async def test_an_error_of_an_agent_stops_the_worker_and_its_batch_is_redelivered(harness: StreamingHarness) -> None:
    expected = await harness.produce_records("high", 0, 2000)
    worker = harness.start_worker("fail", fail_at="high-1200")
    assert worker.wait() not in (0, -signal.SIGKILL)
    assert "ValueError: requested failure" in "".join(worker.lines)
    assert b"high-1200" not in await harness.read_output_values()
    restarted = harness.start_worker()
    await harness.wait_for_outputs(len(expected))
    assert restarted.stop() == 0
    values = await harness.read_output_values()
    assert set(values) == expected
    assert len(values) == len(expected)
    await harness.check_tables("one")


async def test_joining_and_leaving_workers_share_the_work(harness: StreamingHarness) -> None:
    expected = await harness.produce_records("low", 0, 10_000)
    first = harness.start_worker(name="one")
    first.wait_until_ready()
    second = harness.start_worker(name="two")
    second.wait_until_ready()
    expected |= await harness.produce_records("medium", 0, 10_000)
    assert first.stop() == 0
    third = harness.start_worker(name="three")
    second.stop(signal.SIGKILL)
    expected |= await harness.produce_records("high", 0, 10_000)
    await harness.wait_for_outputs(len(expected))
    assert third.stop() == 0
    values = await harness.read_output_values()
    assert set(values) == expected
    assert len(values) - len(expected) <= 500 * PARTITIONS * len(PRIORITIES)
    await harness.check_tables("three")


async def test_recovery_without_local_tables_equals_a_replay(harness: StreamingHarness) -> None:
    expected = await harness.produce_records("low", 0, 10_000)
    worker = harness.start_worker()
    await harness.wait_for_outputs(len(expected))
    assert worker.stop() == 0
    shutil.rmtree(harness.get_data_dir("one"))
    restarted = harness.start_worker()
    restarted.wait_until_ready()
    assert restarted.stop() == 0
    await harness.check_tables("one")


async def test_a_recovery_that_cannot_write_ends_the_worker_with_the_cause(harness: StreamingHarness) -> None:
    await harness.produce_records("low", 0, 10_000)
    worker = harness.start_worker()
    await harness.wait_for_outputs(10_000)
    assert worker.stop() == 0
    restarted = harness.start_worker(name="full-disk", max_file_size=64 * 1024)
    assert restarted.wait() == 1
    log = "".join(restarted.lines)
    assert "READY" not in log
    assert "TableWriteError: table seen: RocksDB could not write" in log
    assert "File too large" in log


async def test_batches_acknowledged_out_of_order_lose_nothing(harness: StreamingHarness) -> None:
    expected = set[bytes]()
    for priority in PRIORITIES:
        expected |= await harness.produce_records(priority, 0, 3000)
    worker = harness.start_worker("shared")
    worker.wait_until_ready()
    await harness.wait_for_outputs(500)
    worker.stop(signal.SIGKILL)
    restarted = harness.start_worker("shared")
    await harness.wait_for_outputs(len(expected))
    assert restarted.stop() == 0
    values = await harness.read_output_values()
    assert set(values) == expected
    assert await harness.get_committed_offsets() == {
        (f"in.{priority}", number): 1500 for priority in PRIORITIES for number in range(PARTITIONS)
    }
    await harness.check_tables("one")


async def test_a_worker_does_not_start_with_another_partition_count(harness: StreamingHarness) -> None:
    harness.prefix = f"{harness.prefix}wide-"
    await harness.create_topics(partitions=3)
    worker = harness.start_worker()
    assert worker.wait() != 0
    assert f"{harness.prefix}out: 3 partitions, expected 2" in "".join(worker.lines)


async def test_a_worker_paused_past_its_session_is_fenced(harness: StreamingHarness) -> None:
    expected = await harness.produce_records("low", 0, 10_000)
    paused = harness.start_worker(name="one")
    await harness.wait_for_outputs(100)
    paused.process.send_signal(signal.SIGSTOP)
    try:
        successor = harness.start_worker(name="two")
        await harness.wait_for_outputs(len(expected))
    finally:
        paused.process.send_signal(signal.SIGCONT)
    expected |= await harness.produce_records("high", 0, 2000)
    await harness.wait_for_outputs(len(expected))
    assert paused.stop() == 0
    # Records that the paused worker had already sent may still be written. The successor then detects changelog records that it has not
    # recovered, and stops with ChangelogConflictError.
    successor_failed = successor.stop() != 0
    assert successor_failed == ("ChangelogConflictError" in "".join(successor.lines))
    last = harness.start_worker(name="two")  # the only worker: it recovers both partitions
    last.wait_until_ready()
    assert last.stop() == 0
    values = await harness.read_output_values()
    assert set(values) == expected
    in_flight = 500 * PARTITIONS  # of each worker that did not stop in order
    assert len(values) - len(expected) <= in_flight * (1 + successor_failed)
    await harness.check_tables("two")
