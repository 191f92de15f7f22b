"""Notifications that were read, and rules that escalate unless they were."""

from tables.postgres.migrations import run_sql_file

revision = "0039"
down_revision = "0037"


def upgrade() -> None:
    """Add the time, and the value."""
    run_sql_file("0039_read_notifications.sql")
