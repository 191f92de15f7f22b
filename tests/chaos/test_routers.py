"""Routers killed, restarted, stopped and added while notifications flow: nothing lost, doubles bounded, one verdict each, tables true."""

import asyncio
from collections import Counter

import pytest

from app.settings import load_settings
from dev.stack.stack import ServerUrls
from schemas.enums import PRIORITIES
from schemas.ids import derive_delivery_id
from tests.chaos import checker
from tests.chaos.workload import SMS_PER_HOUR, SMS_PER_LIMITED_USER, Workload, WorkloadMix, WorkloadRecord, generate_records
from tests.cluster import PARTITIONS, HeroldCluster

OURS = WorkloadMix(count=100_000, limited_user_count=1_500)
FOREIGN = WorkloadMix(count=100_000, limited_user_count=1_500, murmur2_share=0.5, duplicate_share=0.3)
BATCH = 500
# What a kill makes anew: batches whose outputs are out and whose rows are not. They go in groups of what was decided meanwhile, in all
# priorities (docs/decisions/0006), so that may be everything that one of two routers had in flight of its half of the partitions.
IN_FLIGHT = PARTITIONS // 2 * len(PRIORITIES) * load_settings({}).router.max_in_flight_batches * BATCH


@pytest.mark.slow
@pytest.mark.parametrize("mix", [OURS, FOREIGN], ids=["ours", "murmur2"])
async def test_routers_die_leave_and_join_while_notifications_flow(
    mix: WorkloadMix, cluster: HeroldCluster, server_urls: ServerUrls
) -> None:
    stock = generate_records(mix, seed=mix.count)
    cluster.env["HEROLD_ROUTER_MAX_BATCH_RECORDS"] = str(BATCH)
    async with asyncio.timeout(300), Workload(cluster, stock) as flow:
        await play(cluster, flow, len(stock) // 5)
        found = await checker.read_router_output(cluster, flow.topic_reader)
        foreign, hops = await checker.count_repartitions(cluster, flow.topic_reader)
        compared = await checker.compare_tables(cluster, flow.topic_reader, ("a", "b", "c"))
    print(f"{found.duplicate_count} of {len(found.record_counts)} deliveries said twice, {foreign} records forwarded")
    assert nothing_lost(stock, found)
    assert found.wrong_partition_ids == []
    assert found.dead_letter_count == 0
    assert found.conflicting_states == {}
    assert found.duplicate_count <= IN_FLIGHT
    assert found.decided_count - len(found.states) <= IN_FLIGHT
    assert (foreign > 0, hops) == (mix.murmur2_share > 0, mix.murmur2_share > 0)
    assert [one for one in compared if not one.is_equal] == []
    assert {(one.table, one.partition) for one in compared if one.is_at_end} == {(one.table, one.partition) for one in compared}
    assert (
        sum(one.row_count for one in compared if one.is_at_end and one.table == "idempotency")
        >= len(found.states) - mix.duplicate_share * mix.count
    )


async def play(stand: HeroldCluster, flow: Workload, each: int) -> None:
    """Two routers; one killed and restarted, the other stopped, a third added; each while a slice is on its way."""
    await asyncio.gather(stand.start_worker("router", "a"), stand.start_worker("router", "b"))
    await flow.produce_slice(each)
    await flow.wait_until_started()
    stand.kill_process("a")
    assert all((await flow.count_undecided()).values()), "the kill came after the flow"
    await flow.produce_until(asyncio.create_task(stand.start_worker("router", "a")), each)
    await flow.produce_slice(each)
    await flow.wait_until_started()
    stopping = asyncio.create_task(stand.stop_process("b"))
    await asyncio.sleep(0)
    assert all((await flow.count_undecided()).values()), "the stop came after the flow"
    assert await stopping == 0
    await flow.produce_until(asyncio.create_task(stand.start_worker("router", "c")), each)
    await flow.produce_rest()
    await flow.wait_until_drained()
    assert stand.read_metric("c", "herold_router_records_total") > 0, "the third router got nothing to do"
    assert [await stand.stop_process(name) for name in ("a", "c")] == [0, 0]


def nothing_lost(stock: list[WorkloadRecord], found: checker.RouterOutput) -> bool:
    """Whether each address got what it must: one delivery, the right one; a limited number, as many as the limit admits."""
    wanted = Counter({one.address: 1 for one in stock})
    wanted.update({one.address: SMS_PER_HOUR - 1 for one in stock if one.channel == "sms"} if SMS_PER_LIMITED_USER >= SMS_PER_HOUR else {})
    assert {address: len(ids) for address, ids in found.delivery_ids.items()} == dict(wanted)
    for one in stock:
        if one.id:
            assert one.id in found.states
            if one.channel == "email" and not one.key:
                assert found.delivery_ids[one.address] == {derive_delivery_id(one.id, one.user, "email", one.address)}
    assert len(found.states) == len(stock)
    assert found.planned_delivery_ids == set(found.record_counts)
    return True
