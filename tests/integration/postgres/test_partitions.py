"""Daily partitions: created ahead, dropped by retention, and rows moved out of the default partition."""

import asyncio
from datetime import date

from schemas.dead_letter import DeadLetter
from schemas.history import RecordedDeadLetter
from tables.postgres.database import Database
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.partitions import (
    DAYS_AHEAD,
    PARTITIONED_TABLES,
    count_days_ahead,
    count_default_partition_rows,
    drop_expired_partitions,
    ensure_partitions,
)
from tests.event_builders import (
    NOW,
    build_decided_event,
    build_history_batch,
    build_receipt,
    build_report,
    build_status_event,
    make_notification_id,
)
from tests.history_rows import fetch_dead_letters

DAY = 86_400


async def test_partitions_are_created_a_week_ahead_and_once(database_copy: Database) -> None:
    assert await ensure_partitions(database_copy, NOW) == 0, "the upgrade has created them"
    assert await ensure_partitions(database_copy, NOW + 3 * DAY) == 3 * len(PARTITIONED_TABLES)
    assert await count_days_ahead(database_copy, NOW + 3 * DAY) == DAYS_AHEAD == 7


async def test_concurrent_processes_create_each_partition_once(database_copy: Database) -> None:
    created = await asyncio.gather(*(ensure_partitions(database_copy, NOW + 10 * DAY) for _ in range(3)))
    assert sorted(created) == [0, 0, 10 * len(PARTITIONED_TABLES)]


async def test_a_row_is_in_the_partition_of_its_day(database_copy: Database) -> None:
    batch = build_history_batch(build_decided_event(1, "email"), build_status_event(1))
    await PostgresHistoryWriter(database_copy).write(batch._replace(reports=[build_report(build_receipt(1))]))
    for table in PARTITIONED_TABLES:
        rows = await database_copy.fetch(f"select tableoid::regclass::text as day from {table}")
        assert {row["day"] for row in rows} == {f"{table}_20251009"}


async def test_midnight_utc_separates_two_partitions(database_copy: Database) -> None:
    midnight = NOW - NOW % DAY
    await PostgresHistoryWriter(database_copy).write(
        build_history_batch(build_decided_event(1, at=midnight - 0.001), build_decided_event(2, at=midnight))
    )
    rows = await database_copy.fetch("select tableoid::regclass::text as day from notifications order by id")
    assert [row["day"] for row in rows] == ["notifications_20251008", "notifications_20251009"]


async def test_rows_of_the_default_partition_are_counted_found_and_moved(database_copy: Database) -> None:
    later = NOW + 20 * DAY
    await PostgresHistoryWriter(database_copy).write(
        build_history_batch(build_decided_event(1, at=later), build_decided_event(2, at=NOW - 9 * DAY))
    )
    assert await count_default_partition_rows(database_copy) == 2
    assert await PostgresHistoryReader(database_copy).get_notification_history(make_notification_id(1, later)) is not None
    await ensure_partitions(database_copy, later)
    assert await count_default_partition_rows(database_copy) == 1
    assert await PostgresHistoryReader(database_copy).get_notification_history(make_notification_id(1, later)) is not None


async def test_retention_drops_whole_days_only(database_copy: Database) -> None:
    writer = PostgresHistoryWriter(database_copy)
    dead_letters = [
        RecordedDeadLetter(at, "notifications.dlq", 0, 0, DeadLetter("router", "x", "", "t", 0, 0)) for at in (NOW - 2 * DAY, NOW - DAY)
    ]
    await writer.write(
        build_history_batch(build_decided_event(1, at=NOW - 2 * DAY), build_decided_event(2, at=NOW), dead_letters=dead_letters)
    )
    counted = [build_status_event(number, occurred_at=at) for number, at in ((1, NOW - 2 * DAY), (2, NOW - DAY))]
    await writer.write(build_history_batch(*counted)._replace(deliveries=[]))
    assert await drop_expired_partitions(database_copy, NOW, retention_days=2) == []
    dropped = await drop_expired_partitions(database_copy, NOW + DAY, retention_days=2)
    assert sorted(dropped) == [f"{table}_20251007" for table in sorted(PARTITIONED_TABLES)]
    assert [row["id"].hex for row in await database_copy.fetch("select id from notifications")] == [make_notification_id(2)[4:]]
    assert [recorded.created_at for recorded in await fetch_dead_letters(database_copy)] == [NOW - DAY]
    assert [row["day"] for row in await database_copy.fetch("select day from user_counts")] == [date(2025, 10, 8)]
