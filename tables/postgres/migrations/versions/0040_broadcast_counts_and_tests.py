"""Counts of broadcasts, the cancel of what waits of them, and an index of notifications of tests."""

from tables.postgres.migrations import run_sql_file

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    """Add the columns, the indexes and the trigger."""
    run_sql_file("0040_broadcast_counts_and_tests.sql")
