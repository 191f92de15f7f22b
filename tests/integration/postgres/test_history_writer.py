"""What only PostgreSQL shows of writing history: the paths of new and known rows, and values that it refuses."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from schemas.dead_letter import DeadLetter
from schemas.enums import Status
from schemas.errors import UnstorableRowError
from schemas.history import HistoryBatch, LoggedAttempt, RecordedDeadLetter
from tables.postgres.database import Database
from tables.postgres.dead_letters import PostgresDeadLetterReader
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import NOW, build_decided_event, build_decided_row, build_history_batch, build_status_event, make_notification_id


async def count_rows(database: Database, table: str) -> int:
    return int((await database.fetch(f"select count(*) from {table}"))[0][0])


async def test_rows_that_another_worker_wrote_are_merged(database: Database) -> None:
    await PostgresHistoryWriter(database).write(build_history_batch(build_decided_event(1, "email"), build_status_event(1)))
    other = PostgresHistoryWriter(database)
    await other.write(
        build_history_batch(build_decided_event(1, "email"), build_status_event(1), build_decided_event(2), build_status_event(2))
    )
    assert [await count_rows(database, table) for table in ("notifications", "deliveries", "delivery_logs")] == [2, 2, 2]


async def test_rows_of_known_and_new_ids_go_together(database: Database) -> None:
    store = PostgresHistoryWriter(database)
    await store.write(build_history_batch(build_status_event(1, status=Status.PENDING)))
    await store.write(build_history_batch(build_status_event(1, attempt=1), build_status_event(2)))
    rows = await database.fetch("select status, attempt from deliveries order by id")
    assert {(each["status"], each["attempt"]) for each in rows} == {("SENT", 1), ("SENT", 0)}


async def test_ids_long_forgotten_are_merged_all_the_same(database: Database) -> None:
    store = PostgresHistoryWriter(database, max_recent_ids=2)
    for number in (1, 2, 3, 4, 5):
        await store.write(build_history_batch(build_status_event(number)))
    await store.write(build_history_batch(build_status_event(1, status=Status.DELIVERED)))
    story = await PostgresHistoryReader(database).get_notification_history(make_notification_id(1))
    assert story is not None
    assert story.statuses[0].status == Status.DELIVERED


async def test_the_same_attempt_twice_in_one_commit_is_logged_once(database: Database) -> None:
    once = build_history_batch(build_status_event(1))
    await PostgresHistoryWriter(database).write(once._replace(attempts=[*once.attempts, *once.attempts]))
    assert await count_rows(database, "delivery_logs") == 1


@pytest.mark.parametrize(
    "wrong",
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
async def test_a_notification_that_postgresql_refuses(database: Database, wrong: dict[str, Any]) -> None:
    bad = msgspec.structs.replace(build_decided_row(build_decided_event(2)), **wrong)
    with pytest.raises(UnstorableRowError):
        await PostgresHistoryWriter(database).write(HistoryBatch([build_decided_row(build_decided_event(1)), bad]))
    assert await count_rows(database, "notifications") == 0


@pytest.mark.parametrize(
    "wrong", [{"provider_message_id": "\0"}, {"attempt": 2**15}, {"redrive_count": -(2**15) - 1}, {"occurred_at": -1e18}]
)
async def test_a_status_that_postgresql_refuses(database: Database, wrong: dict[str, Any]) -> None:
    with pytest.raises(UnstorableRowError):
        await PostgresHistoryWriter(database).write(build_history_batch(build_status_event(1), build_status_event(2, **wrong)))
    assert await count_rows(database, "deliveries") == 0


async def test_an_attempt_that_postgresql_refuses(database: Database) -> None:
    with pytest.raises(UnstorableRowError):
        await PostgresHistoryWriter(database).write(
            HistoryBatch(attempts=[LoggedAttempt(build_status_event().delivery_id[4:], build_status_event(provider_code=2**40))])
        )


async def test_the_same_id_in_two_spellings_is_refused_not_fatal(database: Database) -> None:
    store = PostgresHistoryWriter(database)
    upper = build_status_event(1).delivery_id.upper().replace("DLV", "dlv")
    with pytest.raises(UnstorableRowError):
        await store.write(build_history_batch(build_status_event(1), build_status_event(1, delivery_id=upper)))


async def test_a_letter_can_be_stored_whatever_its_headers_say(database: Database) -> None:
    letter = DeadLetter("router", "\0", "\0e", "t\0", 2**40, 10**18, b"\0", None, 2**50, "ntf_no", "dlv_no", "\0u")
    await PostgresHistoryWriter(database).write(HistoryBatch(dead_letters=[RecordedDeadLetter(1e15, "notifications.dlq", 0, 0, letter)]))
    (filed,) = await PostgresDeadLetterReader(database).list_newest(9, before=1e12)
    assert (filed.dead_letter.user_id, filed.dead_letter.source_partition, filed.dead_letter.attempts) == ("\ufffdu", 2**31 - 1, 2**31 - 1)
    assert filed.dead_letter.null_value


async def test_a_new_cluster_that_starts_its_offsets_again_files_its_letters_too(database: Database) -> None:
    letter = DeadLetter("router", "invalid", "", "notifications.low", 0, 0)
    for at in (NOW, NOW + 60):
        await PostgresHistoryWriter(database).write(HistoryBatch(dead_letters=[RecordedDeadLetter(at, "notifications.dlq", 0, 0, letter)]))
    store = PostgresDeadLetterReader(database)
    assert [filed.created_at for filed in await store.list_newest(9)] == [NOW + 60, NOW]
    assert [filed.created_at for filed in await store.list_newest(9, before=NOW + 60)] == [NOW]
    assert await store.count_by_reason() == {("router", "invalid"): 2}
    assert await store.count_by_reason(since=NOW + 1) == {("router", "invalid"): 1}


async def test_a_later_attempt_does_not_make_its_whole_commit_collide(database: Database) -> None:
    await PostgresHistoryWriter(database).write(build_history_batch(build_status_event(1)))
    before = (await database.fetch("select xact_rollback from pg_stat_database where datname = current_database()"))[0][0]
    later = [
        build_status_event(1, attempt=1),
        build_status_event(2, status=Status.BOUNCED, outcome=None),
        build_status_event(3, redrive_count=1),
        build_status_event(4),
    ]
    await PostgresHistoryWriter(database).write(build_history_batch(*later))
    await database.fetch("select pg_stat_force_next_flush()")
    after = (await database.fetch("select xact_rollback from pg_stat_database where datname = current_database()"))[0][0]
    assert after == before
    assert await count_rows(database, "deliveries") == 4
