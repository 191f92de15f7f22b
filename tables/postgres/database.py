"""The connection pool of PostgreSQL; translates the driver's errors into Herold's."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from schemas.errors import UnavailableError
from schemas.projects import project_in_force
from tables.tls_problem import describe_tls_problem

if TYPE_CHECKING:  # it reads keys with a connection
    from tables.postgres.column_sealing import ColumnSealing

TRANSIENT_ERRORS = (
    OSError,
    TimeoutError,
    ssl.SSLError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # raised by a call whose connection the server closes at that moment
    asyncpg.InvalidAuthorizationSpecificationError,  # a password or a rule of access that an operator corrects
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
)
"""Errors that a retry may resolve: no connection, server starting or stopping, disk full, deadlock, standby not promoted yet."""

OUTDATED_SCHEMA_ERRORS = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.UndefinedFunctionError)
"""Errors of a schema older than this release; callers treat them as unavailable and wait for `herold db upgrade`."""

Connection = Any  # asyncpg's PoolConnectionProxy and Connection share methods, but no type
DatabaseRow = Any  # asyncpg.Record

CONNECT_TIMEOUT = 3.0  # seconds
COMMAND_TIMEOUT = 10.0  # seconds
ENTER_PROJECT = "select set_config('herold.project', $1, false), set_config('role', 'herold_project', false)"
LEAVE_PROJECT = "reset role; reset herold.project"  # asyncpg's reset of a connection leaves the role as it is
MAX_TIMESTAMP = 253_402_300_799.0  # epoch seconds of 9999-12-31T23:59:59Z, the latest time that is stored


class Database:
    """A pool of at most `max_size` connections; timeouts in seconds.

    It connects on first use, so that a worker can start while PostgreSQL is down.
    """

    def __init__(self, dsn: str, max_size: int, connect_timeout: float = CONNECT_TIMEOUT, command_timeout: float = COMMAND_TIMEOUT) -> None:
        self._dsn, self._max_size = dsn, max_size
        self._connect_timeout, self._command_timeout = connect_timeout, command_timeout
        self._pool: Any = None
        self._is_closed = False
        self.sealing: ColumnSealing | None = None
        """How columns with personal data are sealed; without it what is sealed cannot be read."""

    @asynccontextmanager
    async def acquire_connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool, for an `async with` block.

        Raises UnavailableError, also from within the block, if PostgreSQL does not answer or its schema is outdated.
        """
        try:
            acquired = (await self._get_pool()).acquire(timeout=self._connect_timeout + self._command_timeout)
            async with acquired as connection, _enter_project(connection):
                yield connection
        except TRANSIENT_ERRORS as error:
            # an invalid DSN or value; asyncpg derives some InterfaceErrors from ValueError, and Python that of a certificate
            if isinstance(error, ValueError) and not isinstance(error, ssl.SSLError):
                raise
            problem = describe_tls_problem(error, "postgres") or f"{type(error).__name__}: {error}".rstrip(": ")
            raise UnavailableError(f"PostgreSQL does not answer: {problem}") from error
        except OUTDATED_SCHEMA_ERRORS as error:
            message = str(error).splitlines()[0]  # the following lines are hints
            raise UnavailableError(f"the schema does not match this release: {message}; run `herold db upgrade`") from error

    async def fetch(self, query: str, *values: object) -> list[DatabaseRow]:
        """All rows of a query."""
        async with self.acquire_connection() as connection:
            rows: list[DatabaseRow] = await connection.fetch(query, *values)
            return rows

    async def close(self) -> None:
        """Close all connections; those still in use are terminated after the command timeout. What comes later is unavailable."""
        self._is_closed = True
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(self._command_timeout):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    async def _get_pool(self) -> Any:
        if self._is_closed:  # a task that has not ended yet must not open what nobody closes
            raise UnavailableError("the connections to PostgreSQL are closed")
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                self._dsn, min_size=0, max_size=self._max_size, timeout=self._connect_timeout, command_timeout=self._command_timeout
            )
        return await self._pool


@asynccontextmanager
async def _enter_project(connection: Connection) -> AsyncIterator[None]:
    """Let a request see and write the rows of its project only (migration 0027); whatever else runs is not for a project."""
    project = project_in_force.get()
    if project is None:
        yield
        return
    await connection.execute(ENTER_PROJECT, f":{project}")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(LEAVE_PROJECT)


@asynccontextmanager
async def open_database(
    url: str, command_timeout: float = COMMAND_TIMEOUT, sealing: "ColumnSealing | None" = None
) -> AsyncIterator[Database]:
    """One connection for a command, which is closed at the end of the block; the timeout in seconds."""
    database = Database(url, max_size=1, command_timeout=command_timeout)
    database.sealing = sealing
    try:
        yield database
    finally:
        await database.close()
