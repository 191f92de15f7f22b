"""The gate schedule: a later send_at is waited for, and all times count from it."""

import pytest

from schemas.lifetimes import MAX_SEND_AHEAD
from tests.unit.agents.router.harness import NOW, RouterHarness, build_notification

DAY = 86_400


@pytest.mark.parametrize("seconds", [0.001, 60, MAX_SEND_AHEAD])
async def test_a_notification_waits_until_its_send_at_and_is_sent_then(seconds: float) -> None:
    harness = RouterHarness()
    await harness.route(build_notification(send_at=NOW + seconds))
    assert harness.last_state == ("held", "send_at")
    assert harness.get_entry("schedule", 0).inputs == {"until": NOW + seconds}
    assert harness.deliveries == []
    await harness.release()
    assert harness.last_state == ("routed", "")
    assert {delivery.expires_at for delivery in harness.deliveries} == {NOW + seconds + DAY}


@pytest.mark.parametrize("send_at", [NOW, NOW - 60, "2025-10-09T08:53:20Z"])
async def test_a_send_at_that_has_come_holds_nothing(send_at: float | str) -> None:
    harness = RouterHarness()
    await harness.route(build_notification(send_at=send_at))
    assert harness.last_state == ("routed", "")
    assert harness.decided_events[0].expires_at == NOW + DAY


async def test_what_would_expire_before_its_send_at_is_rejected_at_once() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(send_at=NOW + 60, expires_at=NOW + 60))
    assert harness.last_state == ("rejected", "expires_before_send_at")
    assert harness.get_entry("schedule", 0).inputs == {"expires_at": NOW + 60, "send_at": NOW + 60}


async def test_a_released_notification_passes_although_the_clock_of_its_worker_is_behind() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(send_at=NOW + 60))
    await harness.release()
    harness.now = NOW + 59.9
    harness.idempotency.rows.clear()
    await harness.release()
    assert [event.state for event in harness.decided_events] == ["held", "routed", "routed"]


async def test_a_notification_that_comes_back_too_late_is_expired() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(send_at=NOW + 60))
    harness.now = NOW + 60 + DAY
    await harness.release()
    assert harness.last_state == ("rejected", "expired")
