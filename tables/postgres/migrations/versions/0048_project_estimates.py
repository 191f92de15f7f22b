"""What the planner expects of the policies of projects."""

from tables.postgres.migrations import run_sql_file

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    """Let lists of a project go through the index."""
    run_sql_file("0048_project_estimates.sql")
