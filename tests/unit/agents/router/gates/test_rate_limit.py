"""The gate rate_limit: per channel, in any window, counted once, and only what goes out."""

from typing import Any

from schemas.policy import Profile, RateLimit
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


def otp(number: int, **fields: Any) -> dict[str, Any]:
    """A one-time code: by SMS, or by e-mail if that does not go."""
    return build_notification(id=make_notification_id(number), type="account.otp", data={"code": number}, **fields)


def counted(harness: RouterHarness, channel: str = "sms") -> int:
    return count_used(harness.rate_windows.rows.get(USER_PARTITION, {}).get(f"{USER_ID}\0{channel}".encode()), SMS, harness.now)


async def test_a_full_channel_makes_room_for_the_next() -> None:
    harness = RouterHarness()
    await harness.route(*(otp(number) for number in range(3)))
    assert [delivery.channel for delivery in harness.deliveries] == ["sms", "sms", "email"]
    step = harness.decided_events[2].decision_log[6]
    assert (step.verdict, step.reason) == ("pass", "some_limited")
    assert step.inputs == {"sms": {"used_count": 2, "max_count": 2, "window_seconds": 60, "reset_at": NOW + 60}}


async def test_all_channels_full_is_a_refusal_that_says_which_window() -> None:
    harness = RouterHarness()
    await harness.route(*(otp(number, channels=["sms"]) for number in range(3)))
    rejected = harness.decided_events[2]
    assert (rejected.state, rejected.reason) == ("rejected", "rate_limited")
    assert rejected.decision_log[-1].inputs["sms"]["reset_at"] == NOW + 60


async def test_a_full_channel_without_address_is_no_hindrance() -> None:
    harness = RouterHarness()
    await harness.route(*(otp(number, channels=["sms"]) for number in range(2)))
    harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, {"email": ["ada@example.org"]})
    await harness.route(otp(3))
    assert harness.last_state == ("routed", "")
    assert harness.decided_events[-1].decision_log[6].reason == ""


async def test_every_window_counts() -> None:
    harness = RouterHarness()
    for number in range(5):
        await harness.route(otp(number, channels=["sms"]))
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
        await harness.route(otp(number, channels=["sms"]), topic=f"notifications.{priority}")
    assert [event.state for event in harness.decided_events] == ["routed", "routed", "rejected"]


async def test_only_what_goes_out_counts() -> None:
    harness = RouterHarness()
    await harness.route(otp(1, channels=["sms", "email"]))  # the first usable is enough
    assert (counted(harness), counted(harness, "email")) == (1, 0)
    await harness.route(otp(2, channels=["sms"]) | {"data": {}})  # dies for want of a variable
    assert harness.last_state == ("dead", "missing_variable")
    assert counted(harness) == 1


async def test_several_addresses_count_as_one() -> None:
    harness = RouterHarness()
    await harness.route(otp(1, channels=["sms"], to={"sms": ["+1", "+2", "+3"]}))
    assert len(harness.deliveries) == 3
    assert counted(harness) == 1


async def test_a_replay_whose_idempotency_row_was_lost_gets_its_verdict_again_and_counts_once() -> None:
    harness = RouterHarness()
    sent = [otp(number, channels=["sms"]) for number in range(2)]
    await harness.route(*sent)
    harness.idempotency.rows.clear()
    await harness.route(*sent)
    assert [event.state for event in harness.decided_events] == ["routed"] * 4
    assert len({delivery.id for delivery in harness.deliveries}) == 2
    assert counted(harness) == 2


async def test_channels_without_limits_are_not_written_down() -> None:
    harness = RouterHarness(build_policy(limits=()))
    await harness.route(build_notification())
    assert harness.rate_windows.rows == {}
    assert harness.decided_events[0].decision_log[6].reason == "no_limits"
    assert harness.committer.commits == [(USER_PARTITION, [], ["idempotency"])]


async def test_after_a_crash_a_window_has_no_room_for_another_priority_in_place_of_what_is_out() -> None:
    harness = RouterHarness()
    await harness.route(*[otp(number, channels=["sms"]) for number in range(2)])
    harness.idempotency.rows.clear()  # outputs are out, rows are lost; windows are claimed before
    await harness.route(otp(9, channels=["sms"]), topic="notifications.low")
    await harness.route(*[otp(number, channels=["sms"]) for number in range(2)])
    assert [event.state for event in harness.decided_events] == ["routed", "routed", "rejected", "routed", "routed"]
    assert len({delivery.id for delivery in harness.deliveries}) == 2


async def test_a_window_that_only_counts_is_no_claim_for_a_replay_would_count_twice() -> None:
    harness = RouterHarness(build_policy(limits=[RateLimit("email", 1000, 3600), RateLimit("sms", 2, 3600)]))
    await harness.route(otp(1, channels=["sms", "email"]), otp(2, channels=["email"]))
    assert harness.committer.commits == [(USER_PARTITION, ["rate_windows"], ["idempotency", "rate_windows"])]
