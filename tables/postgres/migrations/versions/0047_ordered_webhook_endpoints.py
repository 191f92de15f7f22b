"""Webhook endpoints that are called in order."""

from tables.postgres.migrations import run_sql_file

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    """Add the column that says which endpoints are."""
    run_sql_file("0047_ordered_webhook_endpoints.sql")
