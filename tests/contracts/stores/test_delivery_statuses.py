"""schemas.store_ports.DeliveryStatusReader: memory and PostgreSQL say the same of what is recorded."""

from typing import Protocol

import pytest

from app.api.ports import ReadMarks
from schemas.channels import ChannelName
from schemas.enums import State, Status
from schemas.events import DeliveryRef, EngagementEvent, StatusEvent
from schemas.history import HistoryBatch, RecordedDeliveries
from schemas.store_ports import DeliveryStatusReader, HistoryWriter
from tables.postgres.database import Database
from tables.postgres.delivery_statuses import PostgresDeliveryStatusReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.read_marks import PostgresReadMarks
from tests.event_builders import (
    NOW,
    build_decided_event,
    build_delivery_ref,
    build_history_batch,
    build_report,
    build_status_event,
    make_notification_id,
)
from tests.memory_stores import MemoryHistory


class History(HistoryWriter, DeliveryStatusReader, ReadMarks, Protocol):
    """Writes history, and reads the statuses in it."""


class PostgresHistory(PostgresHistoryWriter, PostgresDeliveryStatusReader, PostgresReadMarks):
    """Writes history to PostgreSQL, and reads it."""

    def __init__(self, database: Database) -> None:
        PostgresHistoryWriter.__init__(self, database)


@pytest.fixture(params=["memory", "postgres"])
def history(request: pytest.FixtureRequest, database: Database) -> History:
    """Each implementation, without rows."""
    return MemoryHistory() if request.param == "memory" else PostgresHistory(database)


def build_status(number: int, user_id: str, channel: ChannelName, status: Status) -> StatusEvent:
    delivery_id = build_ref(number, channel, user_id).id
    return build_status_event(number, channel, status, user_id=user_id, delivery_id=delivery_id)


def build_ref(number: int, channel: ChannelName, user_id: str = "u-1") -> DeliveryRef:
    return build_delivery_ref(make_notification_id(number), channel, user_id)


async def test_each_notification_has_its_resume_count_and_the_statuses_of_its_own_deliveries(history: History) -> None:
    first, second, unsent, unknown = ((make_notification_id(number), "u-1") for number in (1, 2, 3, 404))
    namesake = first[0], "u-2"
    await history.write(
        build_history_batch(
            build_decided_event(1, deliveries=[build_ref(1, "email"), build_ref(1, "push"), build_ref(1, "webhook")]),
            build_decided_event(1, user_id="u-2", deliveries=[build_ref(1, "email", "u-2")]),
            build_decided_event(3),
            build_decided_event(2, deliveries=[build_ref(2, "sms")], resume_count=3, decided_at=NOW + 9, reason="expired"),
            build_status(1, "u-1", "email", Status.BOUNCED),
            build_status(1, "u-1", "push", Status.SENT),
            build_status(1, "u-2", "email", Status.DELIVERED),
            build_status(2, "u-1", "sms", Status.FAILED),
            build_status(404, "u-1", "sms", Status.SENT),
        )
    )
    assert await history.get_many([first, second, namesake, unsent, unknown]) == {
        first: RecordedDeliveries(0, NOW + 1, "", {"email": [Status.BOUNCED], "push": [Status.SENT]}),
        second: RecordedDeliveries(3, NOW + 9, "expired", {"sms": [Status.FAILED]}),
        namesake: RecordedDeliveries(0, NOW + 1, "", {"email": [Status.DELIVERED]}),
        unsent: RecordedDeliveries(0, NOW + 1, "", {}),
    }
    assert await history.get_many([]) == {}


async def test_several_deliveries_on_a_channel_each_have_a_status(history: History) -> None:
    refs = [build_delivery_ref(make_notification_id(1), "push", str(number)) for number in range(2)]
    statuses = [
        build_status_event(1, "push", status, delivery_id=ref.id)
        for ref, status in zip(refs, (Status.FAILED, Status.DELIVERED), strict=True)
    ]
    decided = build_decided_event(1, deliveries=refs)
    await history.write(build_history_batch(decided, *statuses))
    found = (await history.get_many([(decided.id, decided.user_id)]))[decided.id, decided.user_id]
    assert sorted(found.statuses["push"]) == [Status.DELIVERED, Status.FAILED]


async def test_the_first_opening_click_or_mark_is_when_it_was_read(history: History) -> None:
    first, second = (make_notification_id(1), "u-1"), (make_notification_id(2), "u-1")
    statuses = [build_status_event(1, channel, Status.SENT) for channel in ("email", "push", "sms")]  # type: ignore[arg-type]
    await history.write(build_history_batch(build_decided_event(1, "email", "push", "sms"), build_decided_event(2), *statuses))
    email, push = (status.delivery_id for status in statuses[:2])
    reports = [
        EngagementEvent(email, "email", "sendgrid", "1", "click", NOW + 9),
        EngagementEvent(push, "push", "fcm", "2", "open", NOW + 8),
        EngagementEvent(email, "email", "sendgrid", "3", "open", NOW + 7),
    ]
    await history.write(HistoryBatch(reports=[build_report(report, offset) for offset, report in enumerate(reports)]))
    assert [await history.mark(*second, NOW + at) for at in (5, 4, 6)] == [NOW + 5, NOW + 4, NOW + 4]
    found = await history.get_many([first, second])
    assert (found[first].read_at, found[first].read_by) == (NOW + 7, ("email", "push"))
    assert (found[second].read_at, found[second].read_by) == (NOW + 4, ())
    assert await history.mark(*first, NOW + 1) == NOW + 1
    assert (await history.get_many([first]))[first].read_at == NOW + 1


async def test_what_was_not_sent_cannot_be_marked_as_read_and_a_redrive_keeps_the_mark(history: History) -> None:
    rejected = build_decided_event(1, state=State.REJECTED, reason="opted_out")
    key = rejected.id, rejected.user_id
    await history.write(build_history_batch(rejected))
    assert await history.mark(*key, NOW) is None
    assert await history.mark(rejected.id, "somebody else", NOW) is None
    await history.write(build_history_batch(build_decided_event(1, redrive_count=1)))
    assert await history.mark(*key, NOW + 3) == NOW + 3
    await history.write(build_history_batch(build_decided_event(1, resume_count=1)))
    assert (await history.get_many([key]))[key].read_at == NOW + 3
