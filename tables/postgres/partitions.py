"""Partitions of the history: one per day and table, made ahead and dropped by retention."""

from datetime import UTC, date, datetime, timedelta

from tables.postgres.pool import Connection, Database
from tables.postgres.sql import queries

TABLES = ("notifications", "deliveries", "delivery_logs")
BACK = 2  # days before today: ids may be a day off, and a late record older

_SQL = queries("partitions")


async def ensure_partitions(database: Database, now: float, days: int = 7) -> int:
    """Make what is missing from two days back to `days` ahead of `now` (epoch seconds); how many were made."""
    today = datetime.fromtimestamp(now, UTC).date()
    wanted = [today + timedelta(days=n) for n in range(-BACK, days + 1)]
    async with database.connection() as connection, connection.transaction():
        await connection.execute(_SQL["lock"])
        await connection.execute(_SQL["patience"])
        return sum([await connection.fetchval(_SQL["make"], table, day) for table in TABLES for day in wanted])


async def drop_partitions(database: Database, now: float, keep: int) -> list[str]:
    """Drop the days that ended more than `keep` days before `now` (epoch seconds), with dead letters of that age; the names dropped."""
    oldest = datetime.fromtimestamp(now, UTC).date() - timedelta(days=keep)
    async with database.connection() as connection, connection.transaction():
        await connection.execute(_SQL["lock"])
        await connection.execute(_SQL["patience"])
        names = [name for name in await _names(connection) if _day(name) < oldest]
        for name in names:
            await connection.execute(f'drop table "{name}"')
        await connection.execute(_SQL["forget_letters"], oldest)
        return names


async def strays(database: Database) -> int:
    """How many rows lie outside of all days: more than none is an alarm."""
    async with database.connection() as connection:
        return int(await connection.fetchval(_SQL["strays"]))


async def days_ahead(database: Database, now: float) -> int:
    """For how many days after today all tables have partitions; -1 if one has none for today."""
    today = datetime.fromtimestamp(now, UTC).date()
    async with database.connection() as connection:
        have = set(await _names(connection))
    ahead = -1
    while all(f"{table}_{today + timedelta(days=ahead + 1):%Y%m%d}" in have for table in TABLES):
        ahead += 1
    return ahead


async def _names(connection: Connection) -> list[str]:
    return [row["name"] for row in await connection.fetch(_SQL["list"], list(TABLES))]


def _day(name: str) -> date:
    return datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC).date()
