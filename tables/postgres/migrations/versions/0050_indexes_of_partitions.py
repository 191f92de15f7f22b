"""The partitions have the indexes that migrations declare on their tables only, and old rows have their project."""

from tables.postgres.migrations import run_outside_transaction
from tables.postgres.partition_indexes import build_partition_indexes

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    """Fill and index one partition after the other. What ended in the middle goes on where it was."""
    run_outside_transaction(build_partition_indexes)
