"""Bounds on what the router reads of users and limits, and what the provider said of an attempt."""

from tables.postgres.migrations import run_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the bounds and the column."""
    run_file("0002_bounds_and_details.sql")
