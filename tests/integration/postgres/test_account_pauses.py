"""Pauses of accounts, and what calls came to, in PostgreSQL."""

import time

import pytest

from schemas.account_pauses import PauseRequest
from schemas.errors import MissingPauseError
from schemas.ids import make_id
from schemas.users import ChangeOrigin
from tables.postgres.account_pauses import AccountPauseStore
from tables.postgres.database import Database
from tables.postgres.provider_results import PostgresProviderResults

ADA, EVE = ChangeOrigin("api", "ada", "the key is changed"), ChangeOrigin("cli", "eve", "it works again")
INSERT_LOG = """
insert into delivery_logs (id, delivery_id, redrive_count, attempt, status, outcome, reason, provider, provider_message_id, provider_code,
    duration_ms, possible_duplicate, occurred_at, detail)
values ($1, $1, 0, 0, 'PENDING', $2, $3, $4, '', $5, $6, false, now() - make_interval(secs => $7), $8)
"""


@pytest.fixture
def store(database_copy: Database) -> AccountPauseStore:
    return AccountPauseStore(database_copy, lambda prefix: make_id(prefix, time.time(), time.monotonic_ns() & 0xFFFF))


async def test_a_pause_is_stored_and_audited_until_it_is_resumed(store: AccountPauseStore, database_copy: Database) -> None:
    paused = await store.pause(PauseRequest("sendgrid", "the key is changed"), ADA)
    assert (paused.account, paused.reason, paused.paused_by, paused.ends_at) == ("sendgrid", "the key is changed", "ada", None)
    assert await store.list_pauses() == [paused]
    later = await store.pause(PauseRequest("sendgrid", "and longer", time.time() + 60), EVE)
    assert (later.paused_at, later.reason, later.ends_at is not None) == (paused.paused_at, "and longer", True)
    assert await store.resume("sendgrid", EVE) == later
    assert await store.list_pauses() == []
    rows = await database_copy.fetch("select actor, action, object_id from audit_log where object_type = 'provider_account' order by id")
    assert [tuple(row) for row in rows] == [("ada", "pause", "sendgrid"), ("eve", "pause", "sendgrid"), ("eve", "resume", "sendgrid")]
    with pytest.raises(MissingPauseError, match="'sendgrid' is not paused"):
        await store.resume("sendgrid", EVE)


async def test_a_pause_that_has_ended_is_none(store: AccountPauseStore, database_copy: Database) -> None:
    await store.pause(PauseRequest("sendgrid", "a test", time.time() + 3600), ADA)
    await database_copy.fetch("update account_pauses set ends_at = now(), paused_at = '2026-01-01'")
    assert await store.list_pauses() == []
    with pytest.raises(MissingPauseError):
        await store.resume("sendgrid", EVE)
    await store.pause(PauseRequest("smtp", "another", time.time() + 3600), ADA)
    assert [row["account"] for row in await database_copy.fetch("select account from account_pauses")] == ["smtp"]


async def insert_call(database: Database, number: int, provider: str, duration: float, outcome: str = "ACCEPTED", age: float = 1.0) -> None:
    code, reason, detail = (0, "", "") if outcome == "ACCEPTED" else (503, "unavailable", f"call {number}")
    call_id = make_id("", time.time() - age, number)
    await database.fetch(INSERT_LOG, call_id, outcome, reason, provider, code, duration, age, detail)


async def test_calls_are_measured_and_failures_counted_by_account(database: Database) -> None:
    for number in range(1, 21):
        await insert_call(database, number, "sendgrid", number)
    await insert_call(database, 30, "smtp", 7.0)
    await insert_call(database, 31, "smtp", 9_000.0, age=7_200.0)
    await insert_call(database, 32, "smtp", 0.0, outcome="")  # no call was made
    for number, age in ((40, 5.0), (41, 3.0), (42, 7_200.0)):
        await insert_call(database, number, "smtp", 0.0, outcome="UNKNOWN", age=age)
    results, since = PostgresProviderResults(database), time.time() - 3_600
    assert sorted(await results.measure_calls(since)) == [("sendgrid", 20, 19.1), ("smtp", 1, 7.0)]
    (failure,) = await results.count_failures(since)
    assert failure[:6] == ("smtp", 503, "UNKNOWN", "unavailable", "call 41", 2)
    assert failure.last_at == pytest.approx(time.time() - 3, abs=60)
