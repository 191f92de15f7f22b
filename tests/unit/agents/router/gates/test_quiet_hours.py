"""The gate quiet hours: waits for their end in the user's zone, judges again, and asks no profile where it need not."""

from datetime import datetime
from typing import Any, Literal

import msgspec
import pytest

from agents.router.gates.quiet_hours import GATE
from agents.router.gates.wording import Facts, write_sentence
from schemas.ids import compute_partition
from schemas.policy import Rule
from schemas.profile import Profile, QuietHours
from tests.unit.agents.router.harness import NOW, PARTITIONS, USER_ID, RouterHarness, build_notification, build_policy, make_notification_id

# NOW is 08:53:20 UTC
NEWS = Rule("news", "marketing", "low", ("email",), template="shipped")
TO = {"email": "ada@example.org"}


def build_harness(window: tuple[str, str] | None, zone: str = "", policy: Literal["", "ignore", "hold", "reject"] = "") -> RouterHarness:
    rule = msgspec.structs.replace(NEWS, quiet_hours=policy)
    harness = RouterHarness(build_policy(rules=[rule, msgspec.structs.replace(rule, type="order", category="transactional")], limits=[]))
    set_quiet_hours(harness, window, zone)
    return harness


def set_quiet_hours(harness: RouterHarness, window: tuple[str, str] | None, zone: str) -> None:
    quiet_hours = QuietHours(*window) if window else None
    harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, {"email": ["ada@example.org"]}, time_zone=zone, quiet_hours=quiet_hours)


def build_news(**fields: Any) -> dict[str, Any]:
    return build_notification(**{"type": "news", "locale": "de", **fields})


def to_seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def test_a_notification_waits_for_the_end_of_the_night_in_the_users_zone() -> None:
    harness = build_harness(("22:00", "07:00"), "America/Los_Angeles")  # where it is 01:53
    await harness.route(build_news())
    assert harness.last_state == ("held", "quiet_hours")
    end = to_seconds("2025-10-09T07:00-07:00")
    inputs = {"until": end, "quiet_hours": "22:00-07:00", "time_zone": "America/Los_Angeles"}
    assert harness.get_entry("quiet_hours").inputs == inputs
    await harness.release()
    assert harness.last_state == ("routed", "")
    assert harness.get_entry("quiet_hours").inputs == {"quiet_hours": "22:00-07:00", "time_zone": "America/Los_Angeles"}
    assert harness.deliveries[0].expires_at == NOW + 86_400


@pytest.mark.parametrize(
    ("window", "zone", "policy", "reason"),
    [
        (("22:00", "08:53"), "UTC", "hold", ""),
        (("08:54", "22:00"), "UTC", "hold", ""),
        (("08:00", "09:00"), "UTC", "ignore", "ignored"),
        (None, "Europe/Vienna", "hold", "no_quiet_hours"),
    ],
)
async def test_what_is_not_quiet_passes(window: tuple[str, str] | None, zone: str, policy: Literal["ignore", "hold"], reason: str) -> None:
    harness = build_harness(window, zone, policy)
    await harness.route(build_news())
    assert harness.last_state == ("routed", "")
    assert harness.get_entry("quiet_hours").reason == reason


async def test_a_user_who_moves_while_it_is_held_is_judged_in_the_new_zone() -> None:
    harness = build_harness(("22:00", "07:00"), "America/Los_Angeles")
    await harness.route(build_news(send_at=NOW + 1))
    await harness.release()
    set_quiet_hours(harness, ("22:00", "07:00"), "Pacific/Honolulu")
    await harness.release()
    assert [(event.state, event.resume_count) for event in harness.decided_events] == [("held", 0), ("held", 1), ("held", 2)]
    assert harness.get_entry("quiet_hours").inputs["until"] == to_seconds("2025-10-09T07:00-10:00")
    assert "schedule" not in [entry.gate for entry in harness.decided_events[-1].decision_log]
    set_quiet_hours(harness, ("22:00", "07:00"), "Europe/Vienna")
    await harness.release()
    assert harness.last_state == ("routed", "")


async def test_what_would_expire_before_the_end_is_rejected() -> None:
    harness = build_harness(("22:00", "09:00"), "UTC")
    await harness.route(build_news(expires_at=to_seconds("2025-10-09T09:00Z")))
    assert harness.last_state == ("rejected", "quiet_hours")
    inputs = harness.get_entry("quiet_hours").inputs
    assert (inputs["policy"], inputs["ends_at"], inputs["expires_at"]) == (
        "hold",
        to_seconds("2025-10-09T09:00Z"),
        to_seconds("2025-10-09T09:00Z"),
    )


async def test_a_rule_may_reject_instead_of_holding() -> None:
    harness = build_harness(("22:00", "09:00"), "UTC", "reject")
    await harness.route(build_news())
    assert harness.last_state == ("rejected", "quiet_hours")
    assert harness.get_records("scheduled.medium") == []


async def test_an_unknown_zone_counts_as_utc_and_the_log_says_so() -> None:
    harness = build_harness(("22:00", "09:00"), "Mars/Olympus")
    await harness.route(build_news())
    inputs = harness.get_entry("quiet_hours").inputs
    assert inputs == {
        "until": to_seconds("2025-10-09T09:00Z"),
        "quiet_hours": "22:00-09:00",
        "time_zone": "UTC",
        "unknown_time_zone": "Mars/Olympus",
    }


async def test_an_essential_category_needs_no_profile_and_a_producer_can_only_ask_for_more_quiet() -> None:
    harness = build_harness(("08:00", "09:00"), "UTC")
    await harness.route(build_news(type="order", to=TO))
    assert harness.profiles.requested_user_ids == []
    await harness.route(build_news(id=make_notification_id(2), category="security"))
    await harness.route(build_news(id=make_notification_id(3), type="order", to=TO, category="marketing"))
    assert [event.state for event in harness.decided_events] == ["routed", "held", "held"]


async def test_a_notification_with_addresses_asks_for_the_profile_if_its_rule_knows_quiet_hours() -> None:
    harness = build_harness(("08:00", "09:00"), "UTC", "hold")
    await harness.route(build_news(type="order", to=TO))
    assert harness.last_state == ("held", "quiet_hours")
    assert harness.profiles.requested_user_ids == [[USER_ID]]


async def test_a_user_id_that_is_an_address_has_no_quiet_hours() -> None:
    harness = build_harness(("08:00", "09:00"), "UTC")
    partition = compute_partition("topic:news", PARTITIONS)
    await harness.route(build_news(user_id="topic:news", channels=["push"]), partition=partition)
    assert harness.last_state == ("routed", "")


async def test_a_clock_that_is_behind_holds_for_a_second_at_least() -> None:
    harness = build_harness(("22:00", "09:00"), "UTC")
    harness.now = to_seconds("2025-10-09T08:59:59.999Z")
    await harness.route(build_news())
    assert harness.get_entry("quiet_hours").inputs["until"] == harness.now + 1


@pytest.mark.parametrize(
    ("zone", "policy", "expires_at", "reason", "remedy", "description"),
    [
        ("", "hold", None, "from 22:00 to 09:00", "outside the user's quiet hours", "they end at 2025-10-09 09:00:00 UTC; time zone: UTC"),
        ("Mars/Olympus", "hold", None, "from 22:00", "outside", "because the time zone 'Mars/Olympus' is not known"),
        ("", "reject", None, "in which its rule sends nothing", "at 2025-10-09 09:00:00 UTC it would have been sent", "time zone: UTC"),
        ("", "hold", NOW + 60, "it expires at 2025-10-09 08:54:20 UTC, before they end", "expire after 2025-10-09 09:00:00 UTC", "UTC"),
    ],
)
async def test_the_words_say_when_and_why(
    zone: str, policy: Literal["hold", "reject"], expires_at: float | None, reason: str, remedy: str, description: str
) -> None:
    harness = build_harness(("22:00", "09:00"), zone, policy)
    await harness.route(build_news(expires_at=expires_at))
    facts = Facts(harness.decided_events[-1], harness.get_entry("quiet_hours").inputs)
    assert reason in write_sentence(GATE.reasons["quiet_hours"], facts)
    assert remedy in write_sentence(GATE.remedies["quiet_hours"], facts)
    assert description in GATE.describe(facts)
