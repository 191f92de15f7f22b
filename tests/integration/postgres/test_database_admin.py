"""`herold db upgrade` and `herold db check` on an empty and on an existing database, and the constraints of the schema."""

import asyncio

import asyncpg
import pytest

from app.admin.database import DatabaseHealth, check_database, upgrade_database
from schemas.channels import CHANNEL_NAMES
from schemas.errors import UnavailableError
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.profiles import PostgresProfileReader
from tests.database_fixtures import create_database
from tests.event_builders import NOW, build_decided_event, build_history_batch
from tests.settings_builders import DEFAULT_SETTINGS
from tests.tcp_proxy import run_proxy

DAY = 86_400


async def test_upgrade_creates_the_schema_and_check_finds_no_problem(database_url: str) -> None:
    before = await check_database(database_url, NOW)
    assert before.revision is None
    assert "herold db upgrade" in before.problems[0]
    revision = await upgrade_database(database_url, NOW)
    health = await check_database(database_url, NOW)
    assert health == DatabaseHealth(revision, revision, 7, 0)
    assert health.problems == []


async def test_a_repeated_upgrade_keeps_an_operators_changes(database_copy_url: str) -> None:
    connection = await asyncpg.connect(database_copy_url)
    await connection.execute("update rules set priority = 'low' where type = 'order.shipped'; delete from devices where user_id = 'u-ada'")
    await upgrade_database(database_copy_url, NOW, DEFAULT_SETTINGS.simulators.url)
    assert await connection.fetchval("select priority from rules where type = 'order.shipped'") == "low"
    assert not await connection.fetchval("select count(*) from devices where user_id = 'u-ada'")
    await connection.close()


async def test_upgrade_without_the_sample_shops_users(database_url: str) -> None:
    await upgrade_database(database_url, NOW)
    database = create_database(database_url)
    assert not (await PostgresProfileReader(database).get_many(["u-ada"]))["u-ada"].known
    await database.close()


@pytest.mark.parametrize(
    "change",
    [
        "insert into rate_limits (channel, window_seconds, max_count) values ('email', 7 * 86400 + 1, 5)",
        "update rules set expires_after = 86401 where type = 'order.shipped'",
        "insert into devices (user_id, token) values ('u-ada', repeat('t', 2049))",
        """update users set addresses = jsonb_build_object('webhook', jsonb_build_array(repeat('w', 2049))) where id = 'u-ada'""",
        """update users set addresses = '{"email": "ada@example.org"}' where id = 'u-ada'""",
        """update users set addresses = '{"email": [17]}' where id = 'u-ada'""",
        """update users set addresses = '["ada@example.org"]' where id = 'u-ada'""",
    ],
)
async def test_the_schema_rejects_values_beyond_the_routers_limits(database_copy_url: str, change: str) -> None:
    connection = await asyncpg.connect(database_copy_url)
    with pytest.raises(asyncpg.CheckViolationError, match=r"at_most|users_addresses_valid"):
        await connection.execute(change)
    await connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "update rules set channels = '{email,fax}' where type = 'order.shipped'",
        "insert into template_versions (name, version, channel) values ('order-shipped', 2, 'fax')",
        "insert into rate_limits (channel, window_seconds, max_count) values ('fax', 60, 5)",
    ],
)
async def test_the_schema_rejects_a_channel_that_is_not_in_the_catalogue(database_copy_url: str, change: str) -> None:
    connection = await asyncpg.connect(database_copy_url)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await connection.execute(change)
    await connection.close()


async def test_a_channel_of_the_catalogue_is_inserted_by_the_next_upgrade(database_copy_url: str) -> None:
    connection = await asyncpg.connect(database_copy_url)
    await connection.execute("delete from rate_limits where channel = 'sms'")
    await connection.execute("delete from template_versions where channel = 'sms'")
    await connection.execute("delete from channels where name = 'sms'")
    await upgrade_database(database_copy_url, NOW)
    assert [row["name"] for row in await connection.fetch("select name from channels order by name")] == sorted(CHANNEL_NAMES)
    await connection.close()


async def test_a_profile_has_the_twenty_devices_updated_last(database_copy_url: str) -> None:
    connection, database = await asyncpg.connect(database_copy_url), create_database(database_copy_url)
    await connection.execute("delete from devices where user_id = 'u-ada'")
    for number in range(25):
        await connection.execute("insert into devices (user_id, token) values ('u-ada', $1)", f"token-{number:02}")
    profile = (await PostgresProfileReader(database).get_many(["u-ada"]))["u-ada"]
    assert profile.addresses["push"] == [f"token-{number:02}" for number in range(24, 4, -1)]
    await database.close()
    await connection.close()


async def test_concurrent_upgrades_succeed(database_url: str) -> None:
    assert len(set(await asyncio.gather(*(upgrade_database(database_url, NOW) for _ in range(3))))) == 1


async def test_check_counts_days_ahead_and_rows_in_the_default_partitions(database_copy_url: str) -> None:
    later = await check_database(database_copy_url, NOW + 7 * DAY)
    assert later.partition_days_ahead == 0
    assert "no partition for tomorrow" in later.problems[0]
    assert (await check_database(database_copy_url, NOW + 8 * DAY)).partition_days_ahead == -1

    database = create_database(database_copy_url)
    await PostgresHistoryWriter(database).write(build_history_batch(build_decided_event(1, at=NOW + 50 * DAY)))
    await database.close()
    health = await check_database(database_copy_url, NOW)
    assert health.default_partition_rows == 1
    assert "1 rows are in the default partitions" in health.problems[0]


async def test_a_server_that_does_not_answer_is_an_error(database_url: str) -> None:
    async with run_proxy(database_url) as proxy:
        await proxy.disable()
        for command in (upgrade_database(proxy.url, NOW), check_database(proxy.url, NOW)):
            with pytest.raises(UnavailableError, match="PostgreSQL does not answer"):
                await command
