"""Alembic's script directory; each revision in versions/ runs one SQL file of this directory, or what no transaction can do."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from alembic import op

from tables.postgres.database import Connection

SQL_DIR = Path(__file__).parent


def run_sql_file(name: str) -> None:
    """Run the statements of a file in the transaction of the migration, with the simple query protocol."""
    op.get_bind().exec_driver_sql("select 1")  # starts the transaction; a direct call of the driver does not
    statements = (SQL_DIR / name).read_text()
    op.get_bind().connection.dbapi_connection.run_async(lambda driver: driver.execute(statements))  # type: ignore[union-attr]


def run_outside_transaction(work: Callable[[Connection], Awaitable[None]]) -> None:
    """Run what commits its own steps, with the connection of the driver. If it fails, it is run again, so it must go on where it was."""
    with op.get_context().autocommit_block():
        op.get_bind().connection.dbapi_connection.run_async(work)  # type: ignore[union-attr]
