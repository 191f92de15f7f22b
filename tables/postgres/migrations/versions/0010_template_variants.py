"""Variants of templates."""

from tables.postgres.migrations import run_sql_file

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the columns."""
    run_sql_file("0010_template_variants.sql")
