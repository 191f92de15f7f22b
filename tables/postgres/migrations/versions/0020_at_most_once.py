"""Templates whose messages are sent at most once."""

from tables.postgres.migrations import run_sql_file

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the column."""
    run_sql_file("0020_at_most_once.sql")
