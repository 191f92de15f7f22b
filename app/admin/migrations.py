"""Alembic's part of the database's upgrade; imported only when there is something to migrate, because that takes a second."""

from functools import partial
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from schemas.errors import UnavailableError
from tables.postgres import migrations
from tables.postgres.database import TRANSIENT_ERRORS

ADVISORY_LOCK_ID = 0x4865726F6C64  # "Herold": one upgrade at a time


def build_alembic_config() -> Config:
    """Alembic's configuration: where the migrations are."""
    made = Config()
    made.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return made


async def run_migrations(database_url: str) -> None:
    """Bring the schema to the newest revision. Raises Unavailable if PostgreSQL does not answer."""
    engine = create_async_engine("postgresql+asyncpg://", async_creator=partial(asyncpg.connect, database_url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade_to_head)
    except TRANSIENT_ERRORS as gone:
        raise UnavailableError(f"PostgreSQL does not answer: {gone}") from gone
    finally:
        await engine.dispose()


def _upgrade_to_head(connection: Connection) -> None:
    made = build_alembic_config()
    made.attributes["connection"] = connection
    connection.exec_driver_sql(f"select pg_advisory_lock({ADVISORY_LOCK_ID})")
    connection.commit()
    try:
        command.upgrade(made, "head")
    finally:
        connection.exec_driver_sql(f"select pg_advisory_unlock({ADVISORY_LOCK_ID})")
