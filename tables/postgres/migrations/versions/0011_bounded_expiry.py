"""The upper bound of how long a rule lets its notifications live."""

from tables.postgres.migrations import run_sql_file

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Bound the column."""
    run_sql_file("0011_bounded_expiry.sql")
