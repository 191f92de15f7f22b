"""The versions of rate limits."""

from tables.postgres.migrations import run_sql_file

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the columns, the table and its triggers."""
    run_sql_file("0013_rate_limit_versions.sql")
