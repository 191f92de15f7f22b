"""The erasure log."""

from tables.postgres.migrations import run_sql_file

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Create the table."""
    run_sql_file("0030_erasures.sql")
