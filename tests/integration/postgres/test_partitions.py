"""Days of history: made ahead, dropped by retention, and rows outside of them brought home."""

import asyncio

from schemas.deadletter import DeadLetter
from schemas.history import FiledLetter
from tables.postgres.dead_letters import DeadLetterStore
from tables.postgres.history import HistoryStore
from tables.postgres.partitions import TABLES, days_ahead, drop_partitions, ensure_partitions, strays
from tables.postgres.pool import Database
from tables.postgres.recording import RecordingStore
from tests.history import NOW, accepted, entries, notification_id, status

DAY = 86_400


async def test_a_week_ahead_is_made_once(own_database: Database) -> None:
    assert await ensure_partitions(own_database, NOW, 7) == 0, "the upgrade has made them"
    assert await ensure_partitions(own_database, NOW + 3 * DAY, 7) == 3 * len(TABLES)
    assert await days_ahead(own_database, NOW + 3 * DAY) == 7


async def test_processes_that_make_the_same_days_do_not_meet(own_database: Database) -> None:
    made = await asyncio.gather(*(ensure_partitions(own_database, NOW + 10 * DAY, 7) for _ in range(3)))
    assert sorted(made) == [0, 0, 10 * len(TABLES)]


async def test_a_row_lands_in_the_partition_of_its_day(own_database: Database) -> None:
    await RecordingStore(own_database).write(entries(accepted(1, "email"), status(1)))
    for table in TABLES:
        assert [row["day"] for row in await own_database.fetch(f"select tableoid::regclass::text as day from {table}")] == [
            f"{table}_20251009"
        ]


async def test_the_last_and_first_millisecond_of_a_day_part(own_database: Database) -> None:
    midnight = NOW - NOW % DAY
    await RecordingStore(own_database).write(entries(accepted(1, at=midnight - 0.001), accepted(2, at=midnight)))
    rows = await own_database.fetch("select tableoid::regclass::text as day from notifications order by id")
    assert [row["day"] for row in rows] == ["notifications_20251008", "notifications_20251009"]


async def test_strays_are_kept_counted_found_and_brought_home(own_database: Database) -> None:
    far = NOW + 20 * DAY
    await RecordingStore(own_database).write(entries(accepted(1, at=far), accepted(2, at=NOW - 9 * DAY)))
    assert await strays(own_database) == 2
    assert await HistoryStore(own_database).story(notification_id(1, far)) is not None
    await ensure_partitions(own_database, far)
    assert await strays(own_database) == 1
    assert await HistoryStore(own_database).story(notification_id(1, far)) is not None


async def test_retention_drops_whole_days_and_nothing_younger(own_database: Database) -> None:
    store = RecordingStore(own_database)
    letters = [FiledLetter(at, "notifications.dlq", 0, 0, DeadLetter("router", "x", "", "t", 0, 0)) for at in (NOW - 2 * DAY, NOW - DAY)]
    await store.write(entries(accepted(1, at=NOW - 2 * DAY), accepted(2, at=NOW), letters=letters))
    assert await drop_partitions(own_database, NOW, keep=2) == []
    dropped = await drop_partitions(own_database, NOW + DAY, keep=2)
    assert sorted(dropped) == [f"{table}_20251007" for table in sorted(TABLES)]
    assert [row["id"].hex for row in await own_database.fetch("select id from notifications")] == [notification_id(2)[4:]]
    assert [filed.at for filed in await DeadLetterStore(own_database).newest(9)] == [NOW - DAY]
