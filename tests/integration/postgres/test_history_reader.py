"""The counts of the history, and the plan of its queries."""

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
    """Write these events and count; `sms` is the receipt timeout of SMS in seconds."""
    await PostgresHistoryWriter(database).write(build_history_batch(*events))
    return await PostgresHistoryReader(database).get_counts(since, now, {"email": 0, "sms": sms})


async def test_an_empty_history_has_no_counts(database: Database) -> None:
    assert await write_and_count(database) == HistoryCounts({}, {}, {}, {}, {}, 0, 0, 0, {})


async def test_notifications_and_deliveries_are_counted_by_state_reason_channel_and_status(database: Database) -> None:
    counts = await write_and_count(
        database,
        build_decided_event(1, "email", "sms"),
        build_status_event(1, "email"),
        build_decided_event(2, "email"),
        build_status_event(2, status=FAILED, reason="retries_exhausted", outcome=Outcome.UNKNOWN, possible_duplicate=True),
        build_decided_event(3, state=State.REJECTED, reason="duplicate"),
        build_decided_event(4, state=State.REJECTED, reason="expired"),
        build_decided_event(5, state=State.DEAD, reason="invalid"),
    )
    assert counts.notifications == {"routed": 2, "rejected": 2, "dead": 1}
    assert counts.notification_reasons == {"duplicate": 1, "expired": 1, "invalid": 1}
    assert counts.deliveries_by_channel == {"email": {"SENT": 1, "FAILED": 1}, "sms": {"PENDING": 1}}
    assert counts.deliveries == {"SENT": 1, "FAILED": 1, "PENDING": 1}
    assert counts.delivery_reasons == {"retries_exhausted": 1}
    assert (counts.attempts, counts.possible_duplicates, counts.in_flight) == (2, 1, 1)


async def test_in_flight_counts_notifications_that_are_not_final(database: Database) -> None:
    counts = await write_and_count(
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
    assert counts.in_flight == 4, "2 has no status, 3 has one of two, 4 is held, 5 is retried"


async def test_sent_is_final_after_the_receipt_timeout(database: Database) -> None:
    events = build_decided_event(1, "sms"), build_status_event(1, "sms", SENT, occurred_at=NOW + 2)
    assert (await write_and_count(database, *events, now=NOW + 61, sms=60)).in_flight == 1
    assert (await write_and_count(database, *events, now=NOW + 62, sms=60)).in_flight == 0
    assert (await write_and_count(database, *events, now=NOW + 3, sms=0)).in_flight == 0


async def test_earlier_notifications_are_not_counted(database: Database) -> None:
    counts = await write_and_count(database, build_decided_event(1, "email", at=NOW - 1), build_decided_event(2), since=NOW)
    assert counts.notifications == {"routed": 1}
    assert counts.deliveries == {}
    assert counts.in_flight == 0


async def test_handover_latency_is_from_submission_to_the_first_acceptance(database: Database) -> None:
    events: list[DecidedEvent | StatusEvent] = []
    for number in range(1, 101):
        events += [build_decided_event(number, "email", priority="low"), build_status_event(number, occurred_at=NOW + number / 100)]
    second_acceptance = msgspec.structs.replace(build_status_event(1), attempt=1, occurred_at=NOW + 500)
    failed = build_status_event(101, outcome=Outcome.REJECTED_PERMANENT, status=FAILED)
    await PostgresHistoryWriter(database).write(build_history_batch(second_acceptance))
    counts = await write_and_count(database, *events, build_decided_event(101, "email", priority="high"), failed, now=NOW + 600)
    assert counts.handover_latency == {"low": HandoverLatency(100, 0.5, 0.99)}


async def test_the_deliveries_of_a_notification_are_found_by_primary_key(database: Database) -> None:
    events: list[DecidedEvent | StatusEvent] = []
    for number in range(1, 400):
        events += [build_decided_event(number, "email", at=NOW + number), build_status_event(number)]
    await PostgresHistoryWriter(database).write(build_history_batch(*events))
    await database.fetch("analyze deliveries")
    uuid_hex = build_decided_event(1).id[4:]
    low, high = uuid_hex[:12] + "0" * 20, uuid_hex[:12] + "f" * 20
    query = load_queries("history_reader")["list_deliveries_by_notification"]
    for name, value in (("$1", uuid_hex), ("$2", low), ("$3", high)):
        query = query.replace(name, f"'{value}'")
    query = query.replace("$4", "null")
    plan = "\n".join(line[0] for line in await database.fetch(f"explain {query}"))
    assert "deliveries_20251009" in plan
    assert plan.count("deliveries_2025") <= 2, plan
    assert "deliveries_default" not in plan or "Index" in plan
