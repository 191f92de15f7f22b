"""Links that log in, and saved views of the dashboard."""

from tables.postgres.migrations import run_sql_file

revision = "0043"
down_revision = "0041"


def upgrade() -> None:
    """Let links log in, and add the table of views."""
    run_sql_file("0043_login_links_and_saved_views.sql")
