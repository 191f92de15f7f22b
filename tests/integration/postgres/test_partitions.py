"""Days of history: made ahead, dropped by retention, and rows outside of them brought home."""

import asyncio

from schemas.dead_letter import DeadLetter
from schemas.history import RecordedDeadLetter
from tables.postgres.database import Database
from tables.postgres.dead_letters import PostgresDeadLetterReader
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.partitions import (
    PARTITIONED_TABLES,
    count_days_ahead,
    count_default_partition_rows,
    drop_expired_partitions,
    ensure_partitions,
)
from tests.event_builders import NOW, build_decided_event, build_history_batch, build_status_event, make_notification_id

DAY = 86_400


async def test_a_week_ahead_is_made_once(database_copy: Database) -> None:
    assert await ensure_partitions(database_copy, NOW, 7) == 0, "the upgrade has made them"
    assert await ensure_partitions(database_copy, NOW + 3 * DAY, 7) == 3 * len(PARTITIONED_TABLES)
    assert await count_days_ahead(database_copy, NOW + 3 * DAY) == 7


async def test_processes_that_make_the_same_days_do_not_meet(database_copy: Database) -> None:
    made = await asyncio.gather(*(ensure_partitions(database_copy, NOW + 10 * DAY, 7) for _ in range(3)))
    assert sorted(made) == [0, 0, 10 * len(PARTITIONED_TABLES)]


async def test_a_row_lands_in_the_partition_of_its_day(database_copy: Database) -> None:
    await PostgresHistoryWriter(database_copy).write(build_history_batch(build_decided_event(1, "email"), build_status_event(1)))
    for table in PARTITIONED_TABLES:
        assert [row["day"] for row in await database_copy.fetch(f"select tableoid::regclass::text as day from {table}")] == [
            f"{table}_20251009"
        ]


async def test_the_last_and_first_millisecond_of_a_day_part(database_copy: Database) -> None:
    midnight = NOW - NOW % DAY
    await PostgresHistoryWriter(database_copy).write(
        build_history_batch(build_decided_event(1, at=midnight - 0.001), build_decided_event(2, at=midnight))
    )
    rows = await database_copy.fetch("select tableoid::regclass::text as day from notifications order by id")
    assert [row["day"] for row in rows] == ["notifications_20251008", "notifications_20251009"]


async def test_strays_are_kept_counted_found_and_brought_home(database_copy: Database) -> None:
    far = NOW + 20 * DAY
    await PostgresHistoryWriter(database_copy).write(
        build_history_batch(build_decided_event(1, at=far), build_decided_event(2, at=NOW - 9 * DAY))
    )
    assert await count_default_partition_rows(database_copy) == 2
    assert await PostgresHistoryReader(database_copy).get_notification_history(make_notification_id(1, far)) is not None
    await ensure_partitions(database_copy, far)
    assert await count_default_partition_rows(database_copy) == 1
    assert await PostgresHistoryReader(database_copy).get_notification_history(make_notification_id(1, far)) is not None


async def test_retention_drops_whole_days_and_nothing_younger(database_copy: Database) -> None:
    store = PostgresHistoryWriter(database_copy)
    letters = [
        RecordedDeadLetter(at, "notifications.dlq", 0, 0, DeadLetter("router", "x", "", "t", 0, 0)) for at in (NOW - 2 * DAY, NOW - DAY)
    ]
    await store.write(build_history_batch(build_decided_event(1, at=NOW - 2 * DAY), build_decided_event(2, at=NOW), dead_letters=letters))
    assert await drop_expired_partitions(database_copy, NOW, keep_days=2) == []
    dropped = await drop_expired_partitions(database_copy, NOW + DAY, keep_days=2)
    assert sorted(dropped) == [f"{table}_20251007" for table in sorted(PARTITIONED_TABLES)]
    assert [row["id"].hex for row in await database_copy.fetch("select id from notifications")] == [make_notification_id(2)[4:]]
    assert [filed.created_at for filed in await PostgresDeadLetterReader(database_copy).list_newest(9)] == [NOW - DAY]
