"""Columns with personal data can be sealed."""

from tables.postgres.migrations import run_sql_file

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Add what is sealed to users, devices and suppressions."""
    run_sql_file("0035_sealed_columns.sql")
