"""When the suppression lists of providers were read."""

from tables.postgres.migrations import run_sql_file

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Create the table."""
    run_sql_file("0023_suppression_syncs.sql")
