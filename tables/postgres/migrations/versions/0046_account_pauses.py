"""Accounts that operators have paused."""

from tables.postgres.migrations import run_sql_file

revision = "0046"
down_revision = "0043"


def upgrade() -> None:
    """Add the table, and the index of calls that failed."""
    run_sql_file("0046_account_pauses.sql")
