"""Alembic's script folder: each version runs one plain SQL file that stands beside it."""

from pathlib import Path

from alembic import op

FOLDER = Path(__file__).parent


def run_sql_file(name: str) -> None:
    """Run a file of many statements in the migration's transaction; the driver's simple protocol takes them as they are."""
    op.get_bind().exec_driver_sql("select 1")  # opens the transaction, which the driver's own call would not
    statements = (FOLDER / name).read_text()
    op.get_bind().connection.dbapi_connection.run_async(lambda driver: driver.execute(statements))  # type: ignore[union-attr]
