"""What only PostgreSQL shows of writing history: the paths of new and known rows, and values that it refuses."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from schemas.deadletter import DeadLetter
from schemas.errors import Unstorable
from schemas.history import Entries, FiledLetter, LoggedAttempt
from schemas.words import StatusName
from tables.postgres.dead_letters import DeadLetterStore
from tables.postgres.history import HistoryStore
from tables.postgres.pool import Database
from tables.postgres.recording import RecordingStore
from tests.history import NOW, accepted, entries, notification_id, row, status


async def count(database: Database, table: str) -> int:
    return int((await database.fetch(f"select count(*) from {table}"))[0][0])


async def test_rows_that_another_worker_wrote_are_merged(database: Database) -> None:
    await RecordingStore(database).write(entries(accepted(1, "email"), status(1)))
    other = RecordingStore(database)
    await other.write(entries(accepted(1, "email"), status(1), accepted(2), status(2)))
    assert [await count(database, table) for table in ("notifications", "deliveries", "delivery_logs")] == [2, 2, 2]


async def test_rows_of_known_and_new_ids_go_together(database: Database) -> None:
    store = RecordingStore(database)
    await store.write(entries(status(1, status=StatusName.PENDING)))
    await store.write(entries(status(1, attempt=1), status(2)))
    rows = await database.fetch("select status, attempt from deliveries order by id")
    assert {(each["status"], each["attempt"]) for each in rows} == {("SENT", 1), ("SENT", 0)}


async def test_ids_long_forgotten_are_merged_all_the_same(database: Database) -> None:
    store = RecordingStore(database, remembered=2)
    for number in (1, 2, 3, 4, 5):
        await store.write(entries(status(number)))
    await store.write(entries(status(1, status=StatusName.DELIVERED)))
    story = await HistoryStore(database).story(notification_id(1))
    assert story is not None
    assert story.current[0].status == StatusName.DELIVERED


async def test_the_same_attempt_twice_in_one_commit_is_logged_once(database: Database) -> None:
    once = entries(status(1))
    await RecordingStore(database).write(once._replace(attempts=[*once.attempts, *once.attempts]))
    assert await count(database, "delivery_logs") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"user_id": "nul \0"},
        {"trace": Raw(b"[[")},
        {"trace": Raw(b'["\xff"]')},
        {"deliveries": Raw(b"")},
        {"id": "ntf_" + "f" * 31},
        {"first_id": "ntf_?"},
        {"created_at": 1e18},
        {"expires_at": 1e300},
    ],
)
async def test_a_notification_that_postgresql_refuses(database: Database, wrong: dict[str, Any]) -> None:
    bad = msgspec.structs.replace(row(accepted(2)), **wrong)
    with pytest.raises(Unstorable):
        await RecordingStore(database).write(Entries([row(accepted(1)), bad]))
    assert await count(database, "notifications") == 0


@pytest.mark.parametrize("wrong", [{"provider_id": "\0"}, {"attempt": 2**15}, {"generation": -(2**15) - 1}, {"at": -1e18}])
async def test_a_status_that_postgresql_refuses(database: Database, wrong: dict[str, Any]) -> None:
    with pytest.raises(Unstorable):
        await RecordingStore(database).write(entries(status(1), status(2, **wrong)))
    assert await count(database, "deliveries") == 0


async def test_an_attempt_that_postgresql_refuses(database: Database) -> None:
    with pytest.raises(Unstorable):
        await RecordingStore(database).write(Entries(attempts=[LoggedAttempt(status().delivery_id[4:], status(code=2**40))]))


async def test_the_same_id_in_two_spellings_is_refused_not_fatal(database: Database) -> None:
    store = RecordingStore(database)
    upper = status(1).delivery_id.upper().replace("DLV", "dlv")
    with pytest.raises(Unstorable):
        await store.write(entries(status(1), status(1, delivery_id=upper)))


async def test_a_letter_can_be_stored_whatever_its_headers_say(database: Database) -> None:
    letter = DeadLetter("router", "\0", "\0e", "t\0", 2**40, 10**18, b"\0", None, 2**50, "ntf_no", "dlv_no", "\0u")
    await RecordingStore(database).write(Entries(letters=[FiledLetter(1e15, "notifications.dlq", 0, 0, letter)]))
    (filed,) = await DeadLetterStore(database).newest(9, before=1e12)
    assert (filed.letter.user_id, filed.letter.partition, filed.letter.attempts) == ("\ufffdu", 2**31 - 1, 2**31 - 1)
    assert filed.letter.null_value


async def test_a_new_cluster_that_starts_its_offsets_again_files_its_letters_too(database: Database) -> None:
    letter = DeadLetter("router", "invalid", "", "notifications.low", 0, 0)
    for at in (NOW, NOW + 60):
        await RecordingStore(database).write(Entries(letters=[FiledLetter(at, "notifications.dlq", 0, 0, letter)]))
    store = DeadLetterStore(database)
    assert [filed.at for filed in await store.newest(9)] == [NOW + 60, NOW]
    assert [filed.at for filed in await store.newest(9, before=NOW + 60)] == [NOW]
    assert await store.counts() == {("router", "invalid"): 2}
    assert await store.counts(since=NOW + 1) == {("router", "invalid"): 1}


async def test_a_later_attempt_does_not_make_its_whole_commit_collide(database: Database) -> None:
    await RecordingStore(database).write(entries(status(1)))
    before = (await database.fetch("select xact_rollback from pg_stat_database where datname = current_database()"))[0][0]
    later = [status(1, attempt=1), status(2, status=StatusName.BOUNCED, outcome=None), status(3, generation=1), status(4)]
    await RecordingStore(database).write(entries(*later))
    await database.fetch("select pg_stat_force_next_flush()")
    after = (await database.fetch("select xact_rollback from pg_stat_database where datname = current_database()"))[0][0]
    assert after == before
    assert await count(database, "deliveries") == 4
