"""A redrive takes dead letters in hand before it produces their records."""

from tables.postgres.migrations import run_sql_file

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    """Say so in the comment of the column."""
    run_sql_file("0052_dead_letters_in_hand.sql")
