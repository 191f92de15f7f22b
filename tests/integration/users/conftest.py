"""The fixtures of databases; the copy for a test has no suppressions of the sample."""

import asyncpg
import pytest

from tests.column_sealing import sealing_mode
from tests.database_fixtures import database, database_copy, database_copy_url, shared_database_url

__all__ = ["database", "database_copy", "database_copy_url", "sealing_mode", "shared_database_url"]


@pytest.fixture(autouse=True)
async def empty_suppressions(database_copy_url: str) -> None:
    """Delete the suppressions that the seed has."""
    connection = await asyncpg.connect(database_copy_url)
    await connection.execute("delete from suppressions")
    await connection.close()
