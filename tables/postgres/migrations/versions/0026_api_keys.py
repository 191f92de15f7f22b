"""API keys."""

from tables.postgres.migrations import run_sql_file

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Create the table."""
    run_sql_file("0026_api_keys.sql")
