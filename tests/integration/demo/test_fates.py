"""What became of given notifications is read from history in two queries."""

import pytest

from schemas.errors import Unavailable
from schemas.words import Channel, State, StatusName
from tables.postgres.fates import Fates, FateStore
from tables.postgres.pool import Database
from tables.postgres.recording import RecordingStore
from tests.history import accepted, entries, notification_id, planned, status


def delivery(number: int, channel: Channel) -> str:
    return planned(notification_id(number), channel).id


@pytest.fixture
async def store(database: Database) -> FateStore:
    """Two notifications, one of them with two deliveries of which one has a row."""
    refused = accepted(2, state=State.REFUSED, reason="expired")
    await RecordingStore(database).write(entries(accepted(1, "email", "sms"), refused, status(1, "email"), status(3, "push")))
    return FateStore(database)


async def test_fates_of_some_notifications(store: FateStore) -> None:
    found = await store.of_ids([notification_id(number) for number in (1, 2, 404)])
    states = {an_id: (decided.state, decided.reason, len(decided.planned)) for an_id, decided in found.notifications.items()}
    assert states == {notification_id(1): (State.ROUTED, "", 2), notification_id(2): (State.REFUSED, "expired", 0)}
    current = {an_id: (each.notification_id, each.channel, each.status) for an_id, each in found.deliveries.items()}
    assert current == {delivery(1, "email"): (notification_id(1), "email", StatusName.SENT)}


async def test_a_delivery_is_found_by_its_notification_even_if_that_was_never_recorded(store: FateStore) -> None:
    found = await store.of_ids([notification_id(3)])
    assert (found.notifications, list(found.deliveries)) == ({}, [delivery(3, "push")])


async def test_which_deliveries_are_recorded(store: FateStore) -> None:
    asked = [delivery(1, "email"), delivery(1, "sms"), delivery(3, "push")]
    assert await store.recorded(asked) == {delivery(1, "email"), delivery(3, "push")}


async def test_nothing_asked_is_nothing_found(store: FateStore) -> None:
    assert await store.of_ids([]) == Fates({}, {})
    assert await store.recorded([]) == set()


async def test_a_server_that_is_gone_is_unavailable(unused_tcp_port: int) -> None:
    with pytest.raises(Unavailable):
        await FateStore(Database(f"postgresql://x@127.0.0.1:{unused_tcp_port}/x")).of_ids([notification_id(1)])
