"""The audit log and the events of consent are hash-chained, and a database role cannot change them."""

from tables.postgres.migrations import run_sql_file

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Add the chain, its checkpoints and the database role, and queue what is there already."""
    run_sql_file("0031_log_chain.sql")
