"""The counters of sent messages per user, channel and day."""

from tables.postgres.migrations import run_sql_file

revision = "0015"
down_revision = "0013"


def upgrade() -> None:
    """Create the table."""
    run_sql_file("0015_user_counts.sql")
