"""Routers killed, restarted, stopped and added while notifications flow: nothing lost, doubles bounded, one verdict each, tables true."""

import asyncio
from collections import Counter

import pytest

from app.local.stack import Urls
from app.settings import load
from schemas.ids import delivery_id
from schemas.words import LANES
from tests.chaos import judge
from tests.chaos.flow import LIMITED_EACH, SMS_AN_HOUR, Flow, Mix, Said, said
from tests.stand import PARTITIONS, Stand

OURS = Mix(many=100_000, limited_users=1_500)
FOREIGN = Mix(many=100_000, limited_users=1_500, foreign=0.5, doubled=0.3)
BATCH = 500
# What a kill makes anew: batches whose outputs are out and whose rows are not. They go in groups of what was decided meanwhile, in all
# lanes (docs/decisions/0006), so that may be everything that one of two routers had in flight of its half of the partitions.
IN_FLIGHT = PARTITIONS // 2 * len(LANES) * load({}).router.depth * BATCH


@pytest.mark.slow
@pytest.mark.parametrize("mix", [OURS, FOREIGN], ids=["ours", "murmur2"])
async def test_routers_die_leave_and_join_while_notifications_flow(mix: Mix, stand: Stand, urls: Urls) -> None:
    stock = said(mix, seed=mix.many)
    stand.env["HEROLD_ROUTER_BATCH"] = str(BATCH)
    async with asyncio.timeout(300), Flow(stand, stock) as flow:
        await play(stand, flow, len(stock) // 5)
        found = await judge.routed(stand, flow.log)
        foreign, hops = await judge.hops(stand, flow.log)
        compared = await judge.tables(stand, flow.log, ("a", "b", "c"))
    print(f"{found.doubled} of {len(found.copies)} deliveries said twice, {foreign} records forwarded")
    assert nothing_lost(stock, found)
    assert found.misplaced == []
    assert found.letters == 0
    assert found.torn == {}
    assert found.doubled <= IN_FLIGHT
    assert found.verdicts - len(found.states) <= IN_FLIGHT
    assert (foreign > 0, hops) == (mix.foreign > 0, mix.foreign > 0)
    assert [one for one in compared if not one.equal] == []
    assert {(one.table, one.partition) for one in compared if one.newest} == {(one.table, one.partition) for one in compared}
    assert sum(one.rows for one in compared if one.newest and one.table == "idempotency") >= len(found.states) - mix.doubled * mix.many


async def play(stand: Stand, flow: Flow, each: int) -> None:
    """Two routers; one killed and restarted, the other stopped, a third added; each while a slice is on its way."""
    await asyncio.gather(stand.worker("router", "a"), stand.worker("router", "b"))
    await flow.slice(each)
    await flow.under_way()
    stand.kill("a")
    assert all((await flow.waiting()).values()), "the kill came after the flow"
    await flow.pour_until(asyncio.create_task(stand.worker("router", "a")), each)
    await flow.slice(each)
    await flow.under_way()
    stopping = asyncio.create_task(stand.stop("b"))
    await asyncio.sleep(0)
    assert all((await flow.waiting()).values()), "the stop came after the flow"
    assert await stopping == 0
    await flow.pour_until(asyncio.create_task(stand.worker("router", "c")), each)
    await flow.rest()
    await flow.drained()
    assert stand.metric("c", "herold_router_records_total") > 0, "the third router got nothing to do"
    assert [await stand.stop(name) for name in ("a", "c")] == [0, 0]


def nothing_lost(stock: list[Said], found: judge.Routed) -> bool:
    """Whether each address got what it must: one delivery, the right one; a limited number, as many as the limit admits."""
    wanted = Counter({one.address: 1 for one in stock})
    wanted.update({one.address: SMS_AN_HOUR - 1 for one in stock if one.channel == "sms"} if LIMITED_EACH >= SMS_AN_HOUR else {})
    assert {address: len(ids) for address, ids in found.ids.items()} == dict(wanted)
    for one in stock:
        if one.id:
            assert one.id in found.states
            if one.channel == "email" and not one.key:
                assert found.ids[one.address] == {delivery_id(one.id, one.user, "email", one.address)}
    assert len(found.states) == len(stock)
    assert found.planned == set(found.copies)
    return True
