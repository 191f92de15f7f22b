"""Counts of the history by minute."""

from tables.postgres.migrations import run_sql_file

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    """Create the tables, and the columns that say as what a row is counted."""
    run_sql_file("0041_history_counts.sql")
