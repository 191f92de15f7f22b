"""Replays after a crash: whatever was lost, the same outputs come again, and no limit is passed."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.router.settle import Tally
from tests.unit.agents.router.world import HOME, Read, World, an_id, json, notification

numbers = st.lists(st.integers(0, 8), min_size=1, max_size=12)


def code(number: int) -> dict[str, Any]:
    return notification(id=an_id(number), type="account.otp", channels=["sms"], data={"code": number})


def test_an_empty_tally_says_nothing() -> None:
    assert not Tally().says_something


@settings(deadline=None, max_examples=60)
@given(numbers, st.integers(0, 12), st.sampled_from(["outputs", "outputs and windows"]))
async def test_a_batch_read_again_comes_to_the_same(sent: list[int], cut: int, survived: str) -> None:
    """The worker dies in the commit of the second batch: its outputs are out, its rows are lost, or one table's."""
    world = World()
    first, second = sent[:cut], sent[cut:]
    await world.route(*map(code, first))
    windows, firsts = dict(world.windows.rows[HOME]), dict(world.idempotency.rows[HOME])
    await world.route(*map(code, second))
    world.idempotency.rows[HOME] = firsts
    if survived == "outputs":
        world.windows.rows[HOME] = windows
    await world.route(*map(code, second))
    assert_one_verdict_each(world, sent)


def assert_one_verdict_each(world: World, sent: list[int]) -> None:
    verdicts = {event.id: {other.state for other in world.accepted if other.id == event.id} for event in world.accepted}
    assert set(verdicts) == {an_id(number) for number in sent}
    assert all(len(states) == 1 for states in verdicts.values())
    assert len({delivery.id for delivery in world.deliveries}) <= 2


async def test_every_record_comes_to_exactly_one_end() -> None:
    world = World()
    batch = [Read(json(value), offset) for offset, value in enumerate([code(1), code(1), code(2), code(3), None, b"{", code(4)])]
    await world.route(*batch)
    (routed,) = world.batches
    assert routed.records == len(batch) == sum(routed.states.values()) + routed.replays + routed.forwarded
    assert len(world.accepted) == sum(routed.states.values())


async def test_the_counts_can_be_told() -> None:
    world = World()
    await world.route(code(1), b"{")
    assert msgspec.json.encode({f"{state} {reason}": count for (state, reason), count in world.batches[0].states.items()})
