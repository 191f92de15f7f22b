"""A position that Kafka no longer has: it is reported from where to where the worker goes on, and what the log holds is processed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from tests.integration.streaming.harness import PARTITIONS, PRIORITIES, StreamingHarness, WorkerProcess

pytestmark = pytest.mark.slow


@asynccontextmanager
async def open_admin(harness: StreamingHarness) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client."""
    admin = AIOKafkaAdminClient(bootstrap_servers=harness.kafka)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def commit_offsets(harness: StreamingHarness, offset: int) -> None:
    """Commit this offset of the high priority for the group, in each partition."""
    partitions = [TopicPartition(f"{harness.prefix}in.high", number) for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(bootstrap_servers=harness.kafka, group_id=f"{harness.prefix}copy", enable_auto_commit=False) as consumer:
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, offset))


async def delete_records(harness: StreamingHarness, offset: int) -> None:
    """Delete the records of the high priority before this offset, as retention does."""
    async with open_admin(harness) as admin:
        partitions = [TopicPartition(f"{harness.prefix}in.high", number) for number in range(PARTITIONS)]
        await admin.delete_records(dict.fromkeys(partitions, RecordsToDelete(offset)))


async def recreate_topics(harness: StreamingHarness) -> None:
    """Delete the topics and create them again, with the same names and without records."""
    async with open_admin(harness) as admin:
        await admin.delete_topics([f"{harness.prefix}in.{priority}" for priority in PRIORITIES] + [f"{harness.prefix}out"])
    await harness.create_topics()


async def wait_for_commits(harness: StreamingHarness, offset: int) -> None:
    """Wait until this offset of the high priority is committed in each partition."""
    expected = {("in.high", partition): offset for partition in range(PARTITIONS)}
    async with asyncio.timeout(60):
        while await harness.get_committed_offsets() != expected:
            await asyncio.sleep(0.1)


def get_jumps(worker: WorkerProcess) -> set[str]:
    """The jumps that the worker has reported: topic, partition, from, to."""
    return {line.strip().removeprefix("JUMP ") for line in worker.lines if line.startswith("JUMP ")}


def build_jumps(from_offset: int, to_offset: int) -> set[str]:
    """The same jump in each partition of the high priority."""
    return {f"in.high {partition} {from_offset} {to_offset}" for partition in range(PARTITIONS)}


async def test_a_committed_offset_above_the_end_of_the_log_is_reported_and_all_records_are_processed(harness: StreamingHarness) -> None:
    expected = await harness.produce_records("high", 0, 20)
    await commit_offsets(harness, 1000)
    worker = harness.start_worker()
    await harness.wait_for_outputs(len(expected))
    await wait_for_commits(harness, 10)
    assert worker.stop() == 0
    assert set(await harness.read_output_values()) == expected
    assert get_jumps(worker) == build_jumps(1000, 0)


async def test_records_that_retention_removed_before_they_were_read_are_reported(harness: StreamingHarness) -> None:
    await harness.produce_records("high", 0, 100)
    await commit_offsets(harness, 10)
    await delete_records(harness, 40)
    worker = harness.start_worker()
    worker.wait_until_ready()
    await wait_for_commits(harness, 50)
    assert worker.stop() == 0
    assert set(await harness.read_output_values()) == {b"high-%d" % number for number in range(80, 100)}
    assert get_jumps(worker) == build_jumps(10, 40)


async def test_by_setting_a_jump_ends_the_worker_and_moves_no_commit(harness: StreamingHarness) -> None:
    await harness.produce_records("high", 0, 20)
    await commit_offsets(harness, 1000)
    worker = harness.start_worker(settings={"stop_on_position_jump": True})
    assert worker.wait() == 1
    assert "the next record was to be offset 1000, but the log continues at 0" in "".join(worker.lines)
    assert await harness.read_output_values() == []
    assert await harness.get_committed_offsets() == {("in.high", partition): 1000 for partition in range(PARTITIONS)}


async def test_a_group_that_never_committed_starts_at_the_first_record_without_an_alarm(harness: StreamingHarness) -> None:
    await harness.produce_records("high", 0, 20)
    await delete_records(harness, 4)
    worker = harness.start_worker()
    worker.wait_until_ready()
    await wait_for_commits(harness, 10)
    assert worker.stop() == 0
    assert get_jumps(worker) == set()


@pytest.mark.parametrize("new_records", [10, 60])
async def test_a_topic_made_anew_under_a_running_worker_is_read_from_its_beginning(harness: StreamingHarness, new_records: int) -> None:
    await harness.produce_records("high", 0, 40)
    worker = harness.start_worker()
    worker.wait_until_ready()
    await wait_for_commits(harness, 20)
    await recreate_topics(harness)
    expected = await harness.produce_records("high", 1000, 1000 + new_records)
    await harness.wait_for_outputs(len(expected))
    await wait_for_commits(harness, new_records // PARTITIONS)
    assert worker.stop() == 0
    assert set(await harness.read_output_values()) >= expected
    assert get_jumps(worker) == build_jumps(20, 0)
