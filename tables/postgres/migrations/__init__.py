"""Alembic's script directory; each revision in versions/ runs one SQL file of this directory."""

from pathlib import Path

from alembic import op

SQL_DIR = Path(__file__).parent


def run_sql_file(name: str) -> None:
    """Run the statements of a file in the transaction of the migration, with the simple query protocol."""
    op.get_bind().exec_driver_sql("select 1")  # starts the transaction; a direct call of the driver does not
    statements = (SQL_DIR / name).read_text()
    op.get_bind().connection.dbapi_connection.run_async(lambda driver: driver.execute(statements))  # type: ignore[union-attr]
