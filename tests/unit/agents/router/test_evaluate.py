"""Replays after a crash: whatever was lost, the same outputs come again, and no limit is passed."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.router.evaluate import BatchCounts
from tests.unit.agents.router.harness import (
    USER_PARTITION,
    RouterHarness,
    build_notification,
    build_record,
    encode_value,
    make_notification_id,
)

numbers = st.lists(st.integers(0, 8), min_size=1, max_size=12)


def build_otp(number: int) -> dict[str, Any]:
    return build_notification(id=make_notification_id(number), type="account.otp", channels=["sms"], data={"code": number})


def test_without_counts_there_are_no_outputs() -> None:
    assert not BatchCounts().has_outputs


@settings(max_examples=60)
@given(numbers, st.integers(0, 12), st.sampled_from(["outputs", "outputs and windows"]))
async def test_a_batch_that_is_read_again_is_decided_the_same(numbers_sent: list[int], split_at: int, survived: str) -> None:
    """The worker dies in the commit of the second batch: its outputs are out, its rows are lost, or one table's."""
    harness = RouterHarness()
    first, second = numbers_sent[:split_at], numbers_sent[split_at:]
    await harness.route(*map(build_otp, first))
    windows, idempotency_rows = dict(harness.rate_windows.rows[USER_PARTITION]), dict(harness.idempotency.rows[USER_PARTITION])
    await harness.route(*map(build_otp, second))
    harness.idempotency.rows[USER_PARTITION] = idempotency_rows
    if survived == "outputs":
        harness.rate_windows.rows[USER_PARTITION] = windows
    await harness.route(*map(build_otp, second))
    assert_one_state_each(harness, numbers_sent)


def assert_one_state_each(harness: RouterHarness, numbers_sent: list[int]) -> None:
    verdicts = {event.id: {other.state for other in harness.decided_events if other.id == event.id} for event in harness.decided_events}
    assert set(verdicts) == {make_notification_id(number) for number in numbers_sent}
    assert all(len(states) == 1 for states in verdicts.values())
    assert len({delivery.id for delivery in harness.deliveries}) <= 2


async def test_each_record_is_counted_once() -> None:
    harness = RouterHarness()
    values = [build_otp(1), build_otp(1), build_otp(2), build_otp(3), None, b"{", build_otp(4)]
    batch = [build_record(encode_value(value), offset) for offset, value in enumerate(values)]
    await harness.route(*batch)
    (routed,) = harness.routed_batches
    assert routed.records == len(batch) == sum(routed.states.values()) + routed.replays + routed.repartitioned
    assert len(harness.decided_events) == sum(routed.states.values())


async def test_the_counts_can_be_encoded() -> None:
    harness = RouterHarness()
    await harness.route(build_otp(1), b"{")
    assert msgspec.json.encode({f"{state} {reason}": count for (state, reason), count in harness.routed_batches[0].states.items()})
