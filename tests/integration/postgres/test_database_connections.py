"""The pool while PostgreSQL is down, hangs or comes back, and with invalid queries."""

from contextlib import suppress

import asyncpg
import pytest

from schemas.errors import UnavailableError
from tables.postgres.database import Database
from tests.database_fixtures import create_database
from tests.tcp_proxy import run_proxy


async def test_a_server_is_unavailable_while_it_is_down(shared_database_url: str) -> None:
    async with run_proxy(shared_database_url) as proxy:
        database = create_database(proxy.url)
        assert (await database.fetch("select 1 as number"))[0]["number"] == 1
        await proxy.disable()
        for _ in range(2):
            with pytest.raises(UnavailableError, match="PostgreSQL does not answer"):
                await database.fetch("select 1")
        await proxy.enable()
        assert await database.fetch("select 1")
        await database.close()


async def test_a_pool_is_created_while_the_server_is_down() -> None:
    database = create_database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(UnavailableError):
        await database.fetch("select 1")
    await database.close()


async def test_a_server_that_hangs_is_unavailable_after_the_timeout(shared_database_url: str) -> None:
    async with run_proxy(shared_database_url) as proxy:
        database = create_database(proxy.url, connect_timeout=0.2, command_timeout=0.2)
        proxy.pause_traffic()
        with pytest.raises(UnavailableError, match=r"^PostgreSQL does not answer: TimeoutError$"):
            await database.fetch("select 1")
        await proxy.enable()
        await database.close()


async def test_a_connection_that_the_server_closes_is_replaced(shared_database_url: str) -> None:
    database, other = Database(shared_database_url, max_size=1), await asyncpg.connect(shared_database_url)
    pid = (await database.fetch("select pg_backend_pid()"))[0][0]
    await other.execute("select pg_terminate_backend($1)", pid)
    await other.close()
    with suppress(UnavailableError):  # the client may notice the closed connection before the call or during it
        await database.fetch("select 1")
    assert await database.fetch("select 1")
    await database.close()


@pytest.mark.parametrize("query", ["select * from nowhere", "select nothing from pg_class", "select nothing(1)"])
async def test_an_outdated_schema_is_unavailable(shared_database_url: str, query: str) -> None:
    database = create_database(shared_database_url)
    with pytest.raises(UnavailableError, match=r"(nowhere|nothing).* does not exist; run `herold db upgrade`"):
        await database.fetch(query)
    await database.close()


async def test_an_invalid_query_is_not_unavailable(shared_database_url: str) -> None:
    database = create_database(shared_database_url)
    with pytest.raises(asyncpg.exceptions.PostgresSyntaxError):
        await database.fetch("select nothing from")
    with pytest.raises(asyncpg.DataError, match="argument"):
        await database.fetch("select $1::int", "x")
    await database.close()


async def test_an_invalid_dsn_is_not_unavailable() -> None:
    with pytest.raises(ValueError, match="scheme"):
        await create_database("mysql://there").fetch("select 1")


async def test_close_terminates_a_connection_in_use_after_the_timeout(shared_database_url: str) -> None:
    database = create_database(shared_database_url, command_timeout=0.05)

    async def close_during_use() -> None:
        async with database.acquire_connection() as connection:
            await database.close()
            await connection.execute("select 1")

    with pytest.raises(UnavailableError):
        await close_during_use()


async def test_what_comes_after_the_close_opens_no_connection(shared_database_url: str) -> None:
    database = create_database(shared_database_url)
    assert await database.fetch("select 1")
    await database.close()
    with pytest.raises(UnavailableError, match="closed"):
        await database.fetch("select 1")
    await database.close()
