"""The role of projects erases users from the logs, and only appends to them."""

from tables.postgres.migrations import run_sql_file

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Grant the one right, and take the others."""
    run_sql_file("0032_project_log_rights.sql")
