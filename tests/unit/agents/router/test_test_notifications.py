"""A test is routed as any notification, and takes nothing from those that are live: no key, no place in a window, no digest."""

import msgspec

from schemas.notification import Notification
from tests.unit.agents.router.digest_harness import build_alert, build_harness, list_scheduled
from tests.unit.agents.router.harness import USER_PARTITION, RouterHarness, build_notification, make_notification_id


async def test_its_deliveries_are_tests() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(is_test=True), build_notification(id=make_notification_id(2)))
    assert [delivery.is_test for delivery in harness.deliveries] == [True, True, True, False, False, False]
    assert [event.is_test for event in harness.decided_events] == [True, False]


async def test_a_live_notification_with_its_key_or_id_is_no_duplicate_of_it() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(id=make_notification_id(2), idempotency_key="k", is_test=True))
    await harness.route(build_notification(id=make_notification_id(3), idempotency_key="k"))
    await harness.route(build_notification(id=make_notification_id(4), is_test=True))
    await harness.route(build_notification(id=make_notification_id(4)))
    assert [event.state for event in harness.decided_events] == ["routed"] * 4
    await harness.route(build_notification(id=make_notification_id(5), idempotency_key="k", is_test=True))
    assert harness.decided_events[-1].duplicate_of == make_notification_id(2)


async def test_it_takes_no_place_in_a_rate_window() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(is_test=True))
    assert harness.rate_windows.rows.get(USER_PARTITION, {}) == {}
    await harness.route(build_notification(id=make_notification_id(2)))
    assert harness.rate_windows.rows[USER_PARTITION]


async def test_it_is_in_no_digest_with_others() -> None:
    harness = build_harness()
    await harness.route({**build_alert(1), "is_test": True}, build_alert(2))
    digests = list_scheduled(harness)
    assert [msgspec.json.decode(bytes(digest.payload), type=Notification).is_test for digest in digests] == [True, False]
    assert [(event.state, event.is_test) for event in harness.decided_events if event.id in {digest.id for digest in digests}] == [
        ("held", True),
        ("held", False),
    ]
