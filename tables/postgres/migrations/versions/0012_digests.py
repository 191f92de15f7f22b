"""How a rule gathers notifications into digests."""

from tables.postgres.migrations import run_sql_file

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column."""
    run_sql_file("0012_digests.sql")
