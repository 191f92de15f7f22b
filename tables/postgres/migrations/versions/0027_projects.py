"""Projects, and the policies by which a request sees the rows of one."""

from tables.postgres.migrations import run_sql_file

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Create the table."""
    run_sql_file("0027_projects.sql")
