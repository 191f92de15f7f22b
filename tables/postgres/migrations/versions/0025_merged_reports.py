"""Reports that were merged late, of which producers are to hear."""

from tables.postgres.migrations import run_sql_file

revision = "0025"
down_revision = "0023"


def upgrade() -> None:
    """Add the column."""
    run_sql_file("0025_merged_reports.sql")
