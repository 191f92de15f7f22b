"""The reports of providers: inbox, waiting reports, inbound messages, and the times of a delivery."""

from tables.postgres.migrations import run_sql_file

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the tables and columns."""
    run_sql_file("0016_provider_events.sql")
