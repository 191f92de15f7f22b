"""Rules that try their channels one after the other."""

from tables.postgres.migrations import run_sql_file

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the strategy and its columns."""
    run_sql_file("0009_escalation.sql")
