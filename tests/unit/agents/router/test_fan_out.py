"""The outputs of a decided notification: topics, keys, partitions, ids, and the decided event."""

import pytest

from schemas.events import DeliveryRef
from schemas.ids import derive_delivery_id
from tests.unit.agents.router.harness import NOW, USER_ID, USER_PARTITION, RouterHarness, build_notification, make_notification_id


@pytest.mark.parametrize("priority", ["high", "medium", "low"])
async def test_every_output_keeps_partition_priority_and_user(priority: str) -> None:
    harness = RouterHarness(prefix="t1.")
    await harness.route(build_notification(), topic=f"t1.notifications.{priority}")
    topics = [record.topic for record in harness.committer.records]
    assert topics == [f"t1.deliveries.email.{priority}", *[f"t1.deliveries.push.{priority}"] * 2, "t1.notifications.status"]
    assert {(record.partition, record.key) for record in harness.committer.records} == {(USER_PARTITION, USER_ID.encode())}


async def test_a_delivery_has_all_a_worker_needs() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(category="security", created_at=NOW - 5))
    email = harness.deliveries[0]
    assert email.id == derive_delivery_id(make_notification_id(1), USER_ID, "email", "ada@example.org")
    assert (email.notification_id, email.user_id, email.channel, email.address) == (
        make_notification_id(1),
        USER_ID,
        "email",
        "ada@example.org",
    )
    assert (email.type, email.category, email.template) == ("order.shipped", "security", "shipped")
    assert (email.created_at, email.expires_at, email.attempt, email.redrive_count) == (NOW - 5, NOW + 86_400, 0, 0)


async def test_the_event_lists_the_deliveries() -> None:
    harness = RouterHarness()
    await harness.route(build_notification())
    event = harness.decided_events[0]
    assert event.deliveries == [DeliveryRef(delivery.id, delivery.channel) for delivery in harness.deliveries]
    assert (event.id, event.user_id, event.type, event.category) == (make_notification_id(1), USER_ID, "order.shipped", "transactional")
    assert (event.decided_at, event.created_at, event.priority, event.reason) == (NOW, NOW, "medium", "")


@pytest.mark.parametrize(("created_at", "kept"), [(NOW - 3600, NOW - 3600), (NOW - 90_000, NOW), (NOW + 90_000, NOW)])
async def test_a_creation_time_more_than_a_day_off_is_replaced(created_at: float, kept: float) -> None:
    harness = RouterHarness()
    await harness.route(build_notification(created_at=created_at))
    assert harness.decided_events[0].created_at == kept


async def test_a_rejection_is_one_event_and_no_dead_letter() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(expires_at=NOW))
    assert [record.topic for record in harness.committer.records] == ["notifications.status"]


async def test_a_dead_notification_is_a_dead_letter_and_one_event() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(type="nobody.knows"))
    assert [record.topic for record in harness.committer.records] == ["notifications.dlq", "notifications.status"]
    assert {record.partition for record in harness.committer.records} == {USER_PARTITION}
