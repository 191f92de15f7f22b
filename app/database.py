"""The database of an installation: upgrade it and check it (`herold db`)."""

from functools import partial
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from msgspec import Struct
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from schemas.errors import Unavailable
from tables.postgres import migrations
from tables.postgres.partitions import days_ahead, ensure_partitions, strays
from tables.postgres.pool import GONE, Database
from tables.postgres.seed import plant_policy, plant_users

DAYS_AHEAD = 7
LOCK = 0x4865726F6C64  # "Herold": one upgrade at a time


class Health(Struct, frozen=True):
    """What `herold db check` tells: revisions, days of partitions ahead, rows outside of all partitions."""

    revision: str | None
    newest: str
    days_ahead: int
    strays: int

    @property
    def problems(self) -> list[str]:
        """What an operator has to do something about, in words."""
        found = []
        if self.revision != self.newest:
            found.append(f"the schema is at revision {self.revision or 'none'}, this release needs {self.newest}: run `herold db upgrade`")
        elif self.days_ahead < 1:
            found.append("there is no partition for tomorrow: run `herold db upgrade`, and see why the recorder did not make it")
        if self.strays:
            found.append(f"{self.strays} rows lie in the default partitions: their ids have days that have no partition")
        return found


async def upgrade(dsn: str, now: float, users: bool = True) -> str:
    """Bring the schema to the newest revision, make partitions, plant the seed (with or without the sample shop's users); the revision."""
    await _migrate(dsn)
    database = Database(dsn, size=1)
    try:
        await ensure_partitions(database, now, DAYS_AHEAD)
        await plant_policy(database)
        if users:
            await plant_users(database)
    finally:
        await database.close()
    return _newest()


async def check(dsn: str, now: float) -> Health:
    """How the database is. Raises Unavailable if it does not answer."""
    revision = await _revision(dsn)
    if revision is None:
        return Health(None, _newest(), -1, 0)
    database = Database(dsn, size=1)
    try:
        return Health(revision, _newest(), await days_ahead(database, now), await strays(database))
    finally:
        await database.close()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config


def _newest() -> str:
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _engine(dsn: str) -> AsyncEngine:
    return create_async_engine("postgresql+asyncpg://", async_creator=partial(asyncpg.connect, dsn), poolclass=NullPool)


async def _migrate(dsn: str) -> None:
    engine = _engine(dsn)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_to_newest)
    except GONE as gone:
        raise Unavailable(f"PostgreSQL does not answer: {gone}") from gone
    finally:
        await engine.dispose()


def _to_newest(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    connection.exec_driver_sql(f"select pg_advisory_lock({LOCK})")
    connection.commit()
    try:
        command.upgrade(config, "head")
    finally:
        connection.exec_driver_sql(f"select pg_advisory_unlock({LOCK})")


async def _revision(dsn: str) -> str | None:
    engine = _engine(dsn)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    except GONE as gone:
        raise Unavailable(f"PostgreSQL does not answer: {gone}") from gone
    finally:
        await engine.dispose()
