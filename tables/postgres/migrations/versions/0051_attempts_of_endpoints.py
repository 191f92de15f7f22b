"""Attempts name the webhook endpoint that was called, and are found by it."""

from tables.postgres.migrations import run_outside_transaction, run_sql_file
from tables.postgres.partition_indexes import build_partition_indexes

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    """Add the column, declare the index, and build it in one partition after the other. What ended in the middle goes on where it was."""
    run_sql_file("0051_attempts_of_endpoints.sql")
    run_outside_transaction(build_partition_indexes)
