"""Rate limits over all channels, by category and by tier; and what is over a limit may wait for room."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.channels import ChannelName
from schemas.policy import RateLimit, Rule
from schemas.profile import Profile
from tests.unit.agents.router.harness import (
    NOW,
    USER_ID,
    RouterHarness,
    build_notification,
    build_policy,
    build_record,
    encode_value,
    make_notification_id,
)

CHANNELS: tuple[ChannelName, ...] = ("email", "sms")
RULE = Rule("order.shipped", "transactional", "medium", CHANNELS, template="shipped")
ADDRESSES: dict[ChannelName, list[str]] = {"email": ["ada@example.org"], "sms": ["+12025550101"]}


def build_harness(*limits: RateLimit, tier: str = "", over_limit: Literal["reject", "hold"] = "reject") -> RouterHarness:
    harness = RouterHarness(build_policy(rules=[msgspec.structs.replace(RULE, over_limit=over_limit)], limits=limits))
    set_tier(harness, tier)
    return harness


def set_tier(harness: RouterHarness, tier: str) -> None:
    harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, dict(ADDRESSES), tier=tier)


def build_numbered(number: int, **fields: Any) -> dict[str, Any]:
    return build_notification(**{"id": make_notification_id(number), **fields})


def get_states(harness: RouterHarness) -> list[str]:
    return [event.state for event in harness.decided_events]


async def test_a_limit_over_all_channels_counts_each_notification_once() -> None:
    harness = build_harness(RateLimit("", 2, 60))
    await harness.route(build_numbered(1), build_numbered(2, channels=["sms"]), build_numbered(3, channels=["email"]))
    assert get_states(harness) == ["routed", "routed", "rejected"]
    full = {"used_count": 2, "max_count": 2, "window_seconds": 60, "reset_at": NOW + 60}
    assert harness.get_entry("rate_limit").inputs == {"all channels": full}


async def test_a_limit_of_a_category_counts_only_this_category() -> None:
    harness = build_harness(RateLimit("sms", 1, 60, "security"), RateLimit("sms", 2, 60))
    categories = ["security", "security", None, None]
    await harness.route(*(build_numbered(number, channels=["sms"], category=category) for number, category in enumerate(categories)))
    assert get_states(harness) == ["routed", "rejected", "routed", "rejected"]
    assert list(harness.get_entry("rate_limit", 1).inputs) == ["sms, security"]
    assert list(harness.get_entry("rate_limit", 3).inputs) == ["sms"]


@pytest.mark.parametrize(("tier", "admitted"), [("", 1), ("gold", 3), ("silver", 1)])
async def test_a_limit_of_a_tier_takes_the_place_of_the_limit_for_everybody(tier: str, admitted: int) -> None:
    harness = build_harness(RateLimit("email", 1, 60), RateLimit("email", 3, 60, tier="gold"), tier=tier)
    await harness.route(*(build_numbered(number, channels=["email"], to={"email": "ada@example.org"}, locale="de") for number in range(4)))
    assert get_states(harness) == ["routed"] * admitted + ["rejected"] * (4 - admitted)
    assert harness.profiles.requested_user_ids == [[USER_ID]]
    assert harness.get_entry("rate_limit", 0).inputs == {"email": "3 in 60 s" if tier == "gold" else "1 in 60 s"}


async def test_a_user_who_gets_another_tier_keeps_what_was_counted() -> None:
    harness = build_harness(RateLimit("email", 1, 60), RateLimit("email", 2, 60, tier="gold"), tier="gold")
    await harness.route(build_numbered(1), build_numbered(2))
    set_tier(harness, "")
    await harness.route(build_numbered(3, channels=["email"]))
    assert get_states(harness) == ["routed", "routed", "rejected"]


async def test_over_the_limit_a_rule_may_wait_for_room() -> None:
    harness = build_harness(RateLimit("", 1, 60), over_limit="hold")
    await harness.route(build_numbered(1), build_numbered(2))
    assert harness.last_state == ("held", "rate_limited")
    assert harness.get_entry("rate_limit").inputs["until"] == NOW + 60
    await harness.release()
    assert get_states(harness) == ["routed", "held", "routed"]
    assert harness.decided_events[-1].resume_count == 1


async def test_it_waits_for_the_channel_that_has_room_first_but_for_all_limits_over_all_channels() -> None:
    limits = RateLimit("email", 1, 300), RateLimit("sms", 1, 600), RateLimit("", 1, 120)
    harness = build_harness(*limits, over_limit="hold")
    await harness.route(build_numbered(1), build_numbered(2))
    assert harness.get_entry("rate_limit").inputs["until"] == NOW + 300
    harness.now += 200
    await harness.route(build_numbered(3, channels=["email"]))
    assert harness.get_entry("rate_limit").inputs["until"] == NOW + 300
    harness.now = NOW + 301
    await harness.route(build_numbered(4, channels=["sms"]))
    assert harness.get_entry("rate_limit").inputs["until"] == NOW + 600


@pytest.mark.parametrize(("max_count", "expires_at"), [(1, NOW + 60), (0, None)])
async def test_what_would_expire_before_there_is_room_is_rejected(max_count: int, expires_at: float | None) -> None:
    harness = build_harness(RateLimit("", max_count, 60), over_limit="hold")
    await harness.route(build_numbered(1), build_numbered(2, expires_at=expires_at))
    assert harness.last_state == ("rejected", "rate_limited")


async def test_of_many_that_wait_for_one_place_each_waits_longer_each_time() -> None:
    harness = build_harness(RateLimit("", 1, 1), over_limit="hold")
    waits = []
    for number in range(6):
        harness.now = NOW
        harness.rate_windows.rows.clear()
        await harness.route(build_numbered(100 + number))  # takes the place
        headers = [("herold-resume-count", b"%d" % number), ("herold-resume-gate", b"rate_limit")]
        await harness.route(build_record(encode_value(build_numbered(number)), headers=headers))
        waits.append(harness.get_entry("rate_limit").inputs["until"] - NOW)
    assert waits == [1, 2, 4, 8, 16, 32]


class Model:
    """The definition: every limit is counted from all that was admitted, by its channel, category and tier."""

    def __init__(self, limits: Sequence[RateLimit], tier: str) -> None:
        general = {limit.key: limit for limit in limits if not limit.tier}
        ours = {replace(limit, tier="").key: limit for limit in limits if limit.tier == tier != ""}
        self.limits = list((general | ours).values())
        self.admitted: list[tuple[float, str, list[str]]] = []

    def is_full(self, limit: RateLimit, now: float) -> bool:
        counted = (
            at
            for at, category, channels in self.admitted
            if limit.category in ("", category) and (not limit.channel or limit.channel in channels) and at > now - limit.window_seconds
        )
        return sum(1 for _ in counted) >= limit.max_count

    def admit(self, category: str, channels: list[str], now: float) -> list[str]:
        full = {limit.channel for limit in self.limits if limit.category in ("", category) and self.is_full(limit, now)}
        left = [] if "" in full else [channel for channel in channels if channel not in full]
        if left:
            self.admitted.append((now, category, left))
        return left


limits = st.lists(
    st.builds(
        RateLimit,
        st.sampled_from(["", *CHANNELS]),
        st.integers(0, 4),
        st.sampled_from([5, 20, 60]),
        st.sampled_from(["", "transactional", "security"]),
        st.sampled_from(["", "", "gold"]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda limit: limit.key,
)
notifications = st.tuples(
    st.sampled_from([None, "security"]), st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=2, unique=True), st.integers(0, 12)
)


@settings(max_examples=150)
@example([RateLimit("", 0, 5), RateLimit("", 1, 5, tier="gold")], "gold", [(None, ["email"], 0)], Random(1))  # one in place of another
@given(limits, st.sampled_from(["", "gold", "iron"]), st.lists(notifications, min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_no_window_admits_more_than_its_limit_across_restarts(limits: list[RateLimit], tier: str, steps: list[Any], random: Any) -> None:
    async def run() -> None:
        harness, model, expected = build_harness(*limits, tier=tier), Model(limits, tier), list[set[str]]()
        for number, (category, channels, seconds) in enumerate(steps):
            harness.now += seconds
            notification = build_numbered(number, category=category, channels=channels)
            await harness.route(notification)
            expected.append(set(model.admit(category or "transactional", channels, harness.now)))
            sent = {one.channel for one in harness.deliveries if one.notification_id == notification["id"]}
            assert sent == expected[-1]
            if expected[-1] and random.random() < 0.3:  # killed after the outputs, before the rows: it is read and decided again
                harness.idempotency.rows.clear()
                await harness.route(notification)
                assert {one.channel for one in harness.deliveries if one.notification_id == notification["id"]} == sent

    asyncio.run(run())
