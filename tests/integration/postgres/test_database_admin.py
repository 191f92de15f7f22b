"""`herold db upgrade` and `check` on an empty database and on one that is there already."""

import asyncio

import asyncpg
import pytest

from app.admin.database import DatabaseHealth, check_database, upgrade_database
from schemas.errors import UnavailableError
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.profiles import PostgresProfileReader
from tests.event_builders import NOW, build_decided_event, build_history_batch
from tests.tcp_proxy import run_proxy

DAY = 86_400


async def test_upgrade_makes_everything_and_check_finds_nothing_wrong(database_url: str) -> None:
    before = await check_database(database_url, NOW)
    assert before.revision is None
    assert "herold db upgrade" in before.problems[0]
    newest = await upgrade_database(database_url, NOW)
    health = await check_database(database_url, NOW)
    assert health == DatabaseHealth(newest, newest, 7, 0)
    assert health.problems == []


async def test_upgrade_again_leaves_what_an_operator_has_changed(database_copy_url: str) -> None:
    connection = await asyncpg.connect(database_copy_url)
    await connection.execute("update rules set priority = 'low' where type = 'order.shipped'; delete from devices where user_id = 'u-ada'")
    await upgrade_database(database_copy_url, NOW)
    assert await connection.fetchval("select priority from rules where type = 'order.shipped'") == "low"
    assert not await connection.fetchval("select count(*) from devices where user_id = 'u-ada'")
    await connection.close()


async def test_upgrade_without_the_sample_shops_users(database_url: str) -> None:
    await upgrade_database(database_url, NOW, with_sample_users=False)
    database = Database(database_url)
    assert not (await PostgresProfileReader(database).get_many(["u-ada"]))["u-ada"].known
    await database.close()


@pytest.mark.parametrize(
    "change",
    [
        "insert into rate_limits (channel, window_seconds, max_count) values ('email', 7 * 86400 + 1, 5)",
        "insert into devices (user_id, token) values ('u-ada', repeat('t', 2049))",
        "update users set webhook_url = repeat('w', 2049) where id = 'u-ada'",
    ],
)
async def test_what_the_router_could_not_work_with_is_refused_where_it_is_entered(database_copy_url: str, change: str) -> None:
    connection = await asyncpg.connect(database_copy_url)
    with pytest.raises(asyncpg.CheckViolationError, match="at_most"):
        await connection.execute(change)
    await connection.close()


async def test_of_many_devices_the_last_twenty_are_told(database_copy_url: str) -> None:
    connection, database = await asyncpg.connect(database_copy_url), Database(database_copy_url)
    await connection.execute("delete from devices where user_id = 'u-ada'")
    for number in range(25):
        await connection.execute("insert into devices (user_id, token) values ('u-ada', $1)", f"token-{number:02}")
    profile = (await PostgresProfileReader(database).get_many(["u-ada"]))["u-ada"]
    assert profile.addresses["push"] == [f"token-{number:02}" for number in range(24, 4, -1)]
    await database.close()
    await connection.close()


async def test_two_upgrades_at_once_do_not_meet(database_url: str) -> None:
    assert len(set(await asyncio.gather(*(upgrade_database(database_url, NOW) for _ in range(3))))) == 1


async def test_check_counts_days_ahead_and_rows_outside_of_all(database_copy_url: str) -> None:
    later = await check_database(database_copy_url, NOW + 7 * DAY)
    assert later.partition_days_ahead == 0
    assert "no partition for tomorrow" in later.problems[0]
    assert (await check_database(database_copy_url, NOW + 8 * DAY)).partition_days_ahead == -1

    database = Database(database_copy_url)
    await PostgresHistoryWriter(database).write(build_history_batch(build_decided_event(1, at=NOW + 50 * DAY)))
    await database.close()
    health = await check_database(database_copy_url, NOW)
    assert health.default_partition_rows == 1
    assert "1 rows lie in the default partitions" in health.problems[0]


async def test_a_server_that_is_away_is_named_so(database_url: str) -> None:
    async with run_proxy(database_url) as proxy:
        await proxy.disable()
        for work in (upgrade_database(proxy.url, NOW), check_database(proxy.url, NOW)):
            with pytest.raises(UnavailableError, match="PostgreSQL does not answer"):
                await work
