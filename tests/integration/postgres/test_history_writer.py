"""Writing history to PostgreSQL: COPY and merge, and values that PostgreSQL rejects."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from schemas.dead_letter import DeadLetter
from schemas.enums import Status
from schemas.errors import UnstorableRowError
from schemas.history import HistoryBatch, LoggedAttempt, RecordedDeadLetter
from tables.postgres.database import Database
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import REPLAY_FREE_WRITES, PostgresHistoryWriter
from tests.event_builders import NOW, build_decided_event, build_decided_row, build_history_batch, build_status_event, make_notification_id
from tests.history_rows import fetch_dead_letters


async def count_rows(database: Database, table: str) -> int:
    return int((await database.fetch(f"select count(*) from {table}"))[0][0])


async def test_rows_of_another_worker_are_merged(database: Database) -> None:
    await PostgresHistoryWriter(database).write(build_history_batch(build_decided_event(1, "email"), build_status_event(1)))
    second_writer = PostgresHistoryWriter(database)
    await second_writer.write(
        build_history_batch(build_decided_event(1, "email"), build_status_event(1), build_decided_event(2), build_status_event(2))
    )
    assert [await count_rows(database, table) for table in ("notifications", "deliveries", "delivery_logs")] == [2, 2, 2]


async def test_a_batch_may_contain_new_and_existing_ids(database: Database) -> None:
    writer = PostgresHistoryWriter(database)
    await writer.write(build_history_batch(build_status_event(1, status=Status.PENDING)))
    await writer.write(build_history_batch(build_status_event(1, attempt=1), build_status_event(2)))
    rows = await database.fetch("select status, attempt from deliveries order by id")
    assert {(row["status"], row["attempt"]) for row in rows} == {("SENT", 1), ("SENT", 0)}


async def test_a_delivery_keeps_its_variant(database: Database) -> None:
    writer = PostgresHistoryWriter(database)
    await writer.write(
        build_history_batch(build_decided_event(1, "email"), build_status_event(1, variant="e/short", status=Status.PENDING))
    )
    await writer.write(build_history_batch(build_status_event(1, attempt=1, status=Status.DELIVERED)))  # a report does not know it
    history = await PostgresHistoryReader(database).get_notification_history(make_notification_id(1))
    assert history is not None
    assert [(one.status, one.variant) for one in history.statuses] == [(Status.DELIVERED, "e/short")]
    assert {one.variant for one in history.attempts} == {"e/short"}


async def test_new_and_merged_rows_have_the_project_of_their_user(database: Database) -> None:
    projects = {"u-1": "", "@acme/u-1": "acme", "@Acme/u-1": "", "@acme": ""}
    for first in (1, 2):  # a writer that has just started merges its first batches
        events = [
            event
            for number, user_id in enumerate(projects, 10 * first)
            for event in (build_decided_event(number, user_id=user_id), build_status_event(number, user_id=user_id))
        ]
        dead_letters = [
            RecordedDeadLetter(NOW, "notifications.dlq", first, offset, DeadLetter("router", "x", "", "t", 0, 0, user_id=user_id))
            for offset, user_id in enumerate(projects)
        ]
        writer = PostgresHistoryWriter(database)
        writer._replay_free_writes = 0 if first == 1 else REPLAY_FREE_WRITES
        await writer.write(build_history_batch(*events, dead_letters=dead_letters))
    for table in ("notifications", "deliveries", "dead_letters"):
        rows = await database.fetch(f"select user_id, project from {table}")
        assert len(rows) == 2 * len(projects)
        assert {row["user_id"]: row["project"] for row in rows} == projects, table


async def test_existing_ids_that_are_not_recent_are_merged(database: Database) -> None:
    writer = PostgresHistoryWriter(database, max_recent_ids=2)
    for number in (1, 2, 3, 4, 5):
        await writer.write(build_history_batch(build_status_event(number)))
    await writer.write(build_history_batch(build_status_event(1, status=Status.DELIVERED)))
    history = await PostgresHistoryReader(database).get_notification_history(make_notification_id(1))
    assert history is not None
    assert history.statuses[0].status == Status.DELIVERED


async def test_a_repeated_attempt_in_one_batch_is_logged_once(database: Database) -> None:
    batch = build_history_batch(build_status_event(1))
    await PostgresHistoryWriter(database).write(batch._replace(attempts=[*batch.attempts, *batch.attempts]))
    assert await count_rows(database, "delivery_logs") == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": "nul \0"},
        {"decision_log": Raw(b"[[")},
        {"decision_log": Raw(b'["\xff"]')},
        {"deliveries": Raw(b"")},
        {"id": "ntf_" + "f" * 31},
        {"duplicate_of": "ntf_?"},
        {"created_at": 1e18},
        {"expires_at": 1e300},
    ],
)
async def test_an_unstorable_notification_writes_nothing(database: Database, fields: dict[str, Any]) -> None:
    invalid = msgspec.structs.replace(build_decided_row(build_decided_event(2)), **fields)
    with pytest.raises(UnstorableRowError):
        await PostgresHistoryWriter(database).write(HistoryBatch([build_decided_row(build_decided_event(1)), invalid]))
    assert await count_rows(database, "notifications") == 0


@pytest.mark.parametrize(
    "fields", [{"provider_message_id": "\0"}, {"attempt": 2**15}, {"redrive_count": -(2**15) - 1}, {"occurred_at": -1e18}]
)
async def test_an_unstorable_status_writes_nothing(database: Database, fields: dict[str, Any]) -> None:
    with pytest.raises(UnstorableRowError):
        await PostgresHistoryWriter(database).write(build_history_batch(build_status_event(1), build_status_event(2, **fields)))
    assert await count_rows(database, "deliveries") == 0


async def test_an_unstorable_attempt_is_an_error(database: Database) -> None:
    with pytest.raises(UnstorableRowError):
        await PostgresHistoryWriter(database).write(
            HistoryBatch(attempts=[LoggedAttempt(build_status_event().delivery_id[4:], build_status_event(provider_code=2**40))])
        )


async def test_the_same_id_in_two_cases_is_unstorable(database: Database) -> None:
    writer = PostgresHistoryWriter(database)
    upper_case_id = build_status_event(1).delivery_id.upper().replace("DLV", "dlv")
    with pytest.raises(UnstorableRowError):
        await writer.write(build_history_batch(build_status_event(1), build_status_event(1, delivery_id=upper_case_id)))


async def test_a_dead_letter_with_any_headers_can_be_stored(database: Database) -> None:
    dead_letter = DeadLetter("router", "\0", "\0e", "t\0", 2**40, 10**18, b"\0", None, 2**50, "ntf_no", "dlv_no", "\0u")
    await PostgresHistoryWriter(database).write(
        HistoryBatch(dead_letters=[RecordedDeadLetter(1e15, "notifications.dlq", 0, 0, dead_letter)])
    )
    (recorded,) = await fetch_dead_letters(database)
    assert (recorded.dead_letter.user_id, recorded.dead_letter.source_partition, recorded.dead_letter.attempts) == (
        "\ufffdu",
        2**31 - 1,
        2**31 - 1,
    )
    assert recorded.dead_letter.null_value


async def test_dead_letters_with_the_same_offset_of_a_new_cluster_are_recorded(database: Database) -> None:
    dead_letter = DeadLetter("router", "invalid", "", "notifications.low", 0, 0)
    for at in (NOW, NOW + 60):
        await PostgresHistoryWriter(database).write(
            HistoryBatch(dead_letters=[RecordedDeadLetter(at, "notifications.dlq", 0, 0, dead_letter)])
        )
    assert [recorded.created_at for recorded in await fetch_dead_letters(database)] == [NOW + 60, NOW]


async def count_rollbacks(database: Database) -> int:
    await database.fetch("select pg_stat_force_next_flush()")
    return int((await database.fetch("select xact_rollback from pg_stat_database where datname = current_database()"))[0][0])


async def test_a_replay_after_a_restart_causes_no_error_in_postgresql(database: Database) -> None:
    batches = [build_history_batch(build_decided_event(number, "email"), build_status_event(number)) for number in range(1, 9)]
    first_writer = PostgresHistoryWriter(database)
    for batch in batches:
        await first_writer.write(batch)
    before = await count_rollbacks(database)
    second_writer = PostgresHistoryWriter(database)
    for batch in batches:
        await second_writer.write(batch)
    assert await count_rollbacks(database) == before
    assert [await count_rows(database, table) for table in ("notifications", "deliveries", "delivery_logs")] == [8, 8, 8]


async def test_rows_of_another_worker_after_a_rebalance_are_merged_with_one_error(database: Database) -> None:
    writer, other = PostgresHistoryWriter(database), PostgresHistoryWriter(database)
    for number in range(1, REPLAY_FREE_WRITES + 1):
        await writer.write(build_history_batch(build_status_event(number)))
    before = await count_rollbacks(database)
    for number in (11, 12, 13):
        batch = build_history_batch(build_decided_event(number), build_status_event(number))
        await other.write(batch)
        await writer.write(batch)
    assert await count_rollbacks(database) == before + 1
    assert await count_rows(database, "deliveries") == REPLAY_FREE_WRITES + 3


async def test_a_retry_in_a_batch_causes_no_rollback(database: Database) -> None:
    await PostgresHistoryWriter(database).write(build_history_batch(build_status_event(1)))
    rollbacks_before = (await database.fetch("select xact_rollback from pg_stat_database where datname = current_database()"))[0][0]
    events = [
        build_status_event(1, attempt=1),
        build_status_event(2, status=Status.BOUNCED, outcome=None),
        build_status_event(3, redrive_count=1),
        build_status_event(4),
    ]
    await PostgresHistoryWriter(database).write(build_history_batch(*events))
    await database.fetch("select pg_stat_force_next_flush()")
    rollbacks_after = (await database.fetch("select xact_rollback from pg_stat_database where datname = current_database()"))[0][0]
    assert rollbacks_after == rollbacks_before
    assert await count_rows(database, "deliveries") == 4
