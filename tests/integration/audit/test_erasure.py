"""The erasure of a user from the logs: what is personal is gone, and the chains are whole."""

import asyncio

import asyncpg
import pytest

from schemas.users import AUDIT_ENTRY_PREFIX
from tables.postgres.audit_log import erase_from_logs, list_audit_entries
from tables.postgres.database import Database
from tables.postgres.unmasked_readings import UnmaskedReadings
from tests.column_sealing import store_address
from tests.held_database import hold_transaction, wait_for_lock
from tests.integration.audit.logs import Logs

pytestmark = pytest.mark.usefixtures("sealing_mode")

PSEUDONYM = "erased:4711"


@pytest.fixture
async def logs(database_copy: Database) -> Logs:
    logs = Logs(database_copy)
    await logs.add_users("u-a", "u-b")
    await logs.opt_in("u-a", "news", "offers")
    await logs.opt_in("u-b", "news")
    await logs.suppress("u-a@example.org")
    await logs.link()
    return logs


async def erase(logs: Logs) -> int:
    async with logs.database.acquire_connection() as connection, connection.transaction():
        return await erase_from_logs(
            connection, logs.make_id(AUDIT_ENTRY_PREFIX), "dpo", "u-a", PSEUDONYM, [store_address("email", "u-a@example.org")]
        )


async def dump(database: Database) -> str:
    """All of both logs and of their chains as text."""
    tables = "audit_log", "consent_events", "log_chain"
    return "\n".join([str(row) for table in tables for row in await database.fetch(f"select {table}::text from {table}")])


async def test_the_logs_know_the_user_no_more_and_are_verified(logs: Logs) -> None:
    assert "u-a" in await dump(logs.database)
    assert await erase(logs) == 4
    assert "u-a" not in await dump(logs.database)
    await logs.link()
    audit, consent = await logs.verify(), await logs.verify("consent")
    assert (audit.problem, audit.entries, audit.erased) == ("", 3, 1)
    assert (consent.problem, consent.entries, consent.erased) == ("", 4, 3)


async def test_an_entry_says_that_the_user_was_erased(logs: Logs) -> None:
    await erase(logs)
    entry = (await list_audit_entries(logs.database, "user", PSEUDONYM, 10))[0]
    assert (entry.action, entry.actor, entry.details) == ("erase_from_logs", "dpo", {"entries": 4})


async def test_what_was_erased_before_it_was_linked_is_linked_without_the_user(logs: Logs) -> None:
    await logs.opt_in("u-a", "late")
    await erase(logs)
    await logs.link()
    result = await logs.verify("consent")
    assert (result.problem, result.entries, result.erased) == ("", 5, 4)


async def test_an_erasure_that_no_entry_explains_is_found(logs: Logs) -> None:
    """Who has all rights could hide a change of consent as an erasure."""
    await logs.tamper("update consent_events set salt = null, user_id = 'nobody' where user_id = 'u-b'")
    assert (await logs.verify("consent")).problem == "entries under 'nobody' were erased, and no entry of the audit log says so"


async def test_an_erased_entry_keeps_its_other_columns(logs: Logs) -> None:
    await erase(logs)
    await logs.tamper(f"update consent_events set new_choice = 'out' where user_id = '{PSEUDONYM}'")
    assert "was changed" in (await logs.verify("consent")).problem


@pytest.mark.parametrize(
    "change", ["salt = null, actor = 'x'", "user_id = 'x'", "salt = '\\x00', user_id = 'x'", "salt = null, new_choice = ''"]
)
async def test_the_trigger_lets_nothing_but_an_erasure_happen(logs: Logs, change: str) -> None:
    async with logs.database.acquire_connection() as connection:
        with pytest.raises(asyncpg.exceptions.RestrictViolationError):
            await connection.execute(f"update consent_events set {change} where user_id = 'u-b'")


@pytest.mark.parametrize(("user_id", "pseudonym"), [("", "x"), ("u-a", ""), ("u-a", "u-a")])
async def test_an_erasure_needs_a_user_and_a_pseudonym(logs: Logs, user_id: str, pseudonym: str) -> None:
    async with logs.database.acquire_connection() as connection:
        with pytest.raises(asyncpg.exceptions.InvalidParameterValueError):
            await erase_from_logs(connection, logs.make_id(AUDIT_ENTRY_PREFIX), "dpo", user_id, pseudonym, [])


async def test_a_reader_of_many_is_still_known_after_each_of_them_is_erased(logs: Logs) -> None:
    database, readings = logs.database, UnmaskedReadings(logs.database, logs.make_id)
    await readings.record("ada", "users", ["u-a", "u-b", "u-c"])
    await database.fetch("update unmasked_readings set minute = minute - interval '1 minute'")
    await readings.gather(100)
    await readings.record("ada", "users", ["u-a"])
    await logs.link()
    await erase(logs)
    async with database.acquire_connection() as connection, connection.transaction():
        await erase_from_logs(connection, logs.make_id(AUDIT_ENTRY_PREFIX), "dpo", "u-b", "erased:4712", [])
    text = await dump(database)
    assert ("u-a" in text, "u-b" in text) == (False, False)
    [row] = await database.fetch("select details -> 'ids' as ids, details -> 'count' as count from audit_log where action = 'read'")
    assert (row["ids"], row["count"]) == ('["u-c"]', "3")
    assert [row["object_id"] for row in await database.fetch("select object_id from unmasked_readings")] == [PSEUDONYM]
    await logs.link()
    assert (await logs.verify()).problem == ""


@pytest.mark.parametrize("read_ids", [["u-a"], ["u-a", "u-b"]], ids=["one", "many"])
async def test_a_user_whose_readings_are_gathered_meanwhile_is_erased_from_their_entry(logs: Logs, read_ids: list[str]) -> None:
    await UnmaskedReadings(logs.database, logs.make_id).record("ada", "users", read_ids)
    await logs.database.fetch("update unmasked_readings set minute = minute - interval '1 minute'")
    async with hold_transaction(logs.database) as gathering:
        assert await UnmaskedReadings(gathering, logs.make_id).gather(100) == len(read_ids)
        erasing = asyncio.create_task(erase(logs))
        await wait_for_lock(logs.database, erasing)
        assert not erasing.done()
    assert await erasing == 5
    assert "u-a" not in await dump(logs.database)
