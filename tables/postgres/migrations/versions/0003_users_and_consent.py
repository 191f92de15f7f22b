"""Tier, attributes, quiet hours, preferences and suppressions of users, with the histories of consent and of operators."""

from tables.postgres.migrations import run_sql_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns and create the tables."""
    run_sql_file("0003_users_and_consent.sql")
