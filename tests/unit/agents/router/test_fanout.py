"""What is sent: topics, keys, partitions, ids, and the Accepted event."""

import pytest

from schemas.ids import delivery_id
from schemas.status import Planned
from tests.unit.agents.router.world import HOME, NOW, USER, World, an_id, notification


@pytest.mark.parametrize("lane", ["high", "medium", "low"])
async def test_every_output_keeps_partition_lane_and_user(lane: str) -> None:
    world = World(prefix="t1.")
    await world.route(notification(), topic=f"t1.notifications.{lane}")
    topics = [record.topic for record in world.commit.sent]
    assert topics == [f"t1.deliveries.email.{lane}", *[f"t1.deliveries.push.{lane}"] * 2, "t1.notifications.status"]
    assert {(record.partition, record.key) for record in world.commit.sent} == {(HOME, USER.encode())}


async def test_a_delivery_has_all_a_worker_needs() -> None:
    world = World()
    await world.route(notification(category="mine", created_at=NOW - 5))
    email = world.deliveries[0]
    assert email.id == delivery_id(an_id(1), USER, "email", "ada@example.org")
    assert (email.notification_id, email.user_id, email.channel, email.address) == (an_id(1), USER, "email", "ada@example.org")
    assert (email.type, email.category, email.template) == ("order.shipped", "mine", "shipped")
    assert (email.created_at, email.expires_at, email.attempt, email.generation) == (NOW - 5, NOW + 86_400, 0, 0)


async def test_the_event_lists_the_deliveries() -> None:
    world = World()
    await world.route(notification())
    event = world.accepted[0]
    assert event.deliveries == [Planned(delivery.id, delivery.channel) for delivery in world.deliveries]
    assert (event.id, event.user_id, event.type, event.category) == (an_id(1), USER, "order.shipped", "transactional")
    assert (event.at, event.created_at, event.lane, event.reason) == (NOW, NOW, "medium", "")


@pytest.mark.parametrize(("created_at", "kept"), [(NOW - 3600, NOW - 3600), (0.0, NOW), (1e300, NOW)])
async def test_a_made_up_time_of_making_is_not_believed(created_at: float, kept: float) -> None:
    world = World()
    await world.route(notification(created_at=created_at))
    assert world.accepted[0].created_at == kept


async def test_a_refusal_is_one_event_and_no_dead_letter() -> None:
    world = World()
    await world.route(notification(expires_at=NOW))
    assert [record.topic for record in world.commit.sent] == ["notifications.status"]


async def test_a_death_is_a_dead_letter_and_one_event() -> None:
    world = World()
    await world.route(notification(type="nobody.knows"))
    assert [record.topic for record in world.commit.sent] == ["notifications.dlq", "notifications.status"]
    assert {record.partition for record in world.commit.sent} == {HOME}
