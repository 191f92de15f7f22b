"""More parts, partials, declared variables and samples of templates, and what was published when."""

from tables.postgres.migrations import run_sql_file

revision = "0007"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns and tables."""
    run_sql_file("0007_template_versions.sql")
