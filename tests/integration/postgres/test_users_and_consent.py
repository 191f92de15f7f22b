"""The tables of users, preferences, suppressions and histories: what they reject, and which changes raise a user's version."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

pytestmark = pytest.mark.usefixtures("sealing_mode")

ADA, BOB = "u-a", "u-b"
ID = "0199c8c4-b000-7000-8000-00000000000"
SUPPRESS = f"insert into suppressions (id, user_id, channel, address, reason, created_by) values ('{ID}1'::uuid, "
PREFER = "insert into user_preferences (user_id, category, channel, choice) values "
CONSENT_EVENT = f"""insert into consent_events (id, user_id, category, channel, change, old_choice, new_choice, source, actor, reason)
                    values ('{ID}1', 'u-a', '', '', 'preference_set', '', 'out', 'api', 'operator', '')"""
AUDIT_ENTRY = f"insert into audit_log (id, actor, action, object_type, object_id) values ('{ID}1', 'operator', 'apply', 'rules', '')"


@pytest.fixture
async def connection(database_copy_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_copy_url)
    await connection.execute("delete from suppressions")  # of the sample
    await connection.execute(f"""insert into users (id, addresses) values ('{ADA}', '{{"email": ["A@example.org"], "sms": ["+431"]}}')""")
    await connection.execute(f"""insert into users (id, addresses) values ('{BOB}', '{{"email": ["a@example.org", "b@example.org"]}}')""")
    await connection.execute(f"insert into devices (user_id, token) values ('{BOB}', 'token-b')")
    yield connection
    await connection.close()


async def list_changed_users(connection: Any, statement: str) -> list[str]:
    """The users whose version a statement raises."""
    before = dict(await connection.fetch("select id, version from users"))
    await connection.execute(statement)
    after = dict(await connection.fetch("select id, version from users"))
    assert all(after[user] >= version for user, version in before.items() if user in after)
    return sorted(user for user in after if after[user] != before.get(user))


@pytest.mark.parametrize(
    "change",
    [
        "update users set attributes = '[]'",
        """update users set quiet_hours = '{"start": "22:00"}'""",
        """update users set quiet_hours = '{"start": "22:00", "end": "24:00"}'""",
        """update users set quiet_hours = '{"start": "22:00", "end": 7}'""",
        """update users set quiet_hours = '{"start": "22:00", "end": "22:00"}'""",
        """update users set quiet_hours = '{"start": "22:00", "end": "07:00", "days": []}'""",
        "insert into devices (user_id, token, kind) values ('u-a', 'token', '')",
        PREFER + "('u-a', '', '', 'maybe')",
        SUPPRESS + "null, 'email', '', 'manual', 'operator')",
        SUPPRESS + "null, 'email', 'a@example.org', 'mood', 'operator')",
        SUPPRESS + "null, 'email', 'A@example.org', 'manual', 'operator')",
        SUPPRESS + "null, 'email', repeat('a', 2049), 'manual', 'operator')",
        SUPPRESS + "null, 'email', 'a@example.org', 'manual', 'operator'); update suppressions set undone_at = now()",
        CONSENT_EVENT.replace("preference_set", "guessed"),
        CONSENT_EVENT.replace("'api'", "'rumour'"),
    ],
)
async def test_the_schema_rejects_values_that_routing_cannot_read(connection: Any, change: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(change)


async def test_a_suppression_is_in_force_once_for_each_reason(connection: Any) -> None:
    await connection.execute(SUPPRESS + "null, 'email', 'a@example.org', 'manual', 'operator')")
    same = SUPPRESS.replace("0001'", "0002'") + "null, 'email', 'a@example.org', 'manual', 'operator')"
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute(same)
    await connection.execute(same.replace("'manual'", "'complaint'"))
    await connection.execute("update suppressions set undone_at = now(), undone_by = 'operator'")
    await connection.execute(same.replace("0002'", "0003'"))


async def test_each_change_of_what_decides_about_a_user_raises_the_version(connection: Any) -> None:
    async def changed(statement: str) -> list[str]:
        return await list_changed_users(connection, statement)

    assert await changed(f"update users set tier = 'gold' where id = '{ADA}'") == [ADA]
    assert await changed(f"insert into devices (user_id, token) values ('{ADA}', 'token-a')") == [ADA]
    assert await changed(f"update devices set user_id = '{BOB}' where token = 'token-a'") == [ADA, BOB]
    assert await changed("delete from devices where token = 'token-a'") == [BOB]
    assert await changed(PREFER + f"('{ADA}', '', '', 'out'), ('{BOB}', 'news', 'email', 'in')") == [ADA, BOB]
    assert await changed(f"update user_preferences set choice = 'out' where user_id = '{BOB}'") == [BOB]
    assert await changed(f"update user_preferences set user_id = '{BOB}' where user_id = '{ADA}'") == [ADA, BOB]
    assert await changed("delete from user_preferences where category = 'news'") == [BOB]


@pytest.mark.parametrize(
    ("values", "users"),
    [
        ("'u-a', 'email', 'a@example.org'", [ADA]),
        ("'u-a', 'sms', ''", [ADA]),
        ("null, 'email', 'a@example.org'", [ADA, BOB]),
        ("null, 'sms', 'a@example.org'", []),
        ("null, 'push', 'token-b'", [BOB]),
        ("null, 'email', 'nobody@example.org'", []),
    ],
)
async def test_a_suppression_raises_the_versions_of_the_users_it_is_about(connection: Any, values: str, users: list[str]) -> None:
    assert await list_changed_users(connection, SUPPRESS + values + ", 'manual', 'operator')") == users
    undo = "update suppressions set undone_at = now(), undone_by = 'operator'"
    assert await list_changed_users(connection, undo) == users
    assert await list_changed_users(connection, "delete from suppressions") == users


async def test_a_user_is_deleted_with_devices_and_preferences_while_events_and_suppressions_stay(connection: Any) -> None:
    await connection.execute(PREFER + f"('{BOB}', '', '', 'out')")
    await connection.execute(SUPPRESS + f"'{BOB}', 'email', '', 'manual', 'operator')")
    await connection.execute(CONSENT_EVENT.replace("u-a", BOB))
    await connection.execute(f"delete from users where id = '{BOB}'")
    counts = [await connection.fetchval(f"select count(*) from {name} where user_id = $1", BOB) for name in ("devices", "user_preferences")]
    assert counts == [0, 0]
    assert await connection.fetchval("select count(*) from suppressions") == await connection.fetchval(
        "select count(*) from consent_events"
    )


@pytest.mark.parametrize("insert", [CONSENT_EVENT, AUDIT_ENTRY])
@pytest.mark.parametrize("change", ["update {} set actor = 'nobody'", "delete from {}", "truncate {}"])
async def test_histories_are_only_appended_to(connection: Any, insert: str, change: str) -> None:
    await connection.execute(insert)
    with pytest.raises(asyncpg.RestrictViolationError, match="only appended"):
        await connection.execute(change.format("consent_events" if insert == CONSENT_EVENT else "audit_log"))


async def test_concurrent_statements_lock_users_in_one_order(connection: Any, database_copy_url: str) -> None:
    ids = [f"u-{number:04}" for number in range(500)]
    await connection.execute("insert into users (id) select unnest($1::text[])", ids)

    async def prefer(order: list[str], category: str) -> None:
        other = await asyncpg.connect(database_copy_url)
        for round_number in range(5):
            insert = "insert into user_preferences (user_id, category, choice) select unnest($1::text[]), $2, 'out'"
            await other.execute(insert, order, f"{category}-{round_number}")
        await other.close()

    await asyncio.gather(prefer(ids, "news"), prefer(ids[::-1], "offers"))
    assert await connection.fetchval("select count(*) from user_preferences where user_id = any($1::text[])", ids) == 5000
