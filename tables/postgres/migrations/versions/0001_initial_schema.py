"""The initial schema: users, policy, history and dead letters."""

from tables.postgres.migrations import run_sql_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the schema."""
    run_sql_file("0001_initial_schema.sql")
