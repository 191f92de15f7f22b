"""A PostgreSQL that is away, silent, back, or asked for nonsense."""

from contextlib import suppress

import asyncpg
import pytest

from schemas.errors import UnavailableError
from tables.postgres.database import Database
from tests.tcp_proxy import run_proxy


async def test_a_server_that_is_away_is_unavailable_until_it_is_back(shared_database_url: str) -> None:
    async with run_proxy(shared_database_url) as proxy:
        database = Database(proxy.url)
        assert (await database.fetch("select 1 as one"))[0]["one"] == 1
        await proxy.disable()
        for _ in range(2):
            with pytest.raises(UnavailableError, match="PostgreSQL does not answer"):
                await database.fetch("select 1")
        await proxy.enable()
        assert await database.fetch("select 1")
        await database.close()


async def test_a_role_starts_while_it_is_away() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(UnavailableError):
        await database.fetch("select 1")
    await database.close()


async def test_a_server_that_says_nothing_is_unavailable_after_the_timeout(shared_database_url: str) -> None:
    async with run_proxy(shared_database_url) as proxy:
        database = Database(proxy.url, connect_timeout=0.2, command_timeout=0.2)
        proxy.pause_traffic()
        with pytest.raises(UnavailableError):
            await database.fetch("select 1")
        await proxy.enable()
        await database.close()


async def test_a_connection_that_the_server_ends_is_replaced(shared_database_url: str) -> None:
    database, other = Database(shared_database_url, size=1), await asyncpg.connect(shared_database_url)
    pid = (await database.fetch("select pg_backend_pid()"))[0][0]
    await other.execute("select pg_terminate_backend($1)", pid)
    await other.close()
    with suppress(UnavailableError):  # whether the end is seen before the call or by it
        await database.fetch("select 1")
    assert await database.fetch("select 1")
    await database.close()


@pytest.mark.parametrize("query", ["select * from nowhere", "select nothing from pg_class", "select nothing(1)"])
async def test_a_database_that_was_not_upgraded_is_waited_for(shared_database_url: str, query: str) -> None:
    database = Database(shared_database_url)
    with pytest.raises(UnavailableError, match=r"(nowhere|nothing).* does not exist; run `herold db upgrade`"):
        await database.fetch(query)
    await database.close()


async def test_a_mistake_of_ours_is_not_taken_for_an_outage(shared_database_url: str) -> None:
    database = Database(shared_database_url)
    with pytest.raises(asyncpg.exceptions.PostgresSyntaxError):
        await database.fetch("select nothing from")
    with pytest.raises(asyncpg.DataError, match="argument"):
        await database.fetch("select $1::int", "x")
    await database.close()


async def test_a_dsn_that_is_none_is_not_taken_for_an_outage() -> None:
    with pytest.raises(ValueError, match="scheme"):
        await Database("mysql://there").fetch("select 1")


async def test_close_does_not_wait_for_ever_for_one_in_use(shared_database_url: str) -> None:
    database = Database(shared_database_url, command_timeout=0.05)

    async def cut_off() -> None:
        async with database.acquire_connection() as connection:
            await database.close()
            await connection.execute("select 1")

    with pytest.raises(UnavailableError):
        await cut_off()
