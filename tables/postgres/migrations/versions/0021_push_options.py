"""Options of push messages, and devices whose tokens were called invalid once."""

from tables.postgres.migrations import run_sql_file

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the columns."""
    run_sql_file("0021_push_options.sql")
