"""The counts of the history: at any time they are those of its rows, whatever is read again, merged or redriven, by whomever."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.recorder.events import build_history_batch, decode_events
from schemas.channels import CHANNEL_NAMES
from schemas.enums import Outcome, State, Status
from schemas.errors import UnavailableError, UnstorableRowError
from schemas.events import HistoryEvent
from schemas.history import HistoryBatch, LoggedAttempt
from schemas.history_counts import CountKey, FoldBounds
from tables.postgres import history_counts
from tables.postgres.database import Database
from tables.postgres.history_counts import LabelIds, count_history, fold_counts
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.waiting_reports import PostgresWaitingReports
from tests.database_fixtures import HISTORY_TABLES
from tests.event_builders import NOW, build_batch, build_decided_event, build_engagement, build_receipt, build_status_event

COUNTED = {"priority": "high", "type": "order.shipped", "category": "transactional", "template": "order-shipped"}
CHANNELS = CHANNEL_NAMES[:2]


def build_counted_status(number: int = 1, channel: Any = "email", **fields: Any) -> Any:
    """An event as a worker of this release produces it."""
    return build_status_event(number, channel, **{**COUNTED, **fields})


async def read_counts(database: Database) -> dict[CountKey, int]:
    """The counts that are kept, over all steps, without those that are 0."""
    rows = await database.fetch(
        "select kind, at, labels_id, channel, provider, name, reason, sum(count)::bigint from history_counts group by 1, 2, 3, 4, 5, 6, 7"
    )
    return {tuple(row)[:-1]: row["sum"] for row in rows if row["sum"]}


async def count_rows(database: Database) -> dict[CountKey, int]:
    async with database.acquire_connection() as connection:
        return await count_history(connection, 0)


def build_commit(events: Sequence[HistoryEvent]) -> HistoryBatch:
    return build_history_batch(decode_events(build_batch(*events)))


def spread(field: str, seconds: int) -> Any:
    return st.integers(0, seconds).map(lambda more: (field, NOW + more))


numbers = st.integers(1, 3)
decisions = st.builds(
    lambda number, state, resumes, redrives, seconds, reason: build_decided_event(
        number, "email", state=state, resume_count=resumes, redrive_count=redrives, created_at=NOW + seconds, reason=reason
    ),
    numbers,
    st.sampled_from(State),
    st.integers(0, 2),
    st.integers(0, 1),
    st.sampled_from([0, 0, 70]),
    st.sampled_from(["", "opted_out", "duplicate"]),
)
statuses = st.builds(
    lambda number, channel, status, outcome, attempt, redrives, seconds: build_status_event(
        number, channel, status=status, outcome=outcome, attempt=attempt, redrive_count=redrives, occurred_at=NOW + seconds,
        due_at=NOW + 0.5 if number == 2 else 0.0, **(COUNTED if number < 3 else {}),
    ),
    numbers,
    st.sampled_from(CHANNELS),
    st.sampled_from([Status.PENDING, Status.SENT, Status.FAILED]),
    st.sampled_from([None, Outcome.ACCEPTED, Outcome.NOT_SENT]),
    st.integers(0, 2),
    st.integers(0, 1),
    st.sampled_from([0.005, 0.01, 1.0, 1.2, 40, 90, 5000]),
)  # fmt: skip
receipts = st.builds(
    lambda number, channel, status, key: build_receipt(number, status, channel, event_key=key),
    numbers,
    st.sampled_from(CHANNELS),
    st.sampled_from([Status.DELIVERED, Status.BOUNCED, Status.FAILED]),
    st.sampled_from(["a", "b"]),
)
engagements = st.builds(lambda number, event, key: build_engagement(number, event, event_key=key), numbers,
                        st.sampled_from(["open", "click"]), st.sampled_from(["c", "d"]))  # fmt: skip


@st.composite
def commits(draw: st.DrawFn) -> list[tuple[bool, list[HistoryEvent]]]:
    """Commits of events, some of which come several times; true if a new worker makes it."""
    pool = draw(st.lists(decisions | statuses | receipts | engagements, min_size=2, max_size=16))
    return draw(st.lists(st.tuples(st.booleans(), st.lists(st.sampled_from(pool), min_size=1, max_size=8)), min_size=1, max_size=8))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(commits())
async def test_the_counts_are_those_of_the_rows(database: Database, script: list[tuple[bool, list[HistoryEvent]]]) -> None:
    for table in HISTORY_TABLES:
        await database.fetch(f"delete from {table}")
    writer, late = PostgresHistoryWriter(database), PostgresWaitingReports(database)
    for is_new_worker, events in script:
        writer = PostgresHistoryWriter(database) if is_new_worker else writer
        await writer.write(build_commit(events))
        await late.merge_matched(10)
        assert await read_counts(database) == await count_rows(database)


async def list_names(database: Database, kind: str) -> dict[tuple[str, str], int]:
    """The counts of a kind by name and reason."""
    return {(name, reason): count for (of, _, _, _, _, name, reason), count in (await read_counts(database)).items() if of == kind}


async def test_what_a_delivery_was_counts_no_more(database: Database) -> None:
    writer = PostgresHistoryWriter(database)
    sent = build_counted_status(occurred_at=NOW + 0.8)
    await writer.write(
        build_commit([build_decided_event(1, "email"), build_counted_status(status=Status.PENDING, outcome=Outcome.THROTTLED)])
    )
    await writer.write(build_commit([sent, build_receipt(), build_engagement(event="click"), build_engagement(event="open")]))
    await PostgresHistoryWriter(database).write(build_commit([sent, build_receipt(), build_engagement(event="click")]))  # again
    assert await list_names(database, "delivery") == {("DELIVERED", ""): 1}
    assert await list_names(database, "engagement") == {("opened", ""): 1, ("clicked", ""): 1}
    assert await list_names(database, "handover") == {("1.0", ""): 1}
    assert await list_names(database, "notification") == {("routed", ""): 1}
    assert await read_counts(database) == await count_rows(database)


async def test_a_redrive_is_no_second_hand_over_and_a_held_notification_waits_from_its_release(database: Database) -> None:
    writer = PostgresHistoryWriter(database)
    held = build_counted_status(2, occurred_at=NOW + 3600.4, due_at=NOW + 3600)
    await writer.write(build_commit([build_counted_status(occurred_at=NOW + 2), held]))
    await writer.write(build_commit([build_counted_status(occurred_at=NOW + 9000, redrive_count=1)]))
    assert await list_names(database, "handover") == {("2.5", ""): 1, ("0.5", ""): 1}
    assert await read_counts(database) == await count_rows(database)


async def test_a_notification_that_is_held_counts_as_what_it_became(database: Database) -> None:
    writer = PostgresHistoryWriter(database)
    await writer.write(build_commit([build_decided_event(1, state=State.HELD, reason="quiet_hours")]))
    assert await list_names(database, "notification") == {("held", "quiet_hours"): 1}
    await writer.write(build_commit([build_decided_event(1, "email", resume_count=1)]))
    assert await list_names(database, "notification") == {("routed", ""): 1}


async def test_what_no_rule_knows_and_what_is_new_when_there_are_too_many_counts_as_other(database: Database) -> None:
    await lose_labels(database)  # those of other tests
    labels = LabelIds(database, max_labels=2)
    unknown = build_decided_event(1, state=State.DEAD, type="x-1", reason="unknown_type")
    first = await labels.find(
        build_commit([unknown, build_decided_event(2), build_decided_event(3, type="b"), build_decided_event(4, type="c")])
    )
    again = await LabelIds(database, max_labels=2).find(build_commit([build_decided_event(5, type="type-5")]))
    rows = {row["id"]: row["type"] for row in await database.fetch("select id, type from count_labels")}
    assert rows[first.of_notifications[0]] == "other"
    assert len(rows) <= 3, "two, and that of the others"
    assert {rows[one] for one in first.of_notifications} >= {"other"}
    assert rows[again.of_notifications[0]] == "other"


async def lose_labels(database: Database) -> None:
    """As a failover to a server that has not got the last commits: the ids are given out again."""
    await database.fetch("truncate count_labels, history_counts, notifications, deliveries, delivery_logs restart identity")


async def list_counted_types(database: Database) -> dict[str, int]:
    rows = await database.fetch("select type, sum(count)::int from history_counts join count_labels on id = labels_id group by 1")
    return {row["type"]: row["sum"] for row in rows}


async def test_labels_that_a_failover_lost_are_stored_again(database: Database) -> None:
    writer = PostgresHistoryWriter(database)
    await writer.write(build_commit([build_decided_event(1)]))
    await lose_labels(database)
    await writer.write(build_commit([build_decided_event(2)]))
    assert await list_counted_types(database) == {"order.shipped": 1}
    assert await read_counts(database) == await count_rows(database)


async def test_after_an_outage_no_id_is_used_that_others_may_have_now(database: Database) -> None:
    writer = PostgresHistoryWriter(database)
    await writer.write(build_commit([build_decided_event(1)]))
    await database.fetch("alter table history_counts rename to history_counts_away")
    try:
        with pytest.raises(UnavailableError):
            await writer.write(build_commit([build_decided_event(2)]))
    finally:
        await database.fetch("alter table history_counts_away rename to history_counts")
    await lose_labels(database)
    await PostgresHistoryWriter(database).write(build_commit([build_decided_event(3, type="order.lost")]))
    await writer.write(build_commit([build_decided_event(2)]))
    assert await list_counted_types(database) == {"order.lost": 1, "order.shipped": 1}


async def test_webhooks_of_herolds_own_and_events_of_an_earlier_release_are_not_counted(database: Database) -> None:
    own = build_counted_status(1, notification_id=f"whm_{build_status_event().notification_id[4:]}")
    await PostgresHistoryWriter(database).write(build_commit([own, build_status_event(2)]))
    assert await read_counts(database) == {} == await count_rows(database)


async def test_a_commit_that_fails_counts_nothing(database: Database) -> None:
    batch = build_commit([build_decided_event(1), build_counted_status(2)])
    broken = batch._replace(attempts=[LoggedAttempt("not hex", batch.attempts[0].event)])
    with pytest.raises(UnstorableRowError):
        await PostgresHistoryWriter(database).write(broken)
    assert await read_counts(database) == {}


async def test_workers_that_count_at_the_same_time_lose_nothing(database: Database) -> None:
    async def write(number: int) -> None:
        for step in range(10):
            first = 1000 * number + 10 * step
            events = [build for n in range(5) for build in (build_decided_event(first + n, "email"), build_counted_status(first + n))]
            await writers[number].write(build_commit(events))

    writers = [PostgresHistoryWriter(database) for _ in range(3)]
    await asyncio.gather(*[write(number) for number in range(3)])
    assert await list_names(database, "delivery") == {("SENT", ""): 150}
    assert await read_counts(database) == await count_rows(database)


async def test_minutes_become_hours_and_hours_days_and_the_sums_stay(database: Database) -> None:
    writer = PostgresHistoryWriter(database)
    hour = int(NOW // 3600) * 3600
    await writer.write(build_commit([build_counted_status(created_at=hour + 30.0), build_counted_status(2, created_at=hour + 130.0)]))
    await fold_counts(database, FoldBounds(hour + 3600, 0, 0))
    await writer.write(build_commit([build_receipt(1)]))  # of a minute that is folded
    assert await list_names(database, "delivery") == {("DELIVERED", ""): 1, ("SENT", ""): 1}
    await fold_counts(database, FoldBounds(hour + 3600, hour + 3600, 0))
    rows = await database.fetch("select step, at, name, count from history_counts where kind = 'delivery' order by name")
    day = hour // 86_400 * 86_400
    assert [tuple(row) for row in rows] == [(86_400, day, "DELIVERED", 1), (86_400, day, "SENT", 1)]
    await fold_counts(database, FoldBounds(0, 0, hour + 86_400))
    assert await read_counts(database) == {}


async def test_folding_waits_for_a_commit_without_holding_what_the_commit_needs(database: Database) -> None:
    hour = int(NOW // 3600) * 3600
    writer = PostgresHistoryWriter(database)
    for second in (90.0, 30.0):  # in the table the later minute comes first
        await writer.write(build_commit([build_decided_event(int(second), created_at=hour + second)]))
    async with database.acquire_connection() as commit, commit.transaction():
        await commit.execute("update history_counts set count = count + 1 where at = $1", hour)
        folding = asyncio.create_task(fold_counts(database, FoldBounds(hour + 3600, 0, 0)))
        while not await commit.fetchval("select count(*) from pg_locks where not granted") and not folding.done():
            await asyncio.sleep(0.01)
        await commit.execute("update history_counts set count = count + 1 where at = $1", hour + 60)
    await folding
    assert [tuple(row) for row in await database.fetch("select step, at, count from history_counts")] == [(3600, hour, 4)]


async def test_old_counts_are_deleted_in_steps_of_their_own(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_counts, "DELETE_STEP", 2)
    hour = int(NOW // 3600) * 3600
    writer = PostgresHistoryWriter(database)
    for number in range(6):
        await writer.write(build_commit([build_decided_event(number, created_at=hour + 60.0 * number)]))
    remaining = "select (at - $1) / 60 as minute from history_counts order by at"
    async with database.acquire_connection() as commit, commit.transaction():
        await commit.execute("update history_counts set count = count + 1 where at = $1", hour + 120)
        folding = asyncio.create_task(fold_counts(database, FoldBounds(0, 0, hour + 300)))
        while not await commit.fetchval("select count(*) from pg_locks where not granted") and not folding.done():
            await asyncio.sleep(0.01)
        assert [row["minute"] for row in await database.fetch(remaining, hour)] == [2, 3, 4, 5], "the first step has ended"
    await folding
    assert [row["minute"] for row in await database.fetch(remaining, hour)] == [5]


async def test_an_hour_that_cannot_be_folded_keeps_no_other_from_it(database: Database) -> None:
    hour = int(NOW // 3600) * 3600
    writer = PostgresHistoryWriter(database)
    for number, at in enumerate((hour - 86_400, hour, hour + 3600, hour + 3660)):
        await writer.write(build_commit([build_decided_event(number, created_at=at)]))
    await database.fetch("update history_counts set count = 9223372036854775807 where at >= $1", hour + 3600)  # their sum is no bigint
    with pytest.raises(asyncpg.NumericValueOutOfRangeError):
        await fold_counts(database, FoldBounds(hour + 7200, 0, hour))
    rows = await database.fetch("select step, at - $1 as second from history_counts order by at", hour)
    assert [tuple(row) for row in rows] == [(3600, 0), (60, 3600), (60, 3660)]
