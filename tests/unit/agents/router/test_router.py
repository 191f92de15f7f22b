"""The router's edge: batches, commits on their way, and waiting for what does not answer."""

import asyncio

import pytest

from schemas.errors import PartitionLost
from schemas.ports import Batch, HeldBatches
from tests.unit.agents.router.policy import POLICY
from tests.unit.agents.router.world import HOME, NOW, Read, World, an_id, json, notification

EXPLICIT = notification(id=an_id(2), to={"email": "a@x.org", "push": "p"})


class Held:
    """A batch of one notification, that knows how it ended."""

    def __init__(self, number: int, lane: str = "low") -> None:
        self.batch = Batch(f"notifications.{lane}", HOME, [Read(json(notification(id=an_id(number))), number)])
        self.ended: list[str] = []

    def ack(self) -> None:
        self.ended.append("acknowledged")

    def let_go(self) -> None:
        self.ended.append("let go")


async def given(*held: Held) -> HeldBatches:
    for one in held:
        yield one


async def test_it_runs_as_long_as_there_are_batches() -> None:
    world, held = World(), [Held(1), Held(2)]
    await world.router.run(given(*held))
    assert [event.id for event in world.accepted] == [an_id(1), an_id(2)]
    assert [one.ended for one in held] == [["acknowledged"], ["acknowledged"]]


async def test_the_next_batch_is_decided_while_the_one_before_is_on_its_way() -> None:
    world, held = World(), [Held(1), Held(1, "high"), Held(2)]
    world.commit.slow = True
    await world.router.run(given(*held))
    assert [event.id for event in world.accepted] == [an_id(1), an_id(2)]  # the second batch is a replay of the first
    assert [one.ended for one in held] == [[], ["acknowledged"], []]
    assert world.batches[0].replays == 1
    for safe in world.commit.on_the_way:
        safe.set_result(None)
    await asyncio.sleep(0)
    assert [one.ended for one in held] == [["acknowledged"]] * 3
    assert [batch.records for batch in world.batches] == [1, 1, 1]


async def test_a_batch_of_a_lost_partition_comes_again_and_is_not_counted() -> None:
    world, held = World(), Held(1)
    world.commit.slow = True
    await world.router.run(given(held))
    world.commit.on_the_way[0].set_exception(PartitionLost())
    await asyncio.sleep(0)
    assert held.ended == ["let go"]
    assert world.batches == []


async def test_a_partition_lost_while_a_part_of_a_batch_waits_stops_neither_the_lane_nor_the_others() -> None:
    world, held = World(), [Held(1), Held(2)]
    held[0].batch.records = [*held[0].batch.records, Read(json(EXPLICIT), 9)]
    world.profiles.away = 1
    world.commit.kafka.lost.add(HOME)
    await world.router.run(given(*held))
    assert [one.ended for one in held] == [["let go"], ["let go"]]
    world.commit.kafka.lost.clear()
    await world.route(notification())
    assert world.outcome == ("routed", "")


async def test_a_batch_that_waits_is_let_go_for_a_rebalance_may_come_first() -> None:
    world, held = World(), Held(1)
    world.profiles.away = 1
    seen: list[list[str]] = []

    async def pause(seconds: float) -> None:
        seen.append(list(held.ended))

    world.pause = pause  # type: ignore[method-assign]
    await world.router.run(given(held))
    assert (seen, held.ended) == ([["let go"]], ["let go", "acknowledged"])


async def test_rows_are_read_after_the_tables_forgot_those_of_a_lost_generation() -> None:
    world, order = World(), list[str]()
    outbox, get_many = world.commit.outbox, world.idempotency.get_many
    world.commit.outbox = lambda partition: (order.append("outbox"), outbox(partition))[1]  # type: ignore[method-assign]
    world.idempotency.get_many = lambda *given: (order.append("read"), get_many(*given))[1]  # type: ignore[method-assign]
    await world.route(notification())
    assert order == ["outbox", "read"]


async def test_an_error_of_the_commit_leaves_the_batch_as_it_is_for_the_process_ends() -> None:
    world, held = World(), Held(1)
    world.commit.slow = True
    await world.router.run(given(held))
    world.commit.on_the_way[0].set_exception(OSError("disk"))
    await asyncio.sleep(0)
    assert held.ended == []


async def test_a_batch_is_one_commit_of_outputs_and_rows() -> None:
    world = World()
    await world.route(*(notification(id=an_id(number)) for number in range(5)))
    assert world.commit.commits == [(HOME, ["rate_windows"], ["idempotency"])]
    assert len(world.idempotency.rows[HOME]) == 5


async def test_an_empty_batch_and_one_of_replays_write_nothing() -> None:
    world = World()
    await world.route()
    await world.route(notification())
    await world.route(notification())
    assert len(world.commit.commits) == 1


async def test_a_batch_is_counted() -> None:
    world = World()
    await world.route(notification(), notification(), b"{", notification(id=an_id(2), expires_at=NOW))
    (routed,) = world.batches
    assert (routed.topic, routed.partition, routed.records, routed.waiting) == ("notifications.medium", HOME, 4, 0)
    assert routed.states == {("routed", ""): 1, ("dead", "undecodable"): 1, ("refused", "expired"): 1}
    assert routed.deliveries == {"email": 1, "push": 2}
    assert (routed.replays, routed.forwarded) == (1, 0)


async def test_without_profiles_what_needs_none_goes_on_and_the_rest_waits() -> None:
    world = World()
    world.profiles.away = 2
    await world.route(notification(), EXPLICIT, b"{")
    assert [event.state for event in world.accepted] == ["routed", "dead", "routed"]
    assert (world.accepted[0].id, world.accepted[2].id) == (an_id(2), an_id(1))
    assert world.accepted[2].at == NOW + 2
    assert world.pauses == [1.0, 1.0]
    assert [(batch.records, batch.waiting) for batch in world.batches] == [(2, 1), (0, 1), (1, 0)]
    assert [batch.cause for batch in world.batches] == ["no profiles now", "no profiles now", ""]


async def test_without_a_profile_the_locale_is_the_default() -> None:
    world = World()
    world.profiles.away = 1
    await world.route(EXPLICIT)
    assert world.accepted[0].trace[-2].inputs["email"] == "shipped@7 default"
    assert world.pauses == []


async def test_without_a_policy_everything_waits() -> None:
    world = World()
    world.policies.policy = None

    async def back(seconds: float) -> None:
        world.policies.policy = POLICY

    world.pause = back  # type: ignore[method-assign]
    await world.route(notification())
    assert world.outcome == ("routed", "")
    assert [(batch.records, batch.waiting, batch.cause) for batch in world.batches] == [(0, 1, "no rules yet"), (1, 0, "")]


async def test_what_waits_expires_while_it_waits() -> None:
    world = World()
    world.profiles.away = 3
    await world.route(notification(expires_at=NOW + 2))
    assert world.outcome == ("refused", "expired")


async def test_other_lanes_go_on_while_a_batch_waits() -> None:
    world = World()
    world.profiles.away = 1
    waits, resume = asyncio.Event(), asyncio.Event()

    async def pause(seconds: float) -> None:
        waits.set()
        await resume.wait()

    world.pause = pause  # type: ignore[method-assign]
    waiting = asyncio.create_task(world.route(notification()))
    await waits.wait()
    await world.route(EXPLICIT, topic="notifications.high")
    assert [event.id for event in world.accepted] == [an_id(2)]
    resume.set()
    await waiting
    assert [event.id for event in world.accepted] == [an_id(2), an_id(1)]


async def test_a_bug_is_not_a_dead_letter() -> None:
    world = World()
    world.windows.get_many = lambda partition, keys: 1 / 0  # type: ignore[method-assign, return-value]
    with pytest.raises(ZeroDivisionError):
        await world.route(notification())
    assert world.commit.sent == []


async def test_a_new_policy_counts_from_the_next_batch_on() -> None:
    world = World()
    await world.route(notification())
    world.policies.policy = type(POLICY)({}, (), (), 2)
    await world.route(notification(id=an_id(2)))
    assert world.outcome == ("dead", "unknown_type")
