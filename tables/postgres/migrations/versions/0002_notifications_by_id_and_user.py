"""Notifications of two users with the same id are two rows."""

from tables.postgres.migrations import run_sql_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Replace the primary key."""
    run_sql_file("0002_notifications_by_id_and_user.sql")
