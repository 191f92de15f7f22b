"""The gate rate_limit: per channel, in any window, counted once, and only what goes out."""

from typing import Any

from agents.router.routing_state import StagedRows
from agents.router.staged_digests import StagedDigests
from schemas.policy import RateLimit
from schemas.profile import Profile
from tables.rate_windows import count_used
from tests.unit.agents.router.harness import (
    NOW,
    USER_ID,
    USER_PARTITION,
    RouterHarness,
    build_notification,
    build_policy,
    make_notification_id,
)

SMS = RateLimit("sms", 3, 3600)


def build_otp(number: int, **fields: Any) -> dict[str, Any]:
    """A one-time code: by SMS, or by e-mail if that does not go."""
    return build_notification(id=make_notification_id(number), type="account.otp", data={"code": number}, **fields)


def count_entries(harness: RouterHarness, channel: str = "sms") -> int:
    return count_used(harness.rate_windows.rows.get(USER_PARTITION, {}).get(f"{USER_ID}\0{channel}".encode()), SMS, harness.now)


async def test_a_full_channel_makes_room_for_the_next() -> None:
    harness = RouterHarness()
    await harness.route(*(build_otp(number) for number in range(3)))
    assert [delivery.channel for delivery in harness.deliveries] == ["sms", "sms", "email"]
    step = harness.get_entry("rate_limit", 2)
    assert (step.verdict, step.reason) == ("pass", "some_limited")
    assert step.inputs == {"sms": {"used_count": 2, "max_count": 2, "window_seconds": 60, "reset_at": NOW + 60}}


async def test_with_all_channels_full_it_is_rejected_and_the_window_is_named() -> None:
    harness = RouterHarness()
    await harness.route(*(build_otp(number, channels=["sms"]) for number in range(3)))
    rejected = harness.decided_events[2]
    assert (rejected.state, rejected.reason) == ("rejected", "rate_limited")
    assert rejected.decision_log[-1].inputs["sms"]["reset_at"] == NOW + 60


async def test_a_full_channel_without_address_does_not_reject() -> None:
    harness = RouterHarness()
    await harness.route(*(build_otp(number, channels=["sms"]) for number in range(2)))
    harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, {"email": ["ada@example.org"]})
    await harness.route(build_otp(3))
    assert harness.last_state == ("routed", "")
    assert harness.get_entry("rate_limit", -1).reason == ""


async def test_every_window_counts() -> None:
    harness = RouterHarness()
    for number in range(5):
        await harness.route(build_otp(number, channels=["sms"]))
        harness.now += 61
    assert [event.state for event in harness.decided_events] == ["routed", "routed", "routed", "rejected", "rejected"]
    assert harness.decided_events[-1].decision_log[-1].inputs["sms"] == {
        "used_count": 3,
        "max_count": 3,
        "window_seconds": 3600,
        "reset_at": NOW + 3600,
    }


async def test_priorities_share_the_windows() -> None:
    harness = RouterHarness()
    for number, priority in enumerate(("high", "medium", "low")):
        await harness.route(build_otp(number, channels=["sms"]), topic=f"notifications.{priority}")
    assert [event.state for event in harness.decided_events] == ["routed", "routed", "rejected"]


async def test_only_routed_notifications_count() -> None:
    harness = RouterHarness()
    await harness.route(build_otp(1, channels=["sms", "email"]))  # the first usable is enough
    assert (count_entries(harness), count_entries(harness, "email")) == (1, 0)
    await harness.route(build_otp(2, channels=["sms"]) | {"data": {}})  # dies for want of a variable
    assert harness.last_state == ("dead", "missing_variable")
    assert count_entries(harness) == 1


async def test_several_addresses_count_as_one() -> None:
    harness = RouterHarness()
    await harness.route(build_otp(1, channels=["sms"], to={"sms": ["+12025550101", "+12025550102", "+12025550103"]}))
    assert len(harness.deliveries) == 3
    assert count_entries(harness) == 1


async def test_a_replay_without_its_idempotency_row_is_decided_the_same_and_counts_once() -> None:
    harness = RouterHarness()
    notifications = [build_otp(number, channels=["sms"]) for number in range(2)]
    await harness.route(*notifications)
    harness.idempotency.rows.clear()
    await harness.route(*notifications)
    assert [event.state for event in harness.decided_events] == ["routed"] * 4
    assert len({delivery.id for delivery in harness.deliveries}) == 2
    assert count_entries(harness) == 2


async def test_a_channel_without_limits_has_no_row() -> None:
    harness = RouterHarness(build_policy(limits=()))
    await harness.route(build_notification())
    assert harness.rate_windows.rows == {}
    assert harness.get_entry("rate_limit", 0).reason == "no_limits"
    assert harness.committer.commits == [(USER_PARTITION, [], ["idempotency"])]


async def test_after_a_crash_another_priority_does_not_get_the_place_of_a_sent_notification() -> None:
    harness = RouterHarness()
    await harness.route(*[build_otp(number, channels=["sms"]) for number in range(2)])
    harness.idempotency.rows.clear()  # outputs are out, rows are lost; windows are claimed before
    await harness.route(build_otp(9, channels=["sms"]), topic="notifications.low")
    await harness.route(*[build_otp(number, channels=["sms"]) for number in range(2)])
    assert [event.state for event in harness.decided_events] == ["routed", "routed", "rejected", "routed", "routed"]
    assert len({delivery.id for delivery in harness.deliveries}) == 2


async def test_a_sliced_window_is_no_claim_because_a_replay_would_count_twice() -> None:
    harness = RouterHarness(build_policy(limits=[RateLimit("email", 1000, 3600), RateLimit("sms", 2, 3600)]))
    await harness.route(build_otp(1, channels=["sms", "email"]), build_otp(2, channels=["email"]))
    assert harness.committer.commits == [(USER_PARTITION, ["rate_windows"], ["idempotency", "rate_windows"])]


def test_the_last_row_of_a_window_is_written_once_in_a_batch() -> None:
    rows = StagedRows({}, {}, StagedDigests())
    rows.stage_sliced_window(b"a", b"1")
    rows.stage_exact_window(b"a", b"2")
    rows.stage_exact_window(b"b", b"1")
    rows.stage_sliced_window(b"b", b"2")
    assert (rows.new_exact_windows, rows.new_sliced_windows, rows.rate_windows) == ({b"a": b"2", b"b": b"2"}, {}, {b"a": b"2", b"b": b"2"})
