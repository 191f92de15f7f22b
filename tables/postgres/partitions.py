"""The daily partitions of the history tables: created ahead of time and dropped by retention."""

from datetime import UTC, date, datetime, timedelta

from tables.postgres.database import Connection, Database
from tables.postgres.query_loader import load_queries

PARTITIONED_TABLES = ("notifications", "deliveries", "delivery_logs", "provider_events")
DAYS_AHEAD = 7
DAYS_BACK = 2  # ids of skewed clocks and late records belong to earlier days

_SQL = load_queries("partitions")


async def ensure_partitions(database: Database, now: float) -> int:
    """Create the missing partitions from DAYS_BACK before to DAYS_AHEAD after `now` (epoch seconds); returns how many."""
    today = datetime.fromtimestamp(now, UTC).date()
    days = [today + timedelta(days=n) for n in range(-DAYS_BACK, DAYS_AHEAD + 1)]
    async with database.acquire_connection() as connection, connection.transaction():
        await connection.execute(_SQL["lock_partitions"])
        await connection.execute(_SQL["set_lock_timeout"])
        return sum([await connection.fetchval(_SQL["create_partition"], table, day) for table in PARTITIONED_TABLES for day in days])


async def drop_expired_partitions(database: Database, now: float, retention_days: int) -> list[str]:
    """Drop partitions, and delete dead letters, redrives and counters, older than `retention_days` before `now` (epoch seconds).

    Returns the names of the partitions.
    """
    oldest = datetime.fromtimestamp(now, UTC).date() - timedelta(days=retention_days)
    async with database.acquire_connection() as connection, connection.transaction():
        await connection.execute(_SQL["lock_partitions"])
        await connection.execute(_SQL["set_lock_timeout"])
        names = [name for name in await _list_partition_names(connection) if _parse_day(name) < oldest]
        for name in names:
            await connection.execute(_SQL["drop_partition"], name)
        await connection.execute(_SQL["delete_old_dead_letters"], oldest)
        await connection.execute(_SQL["delete_old_redrives"], oldest)
        await connection.execute(_SQL["delete_old_user_counts"], oldest)
        await connection.execute(_SQL["delete_old_endpoint_counts"], oldest)
        await connection.execute(_SQL["delete_orphaned_endpoint_health"])
        await connection.execute(_SQL["delete_old_help_messages"], oldest)
        return names


async def count_default_partition_rows(database: Database) -> int:
    """The number of rows in the default partitions, whose day has no partition; it must be 0."""
    async with database.acquire_connection() as connection:
        return int(await connection.fetchval(_SQL["count_default_partition_rows"]))


async def count_days_ahead(database: Database, now: float) -> int:
    """The number of days after today for which all tables have partitions; -1 if today's is missing."""
    today = datetime.fromtimestamp(now, UTC).date()
    async with database.acquire_connection() as connection:
        names = set(await _list_partition_names(connection))
    ahead = -1
    while all(f"{table}_{today + timedelta(days=ahead + 1):%Y%m%d}" in names for table in PARTITIONED_TABLES):
        ahead += 1
    return ahead


async def _list_partition_names(connection: Connection) -> list[str]:
    return [row["name"] for row in await connection.fetch(_SQL["list_partitions"], list(PARTITIONED_TABLES))]


def _parse_day(name: str) -> date:
    return datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC).date()
