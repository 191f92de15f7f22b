"""Indexes for the filters of lists."""

from tables.postgres.migrations import run_sql_file

revision = "0037"
down_revision = "0035"


def upgrade() -> None:
    """Create the indexes."""
    run_sql_file("0037_list_indexes.sql")
