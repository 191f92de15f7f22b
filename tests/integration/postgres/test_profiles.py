"""Addresses of users: the seed writes normal forms, and rows that were written otherwise are read all the same."""

from schemas.channels import ChannelName
from tables.postgres.database import Database
from tables.postgres.profiles import PostgresProfileReader
from tables.postgres.seed import insert_seed_users
from tests.unit.agents.router.harness import USER_ID, RouterHarness, build_notification

STORED = '{"email": ["Ada@EXAMPLE.org", "ada@example.org"], "sms": ["0170 1234567"]}'


async def test_the_seed_writes_normal_forms(database_copy: Database) -> None:
    async with database_copy.acquire_connection() as connection:
        await connection.execute("delete from users")
    await insert_seed_users(database_copy, "HTTP://Simulators.example:80")
    profiles = await PostgresProfileReader(database_copy).get_many(["u-partner-north"])
    assert profiles["u-partner-north"].addresses == {"webhook": ["http://simulators.example/hooks/north?user=u-partner-north"]}


async def test_rows_in_other_spellings_are_routed_in_normal_form(database_copy: Database) -> None:
    async with database_copy.acquire_connection() as connection:
        await connection.execute("insert into users (id, addresses) values ($1, $2)", USER_ID, STORED)
        await connection.execute("insert into devices (user_id, token) values ($1, $2)", USER_ID, "token\u200b ")
    harness = RouterHarness()
    harness.profiles.profiles.update(await PostgresProfileReader(database_copy).get_many([USER_ID]))
    channels: list[ChannelName] = ["email", "sms", "push"]
    await harness.route(build_notification(channels=channels))
    assert [(one.channel, one.address) for one in harness.deliveries] == [("email", "Ada@example.org"), ("push", "token")]
    inputs = harness.get_entry("recipient").inputs
    assert (inputs["duplicates"], list(inputs["invalid"])) == ({"profile.email[1]": "profile.email[0]"}, ["profile.sms[0]"])
