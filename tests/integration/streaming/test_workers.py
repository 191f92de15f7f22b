"""Workers on a real broker: killed, failing, rebalancing and recovering; nothing is lost, and tables equal their changelogs."""

import shutil
import signal

import pytest

from tests.integration.streaming.harness import PARTITIONS, PRIORITIES, StreamingHarness

pytestmark = pytest.mark.slow


async def check_table_equals_changelog(here: StreamingHarness, name: str) -> None:
    """Every partition that the stopped worker had is what its changelog says."""
    replay = await here.replay_changelog()
    for partition in range(PARTITIONS):
        assert here.read_rows(name, partition) == replay[partition]


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
    await check_table_equals_changelog(harness, "one")


async def test_a_worker_killed_in_the_middle_loses_nothing(harness: StreamingHarness) -> None:
    expected = await harness.produce_records("low", 0, 10_000)
    worker = harness.start_worker()
    worker.wait_until_ready()
    await harness.wait_for_outputs(1000)
    worker.stop(signal.SIGKILL)
    again = harness.start_worker()
    await harness.wait_for_outputs(len(expected))
    assert again.stop() == 0
    values = await harness.read_output_values()
    assert set(values) == expected
    in_flight = 500 * PARTITIONS  # one batch of each partition is worked on at a time
    assert len(values) - len(expected) <= in_flight
    await check_table_equals_changelog(harness, "one")


async def test_an_agents_error_ends_the_worker_and_its_batch_comes_again(harness: StreamingHarness) -> None:
    expected = await harness.produce_records("high", 0, 2000)
    worker = harness.start_worker("fail", fail_at="high-1200")
    assert worker.wait() not in (0, -signal.SIGKILL)
    assert "ValueError: told to fail" in "".join(worker.lines)
    assert b"high-1200" not in await harness.read_output_values()
    again = harness.start_worker()
    await harness.wait_for_outputs(len(expected))
    assert again.stop() == 0
    values = await harness.read_output_values()
    assert set(values) == expected
    assert len(values) == len(expected)
    await check_table_equals_changelog(harness, "one")


async def test_workers_that_come_and_go_share_the_work(harness: StreamingHarness) -> None:
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
    await check_table_equals_changelog(harness, "three")


async def test_recovery_from_nothing_equals_a_replay(harness: StreamingHarness) -> None:
    expected = await harness.produce_records("low", 0, 10_000)
    worker = harness.start_worker()
    await harness.wait_for_outputs(len(expected))
    assert worker.stop() == 0
    shutil.rmtree(harness.get_data_dir("one"))
    again = harness.start_worker()
    again.wait_until_ready()
    assert again.stop() == 0
    await check_table_equals_changelog(harness, "one")


async def test_held_batches_end_out_of_order_and_nothing_is_lost(harness: StreamingHarness) -> None:
    expected = set[bytes]()
    for priority in PRIORITIES:
        expected |= await harness.produce_records(priority, 0, 3000)
    worker = harness.start_worker("held")
    worker.wait_until_ready()
    await harness.wait_for_outputs(500)
    worker.stop(signal.SIGKILL)
    again = harness.start_worker("held")
    await harness.wait_for_outputs(len(expected))
    assert again.stop() == 0
    values = await harness.read_output_values()
    assert set(values) == expected
    assert await harness.get_committed_offsets() == {
        (f"in.{priority}", number): 1500 for priority in PRIORITIES for number in range(PARTITIONS)
    }
    await check_table_equals_changelog(harness, "one")


async def test_topics_with_other_partitions_stop_the_start(harness: StreamingHarness) -> None:
    harness.prefix = f"{harness.prefix}wide-"
    await harness.create_topics(partitions=3)
    worker = harness.start_worker()
    assert worker.wait() != 0
    assert f"{harness.prefix}out: 3 partitions, wanted 2" in "".join(worker.lines)


async def test_a_worker_that_slept_through_its_session_writes_nothing_it_must_not(harness: StreamingHarness) -> None:
    expected = await harness.produce_records("low", 0, 10_000)
    sleeper = harness.start_worker(name="one")
    await harness.wait_for_outputs(100)
    sleeper.process.send_signal(signal.SIGSTOP)
    try:
        heir = harness.start_worker(name="two")
        await harness.wait_for_outputs(len(expected))
    finally:
        sleeper.process.send_signal(signal.SIGCONT)
    expected |= await harness.produce_records("high", 0, 2000)
    await harness.wait_for_outputs(len(expected))
    assert sleeper.stop() == 0
    # What the sleeper had handed to Kafka before it fell asleep may still arrive. The heir then notices rows in its changelog that it does
    # not have, and ends rather than go on without them.
    heir_failed = heir.stop() != 0
    assert heir_failed == ("ChangelogConflictError" in "".join(heir.lines))
    last = harness.start_worker(name="two")  # alone now: it recovers both partitions
    last.wait_until_ready()
    assert last.stop() == 0
    values = await harness.read_output_values()
    assert set(values) == expected
    in_flight = 500 * PARTITIONS  # of each worker that did not end in order
    assert len(values) - len(expected) <= in_flight * (1 + heir_failed)
    await check_table_equals_changelog(harness, "two")
