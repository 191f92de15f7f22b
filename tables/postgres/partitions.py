"""Partitions of the history: one per day and table, made ahead and dropped by retention."""

from datetime import UTC, date, datetime, timedelta

from tables.postgres.database import Connection, Database
from tables.postgres.query_loader import load_queries

PARTITIONED_TABLES = ("notifications", "deliveries", "delivery_logs")
DAYS_BACK = 2  # days before today: ids may be a day off, and a late record older

_SQL = load_queries("partitions")


async def ensure_partitions(database: Database, now: float, days_ahead: int = 7) -> int:
    """Make what is missing from two days back to `days` ahead of `now` (epoch seconds); how many were made."""
    today = datetime.fromtimestamp(now, UTC).date()
    wanted = [today + timedelta(days=n) for n in range(-DAYS_BACK, days_ahead + 1)]
    async with database.acquire_connection() as connection, connection.transaction():
        await connection.execute(_SQL["lock_partitions"])
        await connection.execute(_SQL["set_lock_timeout"])
        return sum([await connection.fetchval(_SQL["create_partition"], table, day) for table in PARTITIONED_TABLES for day in wanted])


async def drop_expired_partitions(database: Database, now: float, keep_days: int) -> list[str]:
    """Drop the days that ended more than `keep` days before `now` (epoch seconds), with dead letters of that age; the names dropped."""
    oldest = datetime.fromtimestamp(now, UTC).date() - timedelta(days=keep_days)
    async with database.acquire_connection() as connection, connection.transaction():
        await connection.execute(_SQL["lock_partitions"])
        await connection.execute(_SQL["set_lock_timeout"])
        names = [name for name in await _list_partition_names(connection) if _parse_day(name) < oldest]
        for name in names:
            await connection.execute(f'drop table "{name}"')
        await connection.execute(_SQL["delete_old_dead_letters"], oldest)
        return names


async def count_default_partition_rows(database: Database) -> int:
    """How many rows lie outside of all days: more than none is an alarm."""
    async with database.acquire_connection() as connection:
        return int(await connection.fetchval(_SQL["count_default_partition_rows"]))


async def count_days_ahead(database: Database, now: float) -> int:
    """For how many days after today all tables have partitions; -1 if one has none for today."""
    today = datetime.fromtimestamp(now, UTC).date()
    async with database.acquire_connection() as connection:
        have = set(await _list_partition_names(connection))
    ahead = -1
    while all(f"{table}_{today + timedelta(days=ahead + 1):%Y%m%d}" in have for table in PARTITIONED_TABLES):
        ahead += 1
    return ahead


async def _list_partition_names(connection: Connection) -> list[str]:
    return [row["name"] for row in await connection.fetch(_SQL["list_partitions"], list(PARTITIONED_TABLES))]


def _parse_day(name: str) -> date:
    return datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC).date()
