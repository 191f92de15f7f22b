"""Redrives, webhook endpoints and the audit log know their project; readings of personal data are gathered."""

from tables.postgres.migrations import run_sql_file

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Add the columns, the policies and the table."""
    run_sql_file("0034_projects_in_delivery.sql")
