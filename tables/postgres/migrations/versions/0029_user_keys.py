"""The data keys of users."""

from tables.postgres.migrations import run_sql_file

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Create the table."""
    run_sql_file("0029_user_keys.sql")
