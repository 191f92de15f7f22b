"""Audiences, broadcasts and schedules."""

from tables.postgres.migrations import run_sql_file

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the tables."""
    run_sql_file("0008_broadcasts.sql")
