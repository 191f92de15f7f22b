"""The first relations: history, users, policy and dead letters."""

from tables.postgres.migrations import run_sql_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all relations."""
    run_sql_file("0001_initial_schema.sql")
