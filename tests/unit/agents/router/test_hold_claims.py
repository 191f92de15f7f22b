"""A router that is killed after it held a notification holds it again, although its time may have come: the release may be on its way."""

from typing import Any

import msgspec
import pytest

from schemas.policy import RateLimit, Rule
from schemas.profile import QuietHours
from tests.unit.agents.router.harness import (
    NOW,
    USER_ID,
    RouterHarness,
    build_notification,
    build_policy,
    build_release,
    make_notification_id,
)

RULE = Rule("order.shipped", "marketing", None, ("email",), template="shipped", over_limit="hold")
LATER = 12 * 3600.0  # seconds after which each of the holds below is over


async def hold(gate: str, **fields: Any) -> RouterHarness:
    """A router that was killed after the outputs of a notification that this gate holds; the claim is left."""
    harness = RouterHarness(build_policy([RULE], limits=[RateLimit("email", 1, 3600)]))
    if gate == "schedule":
        fields["send_at"] = NOW + 60
    elif gate == "quiet_hours":
        change_profile(harness, quiet_hours=QuietHours("08:00", "10:00"))
    else:
        await harness.route(build_notification(id=make_notification_id(9)))
    harness.committer.loses_rows = True
    await harness.route(build_notification(**fields))
    harness.committer.loses_rows = False
    assert harness.last_state[0] == "held"
    harness.now += LATER
    return harness


def change_profile(harness: RouterHarness, **fields: Any) -> None:
    harness.profiles.profiles[USER_ID] = msgspec.structs.replace(harness.profiles.profiles[USER_ID], **fields)


@pytest.mark.parametrize("gate", ["schedule", "quiet_hours", "rate_limit"])
@pytest.mark.parametrize("key", [None, "k"])
async def test_what_was_held_is_held_again_and_sent_once(gate: str, key: str | None) -> None:
    harness = await hold(gate, idempotency_key=key)
    fields = {"idempotency_key": key} | ({"send_at": NOW + 60} if gate == "schedule" else {})
    first, sent = harness.decided_events[-1], len(harness.deliveries)
    await harness.route(build_notification(**fields))
    again = harness.decided_events[-1]
    assert (again.state, again.reason, again.decision_log[-1]) == (first.state, first.reason, first.decision_log[-1])
    assert len(harness.deliveries) == sent
    change_profile(harness, addresses={"email": ["new@example.org"]})
    releases = [build_release(record) for record in harness.get_records("scheduled.medium")]
    assert releases[0] == releases[1], "the scheduler finds that it has this entry"
    for release in releases:
        await harness.route(release)
    await harness.route(build_notification(**fields))
    assert [delivery.address for delivery in harness.deliveries[sent:]] == ["new@example.org"]


async def test_what_is_rejected_by_now_is_rejected() -> None:
    harness = await hold("schedule", expires_at=NOW + 120)
    await harness.route(build_notification(send_at=NOW + 60, expires_at=NOW + 120))
    assert (harness.last_state, len(harness.deliveries)) == (("rejected", "expired"), 0)


async def test_another_notification_with_the_key_of_one_whose_hold_is_claimed_is_a_duplicate() -> None:
    harness = await hold("schedule", idempotency_key="k")
    await harness.route(build_notification(id=make_notification_id(2), idempotency_key="k", send_at=NOW + 60))
    assert (harness.last_state, harness.decided_events[-1].duplicate_of) == (("rejected", "duplicate"), make_notification_id(1))


async def test_only_a_hold_is_claimed() -> None:
    harness = RouterHarness(build_policy(limits=()))
    await harness.route(build_notification())
    await harness.route(build_notification(id=make_notification_id(2), send_at=NOW + 60))
    assert [claims for _, claims, _ in harness.committer.commits] == [[], ["idempotency"]]
