"""An index for the deliveries with a reason."""

from tables.postgres.migrations import run_sql_file

revision = "0037"
down_revision = "0034"


def upgrade() -> None:
    """Create the index."""
    run_sql_file("0037_delivery_list.sql")
