"""Each change of rules, templates and rate limits gives a new policy version, each change of a user a new profile version."""

import pytest

from tables.postgres.database import Database
from tables.postgres.policy import PostgresPolicyLoader
from tables.postgres.profiles import PostgresProfileReader


@pytest.mark.parametrize(
    "change",
    [
        "update rules set priority = 'low' where type = 'order.shipped'",
        "delete from rate_limits where channel = 'sms'",
        "insert into rate_limits values ('email', 60, 5)",
        "update template_versions set text = 'new' where name = 'account-otp'",
        "update templates set published_version = 2 where name = 'account-otp'",
        "truncate rules",
    ],
)
async def test_every_change_gives_a_new_policy(database_copy: Database, change: str) -> None:
    loader = PostgresPolicyLoader(database_copy)
    before = await loader.load()
    assert await loader.load(before) is before
    await database_copy.fetch(change)
    after = await loader.load(before)
    assert after.version > before.version
    assert (after.rules, after.templates, after.rate_limits) != (before.rules, before.templates, before.rate_limits)


async def test_only_the_published_version_of_a_template_is_loaded(database_copy: Database) -> None:
    loader = PostgresPolicyLoader(database_copy)
    await database_copy.fetch("insert into template_versions values ('account-otp', 2, 'sms', 'default', '', 'second version')")
    assert "second version" not in {template.text for template in (await loader.load()).templates}
    await database_copy.fetch("update templates set published_version = 2 where name = 'account-otp'")
    assert [template.text for template in (await loader.load()).templates if template.name == "account-otp"] == ["second version"]


@pytest.mark.parametrize(
    "change",
    [
        "update users set addresses = addresses || '{\"email\": [\"new@example.org\"]}' where id = 'u-ada'",
        "insert into devices (user_id, token) values ('u-ada', 'push-new')",
        "update devices set token = 'push-new' where token = 'push-ada-phone'",
        "delete from devices where user_id = 'u-ada'",
    ],
)
async def test_every_change_of_a_user_raises_the_version(database_copy: Database, change: str) -> None:
    reader = PostgresProfileReader(database_copy)
    before = await reader.get_many(["u-ada", "u-alan"])
    await database_copy.fetch(change)
    after = await reader.get_many(["u-ada", "u-alan"])
    assert after["u-ada"].version > before["u-ada"].version
    assert after["u-ada"].addresses != before["u-ada"].addresses
    assert after["u-alan"] == before["u-alan"]


async def test_a_user_created_again_has_a_newer_version(database_copy: Database) -> None:
    reader = PostgresProfileReader(database_copy)
    before = (await reader.get_many(["u-ada"]))["u-ada"]
    await database_copy.fetch("delete from users where id = 'u-ada'")
    assert not (await reader.get_many(["u-ada"]))["u-ada"].known
    await database_copy.fetch("insert into users (id) values ('u-ada')")
    assert (await reader.get_many(["u-ada"]))["u-ada"].version > before.version
