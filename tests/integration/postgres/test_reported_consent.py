"""What reports and inbound messages change: suppressions, preferences and events of consent, and the times of a delivery."""

from typing import Any, Literal

import pytest

from schemas.enums import Status
from schemas.events import EngagementEvent, InboundEvent, ReceiptEvent
from schemas.history import DeliveryTimes, HistoryBatch, WrittenReports
from tables.postgres.database import Database
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.waiting_reports import PostgresWaitingReports
from tests.column_sealing import store_address
from tests.event_builders import (
    NOW,
    build_decided_event,
    build_history_batch,
    build_receipt,
    build_report,
    build_status_event,
    make_notification_id,
)

pytestmark = pytest.mark.usefixtures("sealing_mode")

NUMBER = "+436641234567"
EMAIL = "Zoe@Example.net"


class Consent:
    """A writer of history on a database with the user u-1, who has an address and a number, and what is in force there."""

    def __init__(self, database: Database) -> None:
        self.database, self.writer = database, PostgresHistoryWriter(database)

    async def report(self, *events: ReceiptEvent | EngagementEvent) -> WrittenReports:
        return await self.writer.write(HistoryBatch(reports=[build_report(event) for event in events]))

    async def receive(self, kind: Literal["stop", "start", "help"], key: str, number: str = NUMBER) -> WrittenReports:
        return await self.writer.write(HistoryBatch(inbound=[InboundEvent("sms", "twilio", key, kind, number, NOW)]))

    async def record_delivery(self, number: int = 1, user_id: str = "u-1", category: str = "marketing") -> None:
        event = build_decided_event(number, "email", user_id=user_id, category=category)
        await self.writer.write(build_history_batch(event, build_status_event(number, user_id=user_id)))

    async def list_suppressions(self) -> list[tuple[Any, ...]]:
        rows = await self.database.fetch(
            "select channel, address, category, reason, source_event, created_by from suppressions where undone_at is null order by reason"
        )
        return [tuple(row) for row in rows]

    async def list_preferences(self) -> list[tuple[Any, ...]]:
        rows = await self.database.fetch("select user_id, category, channel, choice from user_preferences")
        return [tuple(row) for row in rows]

    async def list_events(self) -> list[tuple[Any, ...]]:
        rows = await self.database.fetch("select change, source, actor, reason from consent_events order by occurred_at, change")
        return [tuple(row) for row in rows]


@pytest.fixture
async def consent(database_copy: Database) -> Consent:
    for table in ("suppressions", "user_preferences"):  # those of the sample
        await database_copy.fetch(f"delete from {table}")
    await database_copy.fetch(
        f"""insert into users (id, addresses) values ('u-1', '{{"email": ["zoe@example.net"], "sms": ["{NUMBER}"]}}')"""
    )
    return Consent(database_copy)


def build_consent_receipt(consent: Any, number: int = 1, **fields: Any) -> ReceiptEvent:
    return build_receipt(number, Status.UNSUBSCRIBED, consent=consent, address=EMAIL, event_key="k-1", **fields)


@pytest.mark.parametrize("kind", ["hard_bounce", "complaint", "stop"])
async def test_a_report_suppresses_the_address_of_whoever_has_it(consent: Consent, kind: str) -> None:
    written = await consent.report(build_consent_receipt(kind, event="spamreport"))
    assert await consent.list_suppressions() == [("email", store_address("email", "zoe@example.net"), "", kind, "k-1", "sendgrid")]
    assert await consent.list_events() == [("suppressed", "callback", "sendgrid", kind)]
    assert written.changed_users == ["u-1"]


async def test_consent_does_not_wait_for_the_delivery_and_counts_once(consent: Consent) -> None:
    assert (await consent.report(build_consent_receipt("complaint"))).waiting == 1
    ((suppression_id,),) = await consent.database.fetch("select id from suppressions")
    await consent.database.fetch("update suppressions set undone_at = now(), undone_by = 'operator'")
    await consent.record_delivery()
    assert (await consent.report(build_consent_receipt("complaint"))).repeated == 1
    assert await consent.list_suppressions() == [], f"an operator undid {suppression_id}, and a repeated report does not bring it back"


async def test_what_is_suppressed_already_stays_as_it_is(consent: Consent) -> None:
    await consent.report(build_consent_receipt("complaint"))
    written = await consent.report(build_consent_receipt("complaint", number=2))
    assert written.changed_users == []
    assert len(await consent.list_suppressions()) == len(await consent.list_events()) == 1


async def test_leaving_a_group_is_a_preference_for_the_category_of_the_delivery(consent: Consent) -> None:
    await consent.record_delivery()
    written = await consent.report(build_consent_receipt("category_stop", event="group_unsubscribe"))
    assert await consent.list_preferences() == [("u-1", "marketing", "email", "out")]
    assert await consent.list_events() == [("preference_set", "callback", "sendgrid", "group_unsubscribe")]
    assert (await consent.list_suppressions(), written.changed_users) == ([], ["u-1"])


async def test_leaving_a_group_waits_for_the_delivery_that_names_the_category(consent: Consent) -> None:
    written = await consent.report(build_consent_receipt("category_stop"))
    assert (written.waiting, written.changed_users) == (1, [])
    await consent.writer.write(build_history_batch(build_decided_event(1, "email", category="marketing")))
    written = await consent.writer.write(build_history_batch(build_status_event(1)))
    assert written.changed_users == ["u-1"]
    assert await consent.list_preferences() == [("u-1", "marketing", "email", "out")]


async def test_a_guest_who_leaves_a_group_is_suppressed_by_address(consent: Consent) -> None:
    await consent.record_delivery(user_id="guest-7")
    await consent.report(build_consent_receipt("category_stop"))
    assert await consent.list_suppressions() == [
        ("email", store_address("email", "zoe@example.net"), "marketing", "stop", "k-1", "sendgrid")
    ]


async def test_stop_suppresses_the_number_and_start_undoes_only_that(consent: Consent) -> None:
    await consent.report(build_receipt(1, Status.BOUNCED, "sms", consent="hard_bounce", address=NUMBER, provider="twilio", event_key="b-1"))
    await consent.database.fetch(
        """insert into suppressions (id, user_id, channel, reason, created_by)
           values ('0199c8c4-b000-7000-8000-000000000009', 'u-1', 'sms', 'manual', 'operator')"""
    )
    assert (await consent.receive("stop", "SM1")).changed_users == ["u-1"]
    assert [row[3] for row in await consent.list_suppressions()] == ["hard_bounce", "manual", "stop"]
    assert (await consent.receive("start", "SM2")).changed_users == ["u-1"]
    assert [row[3] for row in await consent.list_suppressions()] == ["hard_bounce", "manual"]
    events = await consent.list_events()
    assert ("suppression_undone", "callback", "twilio", "start") in events


async def test_a_start_that_is_sent_again_does_not_lift_a_later_stop(consent: Consent) -> None:
    for kind, key in (("stop", "SM1"), ("start", "SM2"), ("stop", "SM3")):
        await consent.receive(kind, key)  # type: ignore[arg-type]
    assert (await consent.receive("start", "SM2")).changed_users == []
    assert [row[3] for row in await consent.list_suppressions()] == ["stop"]


async def test_a_start_without_a_stop_and_a_help_change_nothing(consent: Consent) -> None:
    for kind, key in (("start", "SM1"), ("help", "SM2"), ("help", "SM2")):
        assert (await consent.receive(kind, key)).changed_users == []  # type: ignore[arg-type]
    assert (await consent.list_suppressions(), await consent.list_events()) == ([], [])
    rows = await consent.database.fetch("select event_key, event from inbound_messages order by event_key")
    assert [tuple(row) for row in rows] == [("SM1", "start"), ("SM2", "help")]


async def test_a_late_merge_changes_consent_too(consent: Consent) -> None:
    await consent.report(build_consent_receipt("category_stop"))
    await consent.database.fetch("alter table waiting_reports rename to hidden_reports")
    await consent.database.fetch("create table waiting_reports (like hidden_reports including all)")
    await consent.record_delivery()
    await consent.database.fetch("drop table waiting_reports")
    await consent.database.fetch("alter table hidden_reports rename to waiting_reports")
    assert (await PostgresWaitingReports(consent.database).merge_matched(10)).changed_users == ["u-1"]


async def test_a_delivery_keeps_its_first_times_in_any_order(consent: Consent) -> None:
    await consent.record_delivery()  # SENT at NOW + 2
    delivery_id = build_receipt(1).delivery_id

    def engage(kind: Literal["open", "click"], at: float, key: str) -> EngagementEvent:
        return EngagementEvent(delivery_id, "email", "sendgrid", key, kind, at)

    async def get_times() -> DeliveryTimes:
        history = await PostgresHistoryReader(consent.database).get_notification_history(make_notification_id(1))
        assert history is not None
        (listed,) = await PostgresHistoryReader(consent.database).list_by_user("u-1", 10)
        assert listed.times == history.times
        return history.times[delivery_id]

    assert await get_times() == DeliveryTimes(NOW + 2)
    await consent.report(engage("click", NOW + 90, "e-1"))
    assert await get_times() == DeliveryTimes(NOW + 2, NOW + 90, None, NOW + 90)
    await consent.report(build_receipt(1, occurred_at=NOW + 60), engage("open", NOW + 80, "e-2"), engage("open", NOW + 70, "e-3"))
    await consent.report(build_receipt(1, Status.BOUNCED, occurred_at=NOW + 95), build_receipt(1, Status.SENT, occurred_at=NOW + 5))
    assert await get_times() == DeliveryTimes(NOW + 2, NOW + 60, NOW + 70, NOW + 90)


async def test_events_and_reports_of_the_same_deliveries_share_a_commit(consent: Consent) -> None:
    numbers = range(1, 41)
    for number in numbers:
        await consent.record_delivery(number)
    retried = build_history_batch(*(build_status_event(number, attempt=1) for number in numbers))
    receipts = [build_report(build_receipt(number, attempt=1)) for number in (*numbers[::2], *numbers[::-2])]
    written = await consent.writer.write(retried._replace(reports=receipts))
    assert written.applied == len(receipts)
    statuses = await consent.database.fetch("select status, attempt, count(*) as count from deliveries group by status, attempt")
    assert [tuple(row) for row in statuses] == [("DELIVERED", 1, len(numbers))]
