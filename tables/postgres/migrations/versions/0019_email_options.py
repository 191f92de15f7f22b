"""What e-mails have beside their text."""

from tables.postgres.migrations import run_sql_file

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the columns."""
    run_sql_file("0019_email_options.sql")
