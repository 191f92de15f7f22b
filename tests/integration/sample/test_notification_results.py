"""The results of notifications and the statuses of their deliveries are read from PostgreSQL."""

import pytest

from dev.sample.notification_results import NotificationResultReader, NotificationResults
from schemas.channels import ChannelName
from schemas.enums import State, Status
from schemas.errors import UnavailableError
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import build_decided_event, build_delivery_ref, build_history_batch, build_status_event, make_notification_id


def derive_planned_id(number: int, channel: ChannelName) -> str:
    return build_delivery_ref(make_notification_id(number), channel).id


@pytest.fixture
async def reader(database: Database) -> NotificationResultReader:
    """Two notifications, one of them with two deliveries of which one has a row."""
    rejected = build_decided_event(2, state=State.REJECTED, reason="expired")
    await PostgresHistoryWriter(database).write(
        build_history_batch(build_decided_event(1, "email", "sms"), rejected, build_status_event(1, "email"), build_status_event(3, "push"))
    )
    return NotificationResultReader(database)


async def test_the_results_of_notifications(reader: NotificationResultReader) -> None:
    results = await reader.get_many([make_notification_id(number) for number in (1, 2, 404)])
    states = {
        notification_id: (decided.state, decided.reason, len(decided.deliveries))
        for notification_id, decided in results.notifications.items()
    }
    assert states == {make_notification_id(1): (State.ROUTED, "", 2), make_notification_id(2): (State.REJECTED, "expired", 0)}
    statuses = {
        delivery_id: (delivery.notification_id, delivery.channel, delivery.status) for delivery_id, delivery in results.deliveries.items()
    }
    assert statuses == {derive_planned_id(1, "email"): (make_notification_id(1), "email", Status.SENT)}


async def test_a_delivery_is_found_although_its_notification_is_not_recorded(reader: NotificationResultReader) -> None:
    results = await reader.get_many([make_notification_id(3)])
    assert (results.notifications, list(results.deliveries)) == ({}, [derive_planned_id(3, "push")])


async def test_recorded_deliveries_are_found(reader: NotificationResultReader) -> None:
    delivery_ids = [derive_planned_id(1, "email"), derive_planned_id(1, "sms"), derive_planned_id(3, "push")]
    assert await reader.find_recorded_deliveries(delivery_ids) == {derive_planned_id(1, "email"), derive_planned_id(3, "push")}


async def test_no_ids_give_no_results(reader: NotificationResultReader) -> None:
    assert await reader.get_many([]) == NotificationResults({}, {})
    assert await reader.find_recorded_deliveries([]) == set()


async def test_a_stopped_server_is_unavailable(unused_tcp_port: int) -> None:
    with pytest.raises(UnavailableError):
        await NotificationResultReader(Database(f"postgresql://x@127.0.0.1:{unused_tcp_port}/x", max_size=1)).get_many(
            [make_notification_id(1)]
        )
