"""Webhook endpoints, with counters of their calls."""

from tables.postgres.migrations import run_sql_file

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Create the tables."""
    run_sql_file("0017_webhook_endpoints.sql")
