"""The time of the next attempt in the log of deliveries."""

from tables.postgres.migrations import run_sql_file

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the column."""
    run_sql_file("0022_next_attempt.sql")
