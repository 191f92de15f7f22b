"""What became of given notifications is read from history in two queries."""

import pytest

from schemas.enums import Channel, State, Status
from schemas.errors import UnavailableError
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.notification_results import NotificationResultReader, NotificationResults
from tests.event_builders import build_decided_event, build_delivery_ref, build_history_batch, build_status_event, make_notification_id


def derive_planned_id(number: int, channel: Channel) -> str:
    return build_delivery_ref(make_notification_id(number), channel).id


@pytest.fixture
async def store(database: Database) -> NotificationResultReader:
    """Two notifications, one of them with two deliveries of which one has a row."""
    refused = build_decided_event(2, state=State.REJECTED, reason="expired")
    await PostgresHistoryWriter(database).write(
        build_history_batch(build_decided_event(1, "email", "sms"), refused, build_status_event(1, "email"), build_status_event(3, "push"))
    )
    return NotificationResultReader(database)


async def test_history_of_some_notifications(store: NotificationResultReader) -> None:
    found = await store.get_many([make_notification_id(number) for number in (1, 2, 404)])
    states = {an_id: (decided.state, decided.reason, len(decided.deliveries)) for an_id, decided in found.notifications.items()}
    assert states == {make_notification_id(1): (State.ROUTED, "", 2), make_notification_id(2): (State.REJECTED, "expired", 0)}
    current = {an_id: (each.notification_id, each.channel, each.status) for an_id, each in found.deliveries.items()}
    assert current == {derive_planned_id(1, "email"): (make_notification_id(1), "email", Status.SENT)}


async def test_a_delivery_is_found_by_its_notification_even_if_that_was_never_recorded(store: NotificationResultReader) -> None:
    found = await store.get_many([make_notification_id(3)])
    assert (found.notifications, list(found.deliveries)) == ({}, [derive_planned_id(3, "push")])


async def test_which_deliveries_are_recorded(store: NotificationResultReader) -> None:
    asked = [derive_planned_id(1, "email"), derive_planned_id(1, "sms"), derive_planned_id(3, "push")]
    assert await store.find_recorded_deliveries(asked) == {derive_planned_id(1, "email"), derive_planned_id(3, "push")}


async def test_nothing_asked_is_nothing_found(store: NotificationResultReader) -> None:
    assert await store.get_many([]) == NotificationResults({}, {})
    assert await store.find_recorded_deliveries([]) == set()


async def test_a_server_that_is_gone_is_unavailable(unused_tcp_port: int) -> None:
    with pytest.raises(UnavailableError):
        await NotificationResultReader(Database(f"postgresql://x@127.0.0.1:{unused_tcp_port}/x")).get_many([make_notification_id(1)])
