"""Replays after a crash: whatever was lost, the same outputs come again, and no limit is passed."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.router.evaluate import BatchCounts
from tests.unit.agents.router.harness import (
    USER_PARTITION,
    FakeRecord,
    RouterHarness,
    build_notification,
    encode_value,
    make_notification_id,
)

numbers = st.lists(st.integers(0, 8), min_size=1, max_size=12)


def code(number: int) -> dict[str, Any]:
    return build_notification(id=make_notification_id(number), type="account.otp", channels=["sms"], data={"code": number})


def test_an_empty_tally_says_nothing() -> None:
    assert not BatchCounts().has_outputs


@settings(deadline=None, max_examples=60)
@given(numbers, st.integers(0, 12), st.sampled_from(["outputs", "outputs and windows"]))
async def test_a_batch_read_again_comes_to_the_same(sent: list[int], cut: int, survived: str) -> None:
    """The worker dies in the commit of the second batch: its outputs are out, its rows are lost, or one table's."""
    harness = RouterHarness()
    first, second = sent[:cut], sent[cut:]
    await harness.route(*map(code, first))
    windows, firsts = dict(harness.rate_windows.rows[USER_PARTITION]), dict(harness.idempotency.rows[USER_PARTITION])
    await harness.route(*map(code, second))
    harness.idempotency.rows[USER_PARTITION] = firsts
    if survived == "outputs":
        harness.rate_windows.rows[USER_PARTITION] = windows
    await harness.route(*map(code, second))
    assert_one_verdict_each(harness, sent)


def assert_one_verdict_each(harness: RouterHarness, sent: list[int]) -> None:
    verdicts = {event.id: {other.state for other in harness.decided_events if other.id == event.id} for event in harness.decided_events}
    assert set(verdicts) == {make_notification_id(number) for number in sent}
    assert all(len(states) == 1 for states in verdicts.values())
    assert len({delivery.id for delivery in harness.deliveries}) <= 2


async def test_every_record_comes_to_exactly_one_end() -> None:
    harness = RouterHarness()
    batch = [
        FakeRecord(encode_value(value), offset) for offset, value in enumerate([code(1), code(1), code(2), code(3), None, b"{", code(4)])
    ]
    await harness.route(*batch)
    (routed,) = harness.routed_batches
    assert routed.records == len(batch) == sum(routed.states.values()) + routed.replays + routed.repartitioned
    assert len(harness.decided_events) == sum(routed.states.values())


async def test_the_counts_can_be_told() -> None:
    harness = RouterHarness()
    await harness.route(code(1), b"{")
    assert msgspec.json.encode({f"{state} {reason}": count for (state, reason), count in harness.routed_batches[0].states.items()})
