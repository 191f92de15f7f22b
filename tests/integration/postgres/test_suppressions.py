"""Suppressions that several writers change at the same time."""

from itertools import count
from typing import Any

import pytest

from schemas.users import ChangeOrigin, SuppressionRequest
from tables.postgres.database import Connection, Database
from tables.postgres.suppressions import insert_suppression
from tests.column_sealing import INDEX

pytestmark = pytest.mark.usefixtures("sealing_mode")

REQUEST = SuppressionRequest("email", "ada@example.org", reason="manual")
ORIGIN = ChangeOrigin("cli", "root")


class ConnectionBesideAnUndo:
    """A connection; after its first insert, another one undoes what was in force."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self._connection, self._database = connection, database
        self.undone = 0

    async def fetchval(self, query: str, *arguments: object) -> Any:
        value = await self._connection.fetchval(query, *arguments)
        if not self.undone:
            rows = await self._database.fetch(
                "update suppressions set undone_at = now(), undone_by = 'ada' where address = any($1) and undone_at is null returning id",
                [REQUEST.address, INDEX.compute("email", REQUEST.address)],
            )
            self.undone = len(rows)
        return value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


async def test_what_is_undone_before_it_is_read_is_inserted_again(database_copy: Database) -> None:
    numbers = count(1)

    def make_id(prefix: str) -> str:
        return f"{prefix}{next(numbers):032x}"

    async with database_copy.acquire_connection() as connection, connection.transaction():
        first = await insert_suppression(connection, REQUEST, make_id, ORIGIN, database_copy.sealing)
    async with database_copy.acquire_connection() as connection, connection.transaction():
        beside = ConnectionBesideAnUndo(connection, database_copy)
        second = await insert_suppression(beside, REQUEST, make_id, ORIGIN, database_copy.sealing)
    assert (beside.undone, second.suppression.id != first.suppression.id, second.suppression.undone_at) == (1, True, None)
