"""Conditions, priorities and policies of rules, limits by category and tier, and every version of a rule."""

from tables.postgres.migrations import run_sql_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns, and the table of versions."""
    run_sql_file("0004_rules_as_data.sql")
