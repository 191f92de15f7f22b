"""Routers are killed, restarted, stopped and added under load: nothing is lost, duplicates are bounded, decisions and tables agree."""

import asyncio

import pytest

from schemas.enums import PRIORITIES
from schemas.ids import derive_delivery_id
from tests.chaos import checker
from tests.chaos.workload import SMS_PER_HOUR, SMS_PER_LIMITED_USER, Workload, WorkloadMix, WorkloadRecord, generate_records
from tests.cluster import PARTITIONS, HeroldCluster
from tests.settings_builders import DEFAULT_SETTINGS
from tests.table_comparison import PartitionComparison, compare_tables

CRC32_MIX = WorkloadMix(count=100_000, limited_user_count=1_500)
MURMUR2_MIX = WorkloadMix(count=100_000, limited_user_count=1_500, murmur2_share=0.5, duplicate_share=0.3)
BATCH_SIZE = 500
# After a kill, the batches whose outputs are produced but whose rows are not are decided again. Commits group the batches of all priorities
# (docs/decisions/0006), so these can be all in-flight batches of one of two routers, which has half of the partitions.
MAX_REPEATED = PARTITIONS // 2 * len(PRIORITIES) * DEFAULT_SETTINGS.router.max_in_flight_batches * BATCH_SIZE


@pytest.mark.slow
@pytest.mark.parametrize("mix", [CRC32_MIX, MURMUR2_MIX], ids=["crc32", "murmur2"])
async def test_routers_leave_and_join_under_load(mix: WorkloadMix, cluster: HeroldCluster) -> None:
    records = generate_records(mix, seed=mix.count)
    cluster.env["HEROLD_ROUTER_MAX_BATCH_RECORDS"] = str(BATCH_SIZE)
    async with asyncio.timeout(300), Workload(cluster, records) as workload:
        await change_routers(cluster, workload, len(records) // 5)
        output = await checker.read_router_output(cluster, workload.topic_reader)
        misplaced, repartitions = await checker.count_repartitions(cluster, workload.topic_reader)
        comparisons = [comparison for name in ("a", "b", "c") for comparison in await compare_router_tables(cluster, name)]
    print(f"{output.duplicate_count} of {len(output.record_counts)} deliveries produced twice, {misplaced} records repartitioned")
    check_nothing_is_lost(records, output)
    assert output.wrong_partition_ids == []
    assert output.dead_letter_count == 0
    assert output.conflicting_states == {}
    assert output.duplicate_count <= MAX_REPEATED
    assert output.decided_count - len(output.states) <= MAX_REPEATED
    assert (misplaced > 0, repartitions) == (mix.murmur2_share > 0, mix.murmur2_share > 0)
    assert [comparison for comparison in comparisons if not comparison.is_equal] == []
    up_to_date = [comparison for comparison in comparisons if comparison.is_complete]
    assert list_partitions(up_to_date) == list_partitions(comparisons)
    idempotency_rows = sum(comparison.row_count for comparison in up_to_date if comparison.table == "idempotency")
    assert idempotency_rows >= len(output.states) - mix.duplicate_share * mix.count


async def compare_router_tables(cluster: HeroldCluster, name: str) -> list[PartitionComparison]:
    return await compare_tables(cluster.urls.kafka, f"{cluster.prefix}router", cluster.data_dir / f"router-{name}")


def list_partitions(comparisons: list[PartitionComparison]) -> set[tuple[str, int]]:
    return {(comparison.table, comparison.partition) for comparison in comparisons}


async def change_routers(cluster: HeroldCluster, workload: Workload, slice_size: int) -> None:
    """Start two routers, kill and restart one, stop the other, add a third; each while a slice of the workload is processed."""
    await asyncio.gather(cluster.start_worker("router", "a"), cluster.start_worker("router", "b"))
    producing = await workload.begin_slice(slice_size)
    await workload.wait_until_started()
    cluster.kill_process("a")
    assert all((await workload.count_undecided()).values()), "the router was killed after the end of the slice"
    await producing
    await workload.produce_until(asyncio.create_task(cluster.start_worker("router", "a")), slice_size)
    producing = await workload.begin_slice(slice_size)
    await workload.wait_until_started()
    stopping = asyncio.create_task(cluster.stop_process("b"))
    await asyncio.sleep(0)
    assert all((await workload.count_undecided()).values()), "the router was stopped after the end of the slice"
    assert await stopping == 0
    await producing
    await workload.produce_until(asyncio.create_task(cluster.start_worker("router", "c")), slice_size)
    await workload.produce_rest()
    await workload.wait_until_drained()
    assert cluster.read_metric("c", "herold_router_records_total") > 0, "the third router processed no records"
    assert [await cluster.stop_process(name) for name in ("a", "c")] == [0, 0]


def check_nothing_is_lost(records: list[WorkloadRecord], output: checker.RouterOutput) -> None:
    """Assert that each e-mail address has its delivery, and each limited number as many deliveries as the rate limit admits."""
    assert SMS_PER_LIMITED_USER >= SMS_PER_HOUR
    expected = {record.address: SMS_PER_HOUR if record.channel == "sms" else 1 for record in records}
    assert {address: len(ids) for address, ids in output.delivery_ids.items()} == expected
    for record in records:
        if record.id:
            assert record.id in output.states
            if record.channel == "email" and not record.key:
                assert output.delivery_ids[record.address] == {derive_delivery_id(record.id, record.user, "email", record.address)}
    assert len(output.states) == len(records)
    assert output.planned_delivery_ids == set(output.record_counts)
