"""Reports of providers: whatever their order, how often they come and who records them, the delivery ends with the same status."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.enums import Outcome, Status
from schemas.errors import UnstorableRowError
from schemas.events import EngagementEvent, ReceiptEvent, StatusEvent, compute_precedence
from schemas.history import HistoryBatch, LoggedAttempt, WrittenReports
from tables.postgres.database import Database
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.waiting_reports import PostgresWaitingReports
from tests.database_fixtures import HISTORY_TABLES
from tests.event_builders import (
    NOW,
    build_decided_event,
    build_history_batch,
    build_receipt,
    build_report,
    build_status_event,
    make_notification_id,
)
from tests.memory_stores import MemoryHistory

HistoryStore = PostgresHistoryWriter | MemoryHistory
ID = make_notification_id(1)
SENT = build_status_event(1)


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> HistoryStore:
    """A writer of history."""
    return MemoryHistory() if request.param == "memory" else PostgresHistoryWriter(request.getfixturevalue("database"))


def build_engagement(kind: Any, at: float = NOW + 100, **fields: Any) -> EngagementEvent:
    receipt = build_receipt(1)
    return EngagementEvent(receipt.delivery_id, "email", "sendgrid", fields.pop("key", kind), kind, at, **fields)


def build_batch(*events: StatusEvent | ReceiptEvent | EngagementEvent) -> HistoryBatch:
    """The batch of these events, whose reports are each once in it."""
    statuses = [event for event in events if isinstance(event, StatusEvent)]
    reports = {event.event_key: build_report(event) for event in events if not isinstance(event, StatusEvent)}
    logs = [LoggedAttempt(f"{event.delivery_id[4:30]}{event.redrive_count:02x}{event.attempt:02x}01", event) for event in statuses]
    winner = max(statuses, key=compute_precedence, default=None)
    return HistoryBatch(deliveries=[winner] if winner else [], attempts=logs, reports=list(reports.values()))


async def fetch_statuses(store: HistoryStore, database: Database) -> list[tuple[Status, str, int]]:
    reader = store if isinstance(store, MemoryHistory) else PostgresHistoryReader(database)
    history = await reader.get_notification_history(ID)
    return [(one.status, one.reason, one.attempt) for one in history.statuses] if history else []


async def test_a_report_changes_its_delivery_and_is_in_the_log(store: HistoryStore, database: Database) -> None:
    await store.write(build_history_batch(build_decided_event(1, "email"), SENT))
    written = await store.write(build_batch(build_receipt(1, Status.BOUNCED, reason="bounced", detail="bounce, 5.1.1")))
    assert (written.applied, written.repeated, written.waiting) == (1, 0, 0)
    reader = store if isinstance(store, MemoryHistory) else PostgresHistoryReader(database)
    history = await reader.get_notification_history(ID)
    assert history is not None
    assert [(one.status, one.reason) for one in history.statuses] == [(Status.BOUNCED, "bounced")]
    report = history.attempts[1]
    assert (report.status, report.outcome, report.provider, report.detail) == (Status.BOUNCED, None, "sendgrid", "bounce, 5.1.1")
    assert report.occurred_at == NOW + 60


async def test_a_report_that_comes_forty_six_times_counts_once(store: HistoryStore, database: Database) -> None:
    await store.write(build_batch(SENT))
    written = [await store.write(build_batch(build_receipt(1))) for _ in range(46)]
    assert [one.applied for one in written] == [1] + [0] * 45
    assert [one.repeated for one in written] == [0] + [1] * 45
    assert await fetch_statuses(store, database) == [(Status.DELIVERED, "", 0)]


async def test_a_report_that_overtakes_the_row_of_its_delivery_counts_in_the_commit_of_the_row(
    store: HistoryStore, database: Database
) -> None:
    written = await store.write(build_batch(build_receipt(1)))
    assert (written.applied, written.waiting) == (0, 1)
    assert await fetch_statuses(store, database) == []
    assert (await store.write(build_batch(build_receipt(1)))).repeated == 1, "it waits already"
    written = await store.write(build_batch(SENT))
    assert (written.applied, written.waiting) == (1, 0)
    assert await fetch_statuses(store, database) == [(Status.DELIVERED, "", 0)]
    assert (await store.write(build_batch(build_receipt(1)))).repeated == 1


async def test_a_report_of_an_unknown_delivery_holds_up_nothing(store: HistoryStore, database: Database) -> None:
    batch = build_batch(SENT, build_receipt(1))
    other = build_receipt(2, event_key="other")
    written = await store.write(batch._replace(reports=[*batch.reports, build_report(other)]))
    assert (written.applied, written.waiting) == (1, 1)
    assert await fetch_statuses(store, database) == [(Status.DELIVERED, "", 0)]


async def test_an_opening_shows_that_a_message_was_delivered(store: HistoryStore, database: Database) -> None:
    await store.write(build_batch(SENT))
    await store.write(build_batch(build_engagement("open")))
    assert await fetch_statuses(store, database) == [(Status.DELIVERED, "", 0)]


async def test_a_report_with_an_invalid_id_is_unstorable_and_leaves_nothing(database: Database) -> None:
    writer = PostgresHistoryWriter(database)
    with pytest.raises(UnstorableRowError):
        await writer.write(build_batch(SENT, build_receipt(1, delivery_id="dlv_nonsense")))
    assert await fetch_statuses(writer, database) == []


def build_own_event(attempt: int, status: Status) -> StatusEvent:
    outcome = Outcome.ACCEPTED if status is Status.SENT else Outcome.UNKNOWN
    return build_status_event(1, attempt=attempt, status=status, outcome=outcome)


def build_receipt_of(attempt: int, status: Status) -> ReceiptEvent:
    return build_receipt(1, status, attempt=attempt)


own_events = st.builds(build_own_event, st.integers(0, 2), st.sampled_from([Status.SENT, Status.PENDING, Status.FAILED]))
receipts = st.builds(
    build_receipt_of,
    st.integers(0, 2),
    st.sampled_from([Status.SENT, Status.FAILED, Status.DELIVERED, Status.BOUNCED, Status.UNSUBSCRIBED]),
)
engagements = st.builds(build_engagement, st.sampled_from(["open", "click"]), attempt=st.integers(0, 2))


def get_identity(event: StatusEvent | ReceiptEvent | EngagementEvent) -> object:
    return (event.attempt, event.status) if isinstance(event, StatusEvent) else event.event_key


@st.composite
def scripts(draw: st.DrawFn) -> tuple[list[Any], list[tuple[int, list[Any]]]]:
    """Events of one delivery, and commits of them by three workers in any order, each event once at least and some often."""
    pool = draw(st.lists(own_events, min_size=1, max_size=3, unique_by=get_identity))
    pool += draw(st.lists(receipts | engagements, min_size=1, max_size=6, unique_by=get_identity))
    order = draw(st.permutations([*pool, *draw(st.lists(st.sampled_from(pool), max_size=8))]))
    commits: list[tuple[int, list[Any]]] = []
    while order:
        size = draw(st.integers(1, 3))
        commits.append((draw(st.integers(0, 2)), order[:size]))
        order = order[size:]
    return pool, commits


def compute_final(pool: Sequence[Any]) -> tuple[Status, int]:
    """The status and attempt of the greatest precedence, whatever the order."""
    as_statuses = [
        event
        if isinstance(event, StatusEvent)
        else build_status_event(1, status=getattr(event, "status", Status.DELIVERED), attempt=event.attempt)
        for event in pool
    ]
    winner = max(as_statuses, key=compute_precedence)
    return winner.status, winner.attempt


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(scripts())
async def test_any_order_and_repetition_gives_the_same_final_status(database: Database, script: tuple[list[Any], Any]) -> None:
    for table in HISTORY_TABLES:
        await database.fetch(f"delete from {table}")
    pool, commits = script
    writers = [PostgresHistoryWriter(database) for _ in range(3)]
    seen: list[tuple[int, bool, int, int]] = []
    for worker, events in commits:
        await writers[worker].write(build_batch(*events))
        seen += await fetch_precedence(database)
    assert seen == sorted(seen), "a status never regresses"
    ((status, _, attempt),) = await fetch_statuses(writers[0], database)
    assert (status, attempt) == compute_final(pool)
    reports = sum(not isinstance(event, StatusEvent) for event in pool)
    ((logged, waiting),) = await database.fetch(
        "select (select count(*) from delivery_logs where outcome = ''), (select count(*) from waiting_reports)"
    )
    assert (logged, waiting) == (reports, 0), "each report is in the log once"


async def fetch_precedence(database: Database) -> list[tuple[int, bool, int, int]]:
    rows = await database.fetch("select redrive_count, status_rank >= 20, attempt, status_rank from deliveries")
    return [tuple(row) for row in rows]


async def test_what_two_workers_did_at_the_same_time_is_found_later(database: Database) -> None:
    """One wrote the row while the other one found none for the report."""
    writer, waiting = PostgresHistoryWriter(database), PostgresWaitingReports(database)
    await writer.write(build_batch(build_receipt(1), build_engagement("open")))
    await database.fetch("create table hidden as select * from waiting_reports")
    await database.fetch("delete from waiting_reports")
    await writer.write(build_batch(SENT))
    await database.fetch("insert into waiting_reports select * from hidden")
    await database.fetch("drop table hidden")
    assert await fetch_statuses(writer, database) == [(Status.SENT, "", 0)]
    merged = [await waiting.merge_matched(1), await waiting.merge_matched(10)]
    assert [one.applied for one in merged] == [1, 1]
    assert await waiting.merge_matched(10) == WrittenReports()
    assert await waiting.list_old(NOW + 100, 10) == [], "a merged report is not given up"
    unheard = await waiting.list_merged(10)
    assert {type(report.event) for report in unheard} == {ReceiptEvent, EngagementEvent}
    assert await waiting.list_merged(10) == unheard, "until producers have heard of it"
    await writer.write(build_batch(SENT))
    await waiting.end(unheard[:1])
    assert await waiting.list_merged(10) == unheard[1:]
    await waiting.end(unheard)
    assert await waiting.list_merged(10) == []
    assert await fetch_statuses(writer, database) == [(Status.DELIVERED, "", 0)]


async def test_workers_that_write_rows_and_reports_at_the_same_time_lose_none(database: Database) -> None:
    rows = [build_history_batch(build_status_event(number)) for number in range(1, 41)]
    reports = [HistoryBatch(reports=[build_report(build_receipt(number))]) for number in range(1, 41)]

    async def write(batches: Sequence[HistoryBatch]) -> None:
        writer = PostgresHistoryWriter(database)
        for batch in batches:
            await writer.write(batch)

    await asyncio.gather(write(rows), write(reports), write(rows[::-1]), write(reports[::-1]))
    await PostgresWaitingReports(database).merge_matched(100)
    counts = await database.fetch("select status, count(*) from deliveries group by status")
    assert [tuple(row) for row in counts] == [("DELIVERED", 40)]


async def test_old_reports_are_listed_and_forgotten(database: Database) -> None:
    writer, waiting = PostgresHistoryWriter(database), PostgresWaitingReports(database)
    old, young = build_report(build_receipt(1), 1, NOW - 10), build_report(build_receipt(2), 2, NOW + 10)
    await writer.write(HistoryBatch(reports=[old, young]))
    assert await waiting.list_old(NOW, 10) == [old]
    await waiting.delete([old])
    assert await waiting.list_old(NOW + 100, 10) == [young]
    written = await writer.write(HistoryBatch(reports=[old]))
    assert (written.repeated, written.waiting) == (0, 1), "a redrive of its dead letter is no repetition"
