"""Addresses of users: the seed writes normal forms, and rows that were written otherwise are read all the same."""

import pytest

from schemas.channels import ChannelName
from schemas.profile import QuietHours, build_address_key
from tables.postgres.database import Database
from tables.postgres.profiles import PostgresProfileReader
from tables.postgres.seed import insert_seed_users
from tests.unit.agents.router.harness import USER_ID, RouterHarness, build_notification

pytestmark = pytest.mark.usefixtures("sealing_mode")

ADA = '{"email": ["Ada@x.org"], "sms": ["+12025550101"]}'
INSERT_SUPPRESSION = """
    insert into suppressions (id, user_id, channel, address, category, reason, created_by, undone_at, undone_by)
    values (gen_random_uuid(), $1, $2, $3, $4, $5, 'test', case when $6 then now() end, case when $6 then 'test' end)
"""
SUPPRESSIONS = [
    (None, "email", "ada@x.org", "", "complaint", False),
    (None, "push", "token-1", "", "hard_bounce", False),
    ("ada", "sms", "", "news", "stop", False),
    ("ada", "sms", "", "", "stop", True),
    ("bob", "email", "ada@x.org", "", "manual", False),
    (None, "sms", "+12025550199", "", "manual", False),
]
STORED = '{"email": ["Ada@EXAMPLE.org", "ada@example.org"], "sms": ["0170 1234567"]}'


async def test_the_seed_writes_normal_forms(database_copy: Database) -> None:
    async with database_copy.acquire_connection() as connection:
        await connection.execute("delete from users")
    await insert_seed_users(database_copy, "HTTP://Simulators.example:80")
    profiles = await PostgresProfileReader(database_copy).get_many(["u-partner-north", "u-karen", "u-noor"])
    assert profiles["u-partner-north"].addresses == {"webhook": ["http://simulators.example/hooks/north?user=u-partner-north"]}
    assert profiles["u-karen"].choices == {"marketing/": "out"}
    assert [(one.channel, one.reason) for one in profiles["u-noor"].suppressions] == [("email", "complaint")]


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


async def test_an_installation_is_an_address_of_its_own_kind(database_copy: Database) -> None:
    async with database_copy.acquire_connection() as connection:
        await connection.execute("insert into users (id) values ('ada')")
        await connection.execute("insert into devices (user_id, token, kind) values ('ada', 'f-1', 'fid')")
    reader = PostgresProfileReader(database_copy)
    before = (await reader.get_many(["ada"]))["ada"]
    async with database_copy.acquire_connection() as connection:
        await connection.execute(INSERT_SUPPRESSION, None, "push", "fid:f-1", "", "manual", False)
    after = (await reader.get_many(["ada"]))["ada"]
    assert (before.addresses["push"], [one.address for one in after.suppressions]) == (["fid:f-1"], ["fid:f-1"])
    assert after.version > before.version


async def test_a_profile_has_preferences_and_suppressions_of_the_user_and_of_the_addresses(database_copy: Database) -> None:
    async with database_copy.acquire_connection() as connection:
        await connection.execute("insert into users (id, addresses, tier, attributes) values ('ada', $1, 'gold', '{\"plan\": 1}')", ADA)
        await connection.execute('update users set quiet_hours = \'{"start": "22:00", "end": "07:00"}\' where id = \'ada\'')
        await connection.execute("insert into devices (user_id, token) values ('ada', 'token-1')")
        await connection.execute("insert into user_preferences (user_id, category, channel, choice) values ('ada', 'news', '', 'out')")
        await connection.execute(
            "insert into user_preferences values ('ada', '', '', 'in', 'daily'), ('ada', 'x', 'email', 'in', 'hourly')"
        )
        for values in SUPPRESSIONS:
            await connection.execute(INSERT_SUPPRESSION, *values)
    reader, keys = PostgresProfileReader(database_copy), [build_address_key("email", address) for address in ("ADA@x.org", "b@x.org")]
    profiles = await reader.get_many(["ada", *keys])
    ada = profiles["ada"]
    assert (ada.tier, ada.attributes, ada.quiet_hours) == ("gold", {"plan": 1}, QuietHours("22:00", "07:00"))
    assert (ada.choices, ada.addresses["push"]) == ({"news/": "out", "/": "in", "x/email": "in"}, ["token-1"])
    assert ada.digests == {"": "daily"}, "one for a channel was written before that was an error"
    assert sorted((one.channel, one.address, one.category, one.reason) for one in ada.suppressions) == [
        ("email", "ada@x.org", "", "complaint"),
        ("push", "token-1", "", "hard_bounce"),
        ("sms", "", "news", "stop"),
    ]
    assert [[one.reason for one in profiles[key].suppressions] for key in keys] == [["complaint"], []]
    assert await reader.get_changed({"ada": ada.version}) == {}


async def test_only_what_has_changed_is_read_again(database_copy: Database) -> None:
    reader = PostgresProfileReader(database_copy)
    before = await reader.get_many(["u-ada", "u-lise"])
    async with database_copy.acquire_connection() as connection:
        await connection.execute("insert into user_preferences (user_id, choice) values ('u-ada', 'out')")
        await connection.execute("delete from users where id = 'u-lise'")
    changed = await reader.get_changed({user_id: profile.version for user_id, profile in before.items()})
    assert (changed["u-ada"].choices, changed["u-lise"].known) == ({"/": "out"}, False)
    assert changed["u-lise"].version >= changed["u-ada"].version > before["u-ada"].version
    assert await reader.get_changed({"u-ada": changed["u-ada"].version}) == {}
