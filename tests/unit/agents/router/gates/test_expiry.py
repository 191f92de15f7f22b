"""The gate expiry: at most 24 h, and never later than requested."""

import msgspec
import pytest

from agents.router.gates.expiry import compute_expiry
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import NOW, RouterHarness, build_notification, build_policy, build_record, encode_value

DAY = 86_400


@pytest.mark.parametrize(
    ("requested", "expires_at"),
    [
        (None, NOW + DAY),
        (NOW + 60, NOW + 60),
        (NOW + DAY + 1, NOW + DAY),  # never beyond the idempotency horizon
        (NOW - 1, NOW - 1),
        (-1e300, 0.0),  # PostgreSQL has no such time
    ],
)
def test_the_expiry_is_the_producers_within_a_day_of_due(requested: float | None, expires_at: float) -> None:
    assert compute_expiry(requested, NOW) == expires_at


@pytest.mark.parametrize(("expires_at", "state"), [(NOW + 0.001, "routed"), (NOW, "rejected"), (NOW - 5, "rejected")])
async def test_an_expired_notification_is_rejected(expires_at: float, state: str) -> None:
    harness = RouterHarness()
    await harness.route(build_notification(expires_at=expires_at))
    assert harness.decided_events[0].state == state
    assert harness.decided_events[0].expires_at == expires_at


@pytest.mark.parametrize(
    ("fields", "expires_at"), [({}, NOW + 600), ({"send_at": NOW - 5}, NOW + 600), ({"expires_at": NOW + 900}, NOW + 900)]
)
async def test_a_rule_says_how_long_its_notifications_live_that_do_not_say_it(fields: dict[str, float], expires_at: float) -> None:
    rule = msgspec.structs.replace(POLICY.rules["order.shipped"], expires_after=600)
    harness = RouterHarness(build_policy(rules=[rule]))
    await harness.route(build_notification(**fields))
    assert harness.decided_events[0].expires_at == expires_at


async def test_deliveries_carry_the_expiry() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(expires_at=NOW + 60))
    assert {delivery.expires_at for delivery in harness.deliveries} == {NOW + 60}


async def test_a_notification_that_waited_a_day_in_kafka_is_rejected() -> None:
    harness = RouterHarness()
    harness.now = NOW + DAY
    await harness.route(build_record(encode_value(build_notification())))
    assert harness.last_state == ("rejected", "expired")
    assert harness.decided_events[0].decision_log[-1].inputs == {"expires_at": NOW + DAY, "now": NOW + DAY}
