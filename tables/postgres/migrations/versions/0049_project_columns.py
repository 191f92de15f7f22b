"""Notifications, deliveries and dead letters know their project."""

from tables.postgres.migrations import run_sql_file

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    """Add the columns and the policies, and declare the indexes."""
    run_sql_file("0049_project_columns.sql")
