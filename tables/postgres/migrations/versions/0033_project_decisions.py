"""Rate limits and broadcasts of projects; the policy has the projects."""

from tables.postgres.migrations import run_sql_file

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Give rate limits and broadcasts a project."""
    run_sql_file("0033_project_decisions.sql")
