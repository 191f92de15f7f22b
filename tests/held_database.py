"""Transactions that a test ends, so that another one waits for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from tables.postgres.database import Connection, Database

HAS_WAITING: Final = "select exists (select from pg_locks where not granted) as answer"


class HeldDatabase(Database):
    """A database of one connection, which is in a transaction."""

    def __init__(self, database: Database, connection: Connection) -> None:
        super().__init__("", 1)
        self.sealing, self._connection = database.sealing, connection

    @asynccontextmanager
    async def acquire_connection(self) -> AsyncIterator[Connection]:
        yield self._connection


@asynccontextmanager
async def hold_transaction(database: Database) -> AsyncIterator[Database]:
    """What runs in this database is committed at the end of the block."""
    async with database.acquire_connection() as connection, connection.transaction():
        yield HeldDatabase(database, connection)


async def wait_for_lock(database: Database, task: asyncio.Task[Any]) -> None:
    """Wait until the task waits for a lock, or is done without one."""
    while not (await database.fetch(HAS_WAITING))[0]["answer"] and not task.done():
        pass
