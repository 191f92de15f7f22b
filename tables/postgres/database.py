"""PostgreSQL: a small pool of connections, and its errors as Herold's."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from schemas.errors import UnavailableError

TRANSIENT_ERRORS = (
    OSError,
    TimeoutError,
    ssl.SSLError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a call may get when the server ends its connection in that moment
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
)
"""What a later try may get past: no connection, a server that starts or stops, full disks, deadlocks, a standby before its promotion."""

OUTDATED_SCHEMA_ERRORS = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.UndefinedFunctionError)
"""What a database says that was not upgraded to this release: roles wait for that, and lose nothing meanwhile."""

Connection = Any  # asyncpg's PoolConnectionProxy and Connection share methods, not a type
DatabaseRow = Any  # asyncpg.Record


class Database:
    """At most `size` connections, opened when first needed, so that a role starts while PostgreSQL is down; times in seconds."""

    def __init__(self, dsn: str, size: int = 4, connect_timeout: float = 3.0, command_timeout: float = 10.0) -> None:
        self._dsn, self._size = dsn, size
        self._connect_timeout, self._command_timeout = connect_timeout, command_timeout
        self._pool: Any = None

    @asynccontextmanager
    async def acquire_connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool. Raises Unavailable if PostgreSQL does not answer, or is not upgraded; also from within the block."""
        try:
            async with (await self._get_pool()).acquire(timeout=self._connect_timeout + self._command_timeout) as connection:
                yield connection
        except TRANSIENT_ERRORS as gone:
            if isinstance(gone, ValueError):  # a DSN or value that is wrong, not a server that is gone
                raise
            raise UnavailableError(f"PostgreSQL does not answer: {type(gone).__name__}: {gone}") from gone
        except OUTDATED_SCHEMA_ERRORS as missing:
            what = str(missing).splitlines()[0]  # hints follow
            raise UnavailableError(f"the database is not that of this release: {what}; run `herold db upgrade`") from missing

    async def fetch(self, query: str, *values: object) -> list[DatabaseRow]:
        """All rows of a query."""
        async with self.acquire_connection() as connection:
            rows: list[DatabaseRow] = await connection.fetch(query, *values)
            return rows

    async def close(self) -> None:
        """Close all connections; those still in use are cut off after the command timeout."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), self._command_timeout)
            except TimeoutError:
                pool.terminate()

    async def _get_pool(self) -> Any:
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                self._dsn, min_size=0, max_size=self._size, timeout=self._connect_timeout, command_timeout=self._command_timeout
            )
        return await self._pool
