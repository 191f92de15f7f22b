"""Counts of what was submitted, and how history is found."""

import msgspec

from schemas.enums import Outcome, State, Status
from schemas.events import DecidedEvent, StatusEvent
from schemas.history import HandoverLatency, HistoryCounts
from tables.postgres.database import Database
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.query_loader import load_queries
from tests.event_builders import NOW, build_decided_event, build_history_batch, build_status_event

FAILED, SENT, PENDING, BOUNCED = Status.FAILED, Status.SENT, Status.PENDING, Status.BOUNCED


async def write_and_count(
    database: Database, *events: DecidedEvent | StatusEvent, since: float = 0.0, now: float = NOW + 60, sms: int = 0
) -> HistoryCounts:
    """The tally after these events; `sms` is that channel's receipt time."""
    await PostgresHistoryWriter(database).write(build_history_batch(*events))
    return await PostgresHistoryReader(database).get_counts(since, now, {"email": 0, "sms": sms})


async def test_an_empty_history_counts_nothing(database: Database) -> None:
    assert await write_and_count(database) == HistoryCounts({}, {}, {}, {}, {}, 0, 0, 0, {})


async def test_notifications_are_counted_by_state_and_reason_deliveries_by_channel_and_status(database: Database) -> None:
    found = await write_and_count(
        database,
        build_decided_event(1, "email", "sms"),
        build_status_event(1, "email"),
        build_decided_event(2, "email"),
        build_status_event(2, status=FAILED, reason="retries_exhausted", outcome=Outcome.UNKNOWN, possible_duplicate=True),
        build_decided_event(3, state=State.REJECTED, reason="duplicate"),
        build_decided_event(4, state=State.REJECTED, reason="expired"),
        build_decided_event(5, state=State.DEAD, reason="invalid"),
    )
    assert found.notifications == {"routed": 2, "rejected": 2, "dead": 1}
    assert found.notification_reasons == {"duplicate": 1, "expired": 1, "invalid": 1}
    assert found.deliveries_by_channel == {"email": {"SENT": 1, "FAILED": 1}, "sms": {"PENDING": 1}}
    assert found.deliveries == {"SENT": 1, "FAILED": 1, "PENDING": 1}
    assert found.delivery_reasons == {"retries_exhausted": 1}
    assert (found.attempts, found.possible_duplicates, found.in_flight) == (2, 1, 1)


async def test_in_flight_is_what_is_not_final(database: Database) -> None:
    found = await write_and_count(
        database,
        build_decided_event(1),
        build_decided_event(2, "email"),
        build_decided_event(3, "email", "sms"),
        build_status_event(3, "email", BOUNCED),
        build_decided_event(4, state=State.HELD),
        build_decided_event(5, "email"),
        build_status_event(5, status=PENDING, outcome=Outcome.THROTTLED),
        build_decided_event(6, state=State.MERGED),
        build_status_event(7),
    )
    assert found.in_flight == 4, "2 has no status, 3 one of two, 4 is held, 5 is tried again"


async def test_sent_is_final_where_no_receipt_can_come_any_more(database: Database) -> None:
    events = build_decided_event(1, "sms"), build_status_event(1, "sms", SENT, occurred_at=NOW + 2)
    assert (await write_and_count(database, *events, now=NOW + 61, sms=60)).in_flight == 1
    assert (await write_and_count(database, *events, now=NOW + 62, sms=60)).in_flight == 0
    assert (await write_and_count(database, *events, now=NOW + 3, sms=0)).in_flight == 0


async def test_what_was_submitted_earlier_is_left_out(database: Database) -> None:
    found = await write_and_count(database, build_decided_event(1, "email", at=NOW - 1), build_decided_event(2), since=NOW)
    assert found.notifications == {"routed": 1}
    assert found.deliveries == {}
    assert found.in_flight == 0


async def test_handover_is_from_submission_to_the_first_acceptance(database: Database) -> None:
    events: list[DecidedEvent | StatusEvent] = []
    for number in range(1, 101):
        events += [build_decided_event(number, "email", priority="low"), build_status_event(number, occurred_at=NOW + number / 100)]
    again = msgspec.structs.replace(build_status_event(1), attempt=1, occurred_at=NOW + 500)
    failed = build_status_event(101, outcome=Outcome.REJECTED_PERMANENT, status=FAILED)
    await PostgresHistoryWriter(database).write(build_history_batch(again))
    found = await write_and_count(database, *events, build_decided_event(101, "email", priority="high"), failed, now=NOW + 600)
    assert found.handover_latency == {"low": HandoverLatency(100, 0.5, 0.99)}


async def test_a_story_is_found_by_primary_keys_alone(database: Database) -> None:
    events: list[DecidedEvent | StatusEvent] = []
    for number in range(1, 400):
        events += [build_decided_event(number, "email", at=NOW + number), build_status_event(number)]
    await PostgresHistoryWriter(database).write(build_history_batch(*events))
    await database.fetch("analyze deliveries")
    an_id = build_decided_event(1).id[4:]
    low, high = an_id[:12] + "0" * 20, an_id[:12] + "f" * 20
    query = load_queries("history_reader")["list_deliveries_by_notification"]
    for name, value in (("$1", an_id), ("$2", low), ("$3", high)):
        query = query.replace(name, f"'{value}'")
    plan = "\n".join(line[0] for line in await database.fetch(f"explain {query}"))
    assert "deliveries_20251009" in plan
    assert plan.count("deliveries_2025") <= 2, plan
    assert "deliveries_default" not in plan or "Index" in plan
