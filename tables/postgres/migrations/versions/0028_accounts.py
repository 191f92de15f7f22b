"""Accounts of people, their credentials and sessions."""

from tables.postgres.migrations import run_sql_file

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Create the tables."""
    run_sql_file("0028_accounts.sql")
