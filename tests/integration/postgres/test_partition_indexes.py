"""The upgrade of a large history: old rows get their project, and the partitions their indexes, also after an interruption."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from alembic import command

from app.admin.migrations import run_migrations
from schemas.delivery_search import DeliveryFilter
from schemas.errors import UnavailableError
from schemas.history import NotificationFilter
from schemas.projects import project_in_force
from tables.postgres import partition_indexes
from tables.postgres.delivery_list import PostgresDeliveryList
from tables.postgres.history_reader import PostgresHistoryReader
from tests.conftest import build_database_url
from tests.database_fixtures import create_database
from tests.integration.postgres.test_list_plans import MAKE_UUID

DAY = "date '2025-10-09'"  # that of the ids
OWNERS = ("u-1", "@acme/u-1", "@other/u-1", "@Acme/u-1")  # in turns; the last one only looks like one of a project
OF_OWNERS = {"u-1": "", "@acme/u-1": "acme", "@other/u-1": "other", "@Acme/u-1": ""}
COUNT = 400  # rows of each table, in several blocks
OLD_ROWS = """
    insert into notifications (id, user_id, type, category, priority, state, reason, deliveries, decision_log, created_at, decided_at)
    select make_uuid(n), ($1::text[])[1 + n % 4], 'news', 'news', 'low', 'routed', '', '[]',
        json_build_array(json_build_array('decode', 'pass', repeat('x', 1000))), now(), now()
    from generate_series(1, $2::int) as n;
    insert into deliveries (id, notification_id, user_id, channel, status, status_rank, reason, outcome, redrive_count, attempt, provider,
        provider_message_id, created_at, updated_at)
    select make_uuid(n), make_uuid(n), ($1::text[])[1 + n % 4], 'email', 'FAILED', 15, 'expired', '', 0, 0, 'smtp', '', now(), now()
    from generate_series(1, $2::int) as n;
    insert into dead_letters (id, topic, "partition", "offset", created_at, stage, reason, error, source_topic, source_partition,
        source_offset, attempts, user_id, truncated)
    select make_uuid(n), 'notifications.dlq', 0, n, now(), 'router', 'undecodable', '', 'notifications.low', 0, n, 0,
        ($1::text[])[1 + n % 4], false
    from generate_series(1, $2::int) as n
"""
OLD_ATTEMPTS = """
    insert into delivery_logs (id, delivery_id, redrive_count, attempt, status, outcome, reason, provider, provider_message_id,
        provider_code, duration_ms, possible_duplicate, occurred_at)
    select make_uuid(n), make_uuid(n), 0, 0, 'DELIVERED', 'ACCEPTED', '', 'webhook', '', 204, 5, false, now()
    from generate_series(1, 400) as n
"""
INVALID = "select indexrelid::regclass::text from pg_index where not indisvalid"
PARTS = "select inhrelid::regclass::text from pg_inherits where inhparent = 'deliveries_project_id_idx'::regclass"
TABLES = ("notifications", "deliveries", "dead_letters")


@pytest.fixture
async def old_url(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A database of the release before, with a partition in which there are rows of several projects."""
    name = f"t_{uuid.uuid4().hex}"
    server, url = await asyncpg.connect(postgres_url), build_database_url(postgres_url, name)
    await server.execute(f"create database {name}")
    await upgrade_to("0048", url, monkeypatch)
    connection = await asyncpg.connect(url)
    await connection.execute(MAKE_UUID)
    for table in ("notifications", "deliveries", "delivery_logs"):
        await connection.execute(f"select create_partition('{table}', {DAY})")
    for statement in OLD_ROWS.split(";"):
        await connection.execute(statement, OWNERS, COUNT)
    await connection.close()
    yield url
    await server.execute(f"drop database {name} with (force)")
    await server.close()


async def upgrade_to(revision: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade = command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, revision))
        await run_migrations(url)


async def list_users(connection: Any, project: str) -> dict[str, set[str]]:
    """Whose rows row level security shows in a project."""
    await connection.execute(f"set role herold_project; set herold.project = ':{project}'")
    users = {table: {row["user_id"] for row in await connection.fetch(f"select user_id from {table}")} for table in TABLES}
    await connection.execute("reset role; reset herold.project")
    return users


async def check_users(connection: Any) -> None:
    for project in ("", "acme", "other", "nobody"):
        own = {user_id for user_id, owner in OF_OWNERS.items() if owner == project}
        assert await list_users(connection, project) == dict.fromkeys(TABLES, own), project


async def check_lists(url: str) -> None:
    """The lists of a project have its rows."""
    database = create_database(url)
    token = project_in_force.set("acme")
    try:
        for order in ("newest", "oldest"):
            for reason in (None, "expired"):
                wanted = DeliveryFilter(project="acme", order=order, reason=reason)  # type: ignore[arg-type]
                found = await PostgresDeliveryList(database).search(wanted, COUNT)
                assert [one.user_id for one in found.items] == ["@acme/u-1"] * (COUNT // 4)
        notifications = await PostgresHistoryReader(database).search(NotificationFilter(project="acme"), COUNT)
        assert len(notifications.histories) == COUNT // 4
    finally:
        project_in_force.reset(token)
        await database.close()


async def test_old_rows_are_seen_by_their_project_only_before_and_after_they_are_filled(
    old_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upgrade_to("0049", old_url, monkeypatch)
    connection = await asyncpg.connect(old_url)
    await check_users(connection)
    assert {row["project"] for row in await connection.fetch("select project from deliveries")} == {""}, "0049 reads no rows of them"
    await run_migrations(old_url)
    await check_users(connection)
    for table in TABLES:
        rows = await connection.fetch(f"select distinct user_id, project from {table}")
        assert {row["user_id"]: row["project"] for row in rows} == OF_OWNERS, table
    await connection.close()
    await check_lists(old_url)


async def test_an_upgrade_that_was_interrupted_goes_on_beside_another_one(old_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_indexes, "BLOCKS", 1)
    connection = await asyncpg.connect(old_url)
    await connection.execute("create index deliveries_20251009_project_id_idx on deliveries_20251009 (channel)")  # of a build that failed
    async with connection.transaction():
        await connection.execute("lock table deliveries in access share mode")  # as a list does that takes long
        with pytest.raises(UnavailableError, match="lock timeout"):
            await run_migrations(old_url)
    await asyncio.gather(run_migrations(old_url), run_migrations(old_url))
    assert await connection.fetch(INVALID) == []
    definition = await connection.fetchval("select pg_get_indexdef('deliveries_20251009_project_id_idx'::regclass)")
    assert definition.endswith("USING btree (project, id)")
    await connection.execute(f"select create_partition('deliveries', {DAY} + 1)")
    parts = await connection.fetch(
        "select inhrelid::regclass::text from pg_inherits where inhparent = 'deliveries_project_id_idx'::regclass"
    )
    assert {row[0] for row in parts} == {f"deliveries_{day}_project_id_idx" for day in ("20251009", "20251010", "default")}
    await connection.close()


async def test_an_upgrade_that_ended_between_the_column_of_endpoints_and_its_index_goes_on(
    old_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upgrade_to("0050", old_url, monkeypatch)
    connection = await asyncpg.connect(old_url)
    await connection.execute(OLD_ATTEMPTS)

    async def end(_: Any) -> None:
        raise ConnectionResetError("the connection is gone")

    with monkeypatch.context() as patch:
        patch.setattr(partition_indexes, "build_partition_indexes", end)
        with pytest.raises(UnavailableError, match="is gone"):
            await run_migrations(old_url)
    assert await connection.fetch(INVALID) != []
    assert await connection.fetchval("select version_num from alembic_version") == "0050"
    await run_migrations(old_url)
    assert await connection.fetch(INVALID) == []
    assert await connection.fetchval("select count(*) from delivery_logs where endpoint_id is null") == COUNT
    parts = await connection.fetch(
        "select inhrelid::regclass::text from pg_inherits where inhparent = 'delivery_logs_endpoint_id_idx'::regclass"
    )
    assert {row[0] for row in parts} == {f"delivery_logs_{day}_endpoint_id_idx" for day in ("20251009", "default")}
    await connection.close()
