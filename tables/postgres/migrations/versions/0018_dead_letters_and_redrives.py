"""Dead letters with id, cause and state; redrives; how often a notification was redriven."""

from tables.postgres.migrations import run_sql_file

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Change the table, and create the new ones."""
    run_sql_file("0018_dead_letters_and_redrives.sql")
