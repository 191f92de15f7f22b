"""A notification that was held has one row, with the decision log of all its decisions."""

from tables.postgres.migrations import run_sql_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column, and the function that joins decision logs."""
    run_sql_file("0005_resumed_notifications.sql")
