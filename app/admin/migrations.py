"""Runs the Alembic migrations. Imported only when there is one to run, because importing Alembic takes a second."""

import asyncio
from functools import partial
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from schemas.errors import UnavailableError
from tables.postgres import migrations
from tables.postgres.database import TRANSIENT_ERRORS
from tables.tls_problem import describe_tls_problem

ADVISORY_LOCK_ID = 0x4865726F6C64  # "Herold" in ASCII; one upgrade at a time
LOCK_INTERVAL = 0.5  # seconds between two tries


def build_alembic_config() -> Config:
    """Alembic's configuration with the directory of the migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config


async def run_migrations(database_url: str) -> None:
    """Migrate the schema to the newest revision. Raises UnavailableError if PostgreSQL does not answer."""
    engine = create_async_engine("postgresql+asyncpg://", async_creator=partial(asyncpg.connect, database_url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await _lock(connection)
            await connection.run_sync(_upgrade_to_head)
    except TRANSIENT_ERRORS as error:
        raise UnavailableError(f"PostgreSQL does not answer: {describe_tls_problem(error, 'postgres') or error}") from error
    finally:
        await engine.dispose()


async def _lock(connection: AsyncConnection) -> None:
    """Wait until no other upgrade runs. A statement that waits would have a snapshot, for which the other one's indexes would wait."""
    while not (await connection.exec_driver_sql(f"select pg_try_advisory_lock({ADVISORY_LOCK_ID})")).scalar():
        await connection.commit()
        await asyncio.sleep(LOCK_INTERVAL)
    await connection.commit()


def _upgrade_to_head(connection: Connection) -> None:
    config = build_alembic_config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    finally:
        connection.exec_driver_sql(f"select pg_advisory_unlock({ADVISORY_LOCK_ID})")
