"""The chains of the logs on a real database: they are verified, and each way to change the past is found."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from app.admin.log_verification import KnownHead
from schemas.checkpoints import CheckpointKeys
from tables.postgres.database import Database
from tables.postgres.log_chain import CheckpointPolicy
from tests.integration.audit.logs import KEYS, Logs

INSERT = "insert into audit_log (id, actor, action, object_type, object_id) values ({}, '{}', 'create', 'user', 'u-1')"
THIRD = "(select entry_id from log_chain where log = 'audit' and number = 3)"


@pytest.fixture
async def logs(database_copy: Database) -> Logs:
    """Six entries of the audit log, linked and signed."""
    logs = Logs(database_copy)
    await logs.add_users("u-a", "u-b", "u-c", "u-d", "u-e", "u-f")
    await logs.link()
    return logs


async def test_a_log_that_nobody_changed_is_verified_to_its_head(logs: Logs) -> None:
    result = await logs.verify()
    assert (result.problem, result.entries, result.signed, result.unlinked, result.erased) == ("", 6, 6, 0, 0)
    head, unlinked = await logs.chains.get_head("audit")
    assert (result.hash, unlinked) == (head.hash.hex(), 0)


async def test_both_logs_have_chains_of_their_own(logs: Logs) -> None:
    await logs.opt_in("u-a", "news", "marketing")
    linked = {one.log: one.linked for one in await logs.link()}
    assert linked == {"audit": 0, "consent": 2}
    assert ((await logs.verify("consent")).entries, (await logs.verify("audit")).entries) == (2, 6)


async def test_an_entry_that_waits_is_no_problem(logs: Logs) -> None:
    await logs.add_users("u-g")
    result = await logs.verify()
    assert (result.problem, result.entries, result.unlinked) == ("", 6, 1)


async def test_an_entry_that_is_committed_late_comes_later(logs: Logs) -> None:
    """A transaction that began first and commits last is linked when it is there, and nothing before it changes."""
    async with logs.database.acquire_connection() as slow, slow.transaction():
        await slow.execute(INSERT.format("'00000000-0000-7000-8000-000000000001'", "slow"))
        await logs.add_users("u-g")
        assert [one.linked for one in await logs.link()] == [1, 0]
        before = await logs.verify()
    assert [one.linked for one in await logs.link()] == [1, 0]
    after = await logs.verify(known_head=KnownHead(before.entries, bytes.fromhex(before.hash)))
    assert (after.problem, after.entries) == ("", 8)


async def test_many_linkers_at_a_time_make_one_chain(logs: Logs) -> None:
    await logs.add_users(*(f"u-{number}" for number in range(40)))

    async def link_often() -> int:
        return sum([sum(one.linked for one in await logs.link(3)) for _ in range(10)])

    linked = sum(await asyncio.gather(*(link_often() for _ in range(4))))
    while more := sum(one.linked for one in await logs.link(3)):
        linked += more
    result = await logs.verify()
    assert (linked, result.problem, result.entries) == (40, "", 46)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (f"update audit_log set actor = 'nobody' where id = {THIRD}", "was changed, or is not the one that was linked here"),
        (f"update audit_log set occurred_at = occurred_at - interval '1 microsecond' where id = {THIRD}", "was changed"),
        (f"""update audit_log set details = '{{"fields": []}}' where id = {THIRD}""", "was changed"),
        (f"update audit_log set object_id = 'u-z' where id = {THIRD}", "was changed"),
        (f"update audit_log set salt = '\\x00' where id = {THIRD}", "was changed"),
        (f"update audit_log set request_id = 'r' where id = {THIRD}", "was changed"),
    ],
)
async def test_a_change_is_found(logs: Logs, statement: str, expected: str) -> None:
    await logs.tamper(statement)
    result = await logs.verify()
    assert result.problem.startswith("entry 3 of the audit log, aud_")
    assert expected in result.problem
    assert result.entries == 2


async def test_a_removal_is_found(logs: Logs) -> None:
    await logs.tamper(f"delete from audit_log where id = {THIRD}")
    assert (await logs.verify()).problem.endswith(" was removed")


async def test_a_removal_with_its_link_is_found(logs: Logs) -> None:
    await logs.tamper(f"delete from audit_log where id = {THIRD}", "delete from log_chain where number = 3")
    assert (await logs.verify()).problem == "entry 3 of the audit log is missing: after 2 comes 4"


async def test_a_removal_that_closes_the_gap_is_found(logs: Logs) -> None:
    await logs.tamper(
        f"delete from audit_log where id = {THIRD}",
        "delete from log_chain where number = 3",
        "update log_chain set number = number - 1 where number > 3",
    )
    assert (await logs.verify()).problem.startswith("entry 3 of the audit log, aud_")


async def test_an_insertion_past_the_queue_is_found(logs: Logs) -> None:
    await logs.tamper(
        "insert into audit_log (id, actor, action, object_type, object_id) values (gen_random_uuid(), 'Zoë', 'create', 'user', 'u')"
    )
    assert "is not in the chain: it was inserted past the queue" in (await logs.verify()).problem


async def test_an_insertion_into_the_chain_is_found(logs: Logs) -> None:
    await logs.tamper(
        INSERT.format("gen_random_uuid()", "mallory"),
        "alter table log_chain drop constraint log_chain_number_check",
        "update log_chain set number = -number where number > 3",
        "insert into log_chain (log, number, entry_id, person, hash) "
        "select log, 4, (select id from audit_log where actor = 'mallory'), person, hash from log_chain where number = 3",
        "update log_chain set number = 1 - number where number < 0",
    )
    assert (await logs.verify()).problem.startswith("entry 4 of the audit log, aud_")


async def test_a_reorder_is_found(logs: Logs) -> None:
    await logs.tamper(
        "alter table log_chain drop constraint log_chain_log_entry_id_key",
        "create temporary table pair as select number, entry_id from log_chain where log = 'audit' and number in (3, 4)",
        "update log_chain set entry_id = pair.entry_id from pair where log = 'audit' and log_chain.number = 7 - pair.number",
    )
    assert (await logs.verify()).problem.startswith("entry 3 of the audit log, aud_")


async def test_a_truncation_is_found_by_the_checkpoint(logs: Logs) -> None:
    await logs.tamper(
        "delete from audit_log where id in (select entry_id from log_chain where number > 4)", "delete from log_chain where number > 4"
    )
    assert (await logs.verify()).problem == "the audit log was cut after entry 4: a checkpoint shows that it had 6"


async def test_a_truncation_with_its_checkpoint_is_found_by_a_head_that_was_noted_elsewhere(logs: Logs) -> None:
    noted = await logs.verify()
    await logs.tamper(
        "delete from audit_log where id in (select entry_id from log_chain where number > 4)",
        "delete from log_chain where number > 4",
        "delete from log_checkpoints",
    )
    assert (await logs.verify()).problem == ""
    result = await logs.verify(known_head=KnownHead(noted.entries, bytes.fromhex(noted.hash)))
    assert result.problem == "the audit log was cut after entry 4: a head that was noted elsewhere shows that it had 6"


async def rewrite_the_past(logs: Logs) -> None:
    """Change an entry and compute the whole chain anew, as whoever knows this code can."""
    await logs.tamper(
        f"update audit_log set actor = 'mallory' where id = {THIRD}",
        "insert into unlinked_entries select log, entry_id from log_chain",
        "delete from log_chain",
    )
    await Logs(logs.database, keys=None).link()


async def test_a_chain_that_was_computed_anew_is_found_by_the_checkpoint(logs: Logs) -> None:
    await rewrite_the_past(logs)
    result = await logs.verify()
    assert result.problem == "the checkpoint at entry 6 of the audit log has another hash than the chain: an entry up to it was replaced"


async def test_a_checkpoint_of_another_key_is_found(logs: Logs) -> None:
    await rewrite_the_past(logs)
    await logs.tamper("delete from log_checkpoints")
    await Logs(logs.database, keys=CheckpointKeys([b"m" * 32])).link()
    assert "which audit.signing_key has not" in (await logs.verify()).problem


async def test_a_head_that_was_noted_elsewhere_shows_what_was_computed_anew(logs: Logs) -> None:
    noted = await logs.verify()
    await rewrite_the_past(logs)
    await logs.tamper("delete from log_checkpoints")
    result = await logs.verify(known_head=KnownHead(noted.entries, bytes.fromhex(noted.hash)))
    assert result.problem.startswith("entry 6 of the audit log, or one before it, is another one")


async def test_a_removal_before_the_link_is_found_while_it_waits(logs: Logs) -> None:
    await logs.add_users("u-g")
    await logs.tamper("delete from audit_log where object_id = 'u-g'")
    assert "was removed before it was linked" in (await logs.verify()).problem
    await logs.link()
    assert "was removed before it was linked" in (await logs.verify()).problem


@pytest.mark.parametrize("table", ["audit_log", "consent_events", "log_chain", "log_checkpoints"])
@pytest.mark.parametrize("statement", ["update {} set {}", "delete from {}", "truncate {}"])
async def test_the_triggers_reject_changes_of_everybody(logs: Logs, table: str, statement: str) -> None:
    await logs.opt_in("u-a", "news")
    await logs.link()
    change = "actor = 'x'" if table in ("audit_log", "consent_events") else "number = number + 100"
    async with logs.database.acquire_connection() as connection:
        with pytest.raises(asyncpg.exceptions.RestrictViolationError, match="only appended"):
            await connection.execute(statement.format(table, change))


async def test_a_former_key_still_counts(logs: Logs) -> None:
    rotated = replace(logs, keys=CheckpointKeys([b"n" * 32, b"k" * 32]))
    await rotated.add_users("u-x")
    await rotated.link()
    result = await rotated.verify()
    assert (result.problem, result.signed) == ("", 7)
    assert (await Logs(logs.database, keys=KEYS).verify()).problem.startswith("the checkpoint at entry 7")


async def test_a_head_is_signed_when_its_time_has_come(database_copy: Database) -> None:
    patient = Logs(database_copy, policy=CheckpointPolicy(3600.0, 3))
    await patient.add_users("u-1")
    first = await patient.link()
    assert first[0].checkpoint is not None  # the first head of all
    await patient.add_users("u-2", "u-3")
    assert (await patient.link())[0].checkpoint is None
    await patient.add_users("u-4")
    assert (await patient.link())[0].checkpoint is not None
    assert (await patient.verify()).signed == 4


async def test_without_a_key_the_chain_is_verified_and_nothing_is_signed(database_copy: Database) -> None:
    logs = Logs(database_copy, keys=None)
    await logs.add_users("u-1")
    await logs.link()
    result = await logs.verify()
    assert (result.problem, result.entries, result.signed) == ("", 1, 0)
