"""The role herold_app on a real server: it runs Herold, and of the logs it only appends."""

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.admin.database import maintain_partitions
from schemas.history import HistoryBatch
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.database_fixtures import create_database
from tests.event_builders import NOW, build_status_event
from tests.integration.audit.logs import Logs

DAY = 24 * 3600.0
DENIED = (
    asyncpg.exceptions.InsufficientPrivilegeError,
    asyncpg.exceptions.RestrictViolationError,
    asyncpg.exceptions.SyntaxOrAccessError,
)


@pytest.fixture
async def app_url(database_copy_url: str) -> AsyncIterator[str]:
    """The URL of the copy for a member of herold_app."""
    user = f"u_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(database_copy_url)
    await connection.execute(f"create role {user} login password 'secret' in role herold_app")
    address = database_copy_url.rpartition("@")[2]
    yield f"postgresql://{user}:secret@{address}"
    await connection.execute(f"drop role {user}")
    await connection.close()


@pytest.fixture
async def app(app_url: str) -> AsyncIterator[Database]:
    """A pool of that role."""
    database = create_database(app_url)
    yield database
    await database.close()


@pytest.fixture
async def logs(app: Database) -> Logs:
    """Entries in both logs, written and linked with the rights of the role."""
    logs = Logs(app)
    await logs.add_users("u-a", "u-b")
    await logs.opt_in("u-a", "news")
    await logs.suppress("x@example.org")
    await logs.link()
    return logs


async def test_the_role_writes_links_signs_and_verifies(logs: Logs) -> None:
    for result in (await logs.verify(), await logs.verify("consent")):
        assert (result.problem, result.entries, result.signed) == ("", 2, 2)


@pytest.mark.parametrize("table", ["audit_log", "consent_events", "log_chain", "log_checkpoints"])
@pytest.mark.parametrize(
    "statement",
    [
        "update {table} set {column} = {column}",
        "delete from {table}",
        "truncate {table}",
        "drop table {table}",
        "alter table {table} disable trigger all",
        "drop trigger append_only on {table}",
        "alter table {table} owner to current_user",
        "grant update on {table} to current_user; update {table} set {column} = {column}",
        "with gone as (delete from {table} returning 1) select * from gone",
        "insert into {table} select * from {table} on conflict do update set {column} = excluded.{column}",
    ],
)
async def test_the_role_cannot_change_or_delete_entries(logs: Logs, app: Database, table: str, statement: str) -> None:
    column = "actor" if table in ("audit_log", "consent_events") else "number"
    async with app.acquire_connection() as connection:
        with pytest.raises(DENIED):
            await connection.execute(statement.format(table=table, column=column))
    assert (await logs.verify()).problem == ""


@pytest.mark.parametrize(
    "statement",
    [
        "set session_replication_role = replica",
        "create or replace function reject_change() returns trigger language plpgsql as 'begin return new; end'",
        "select drop_partition('audit_log')",
        "select drop_partition('x_20260101; drop table audit_log')",
        "alter role current_user superuser",
    ],
)
async def test_the_role_has_no_way_around_the_triggers(logs: Logs, app: Database, statement: str) -> None:
    async with app.acquire_connection() as connection:
        with pytest.raises((asyncpg.exceptions.InsufficientPrivilegeError, asyncpg.exceptions.InvalidParameterValueError)):
            await connection.execute(statement)


async def test_the_role_records_history_and_keeps_its_partitions(app: Database) -> None:
    event = build_status_event()
    await PostgresHistoryWriter(app).write(HistoryBatch(deliveries=[event]))
    await PostgresHistoryWriter(app).write(HistoryBatch(deliveries=[event]))  # by a staging table
    created, dropped = await maintain_partitions(app, NOW + 5 * DAY, retention_days=3)
    assert created > 0
    assert dropped


async def test_what_a_later_migration_adds_is_the_roles_too(database_copy: Database, app: Database) -> None:
    await database_copy.fetch("create table added (id int)")
    await app.fetch("insert into added values (1)")
