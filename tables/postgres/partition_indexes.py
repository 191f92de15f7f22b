"""Builds indexes of partitioned tables while others write: a migration declares one with `create index ... on only`, which has no rows.

PostgreSQL builds no index of a partitioned table concurrently, but one of a partition
(https://www.postgresql.org/docs/18/ddl-partitioning.html, "Partition Maintenance"). Partitions that are created later have it at once.
"""

from typing import Final

from tables.postgres.database import Connection, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("partition_indexes")
BLOCKS: Final = 2000  # of 8 kB, whose rows one statement fills: some 10,000 notifications


async def build_partition_indexes(connection: Connection) -> None:
    """Give each partition the indexes that it lacks, and before one by project the projects of its rows. Each step is committed.

    `connection`: outside of a transaction, and without a timeout. Raises the driver's errors; called again, it goes on where it was.
    """
    filled = set[str]()
    for row in await connection.fetch(_SQL["list_missing"]):
        if row["is_by_project"] and row["partition"] not in filled:
            await _fill_projects(connection, row["partition"])
            filled.add(row["partition"])
        await _build_index(connection, row)


async def _fill_projects(connection: Connection, partition: str) -> None:
    """Set the projects of old rows. What is written meanwhile has its project already."""
    fill = _SQL["fill_projects"].format(partition=partition)
    for first in range(0, await connection.fetchval(_SQL["count_blocks"], partition), BLOCKS):
        await connection.execute(fill, first, first + BLOCKS)
    await connection.execute(_SQL["analyze"].format(partition=partition))


async def _build_index(connection: Connection, row: DatabaseRow) -> None:
    own_index = row["partition"] + row["index"].removeprefix(row["table"])
    for name in ("drop_unfinished", "create_index", "attach_index"):
        await connection.execute(_SQL[name].format(**row, own_index=own_index))
