"""The upgrade that gives rate limits a project: what counted for the users of all projects still does."""

import uuid
from functools import partial
from typing import Any

import asyncpg
from alembic import command

from app.admin.migrations import run_migrations
from tables.postgres.policy import fetch_policy
from tests.conftest import build_database_url

OLD_LIMITS = "insert into rate_limits (channel, max_count, window_seconds) values ('sms', 3, 60), ('', 9, 3600)"
OLD_CHANNEL = "insert into channels (name) values ('sms') on conflict do nothing"
OLD_PROJECTS = "insert into projects (id, name, created_by) values ('acme', 'Acme', 'test'), ('shop', 'Shop', 'test')"
OLD_BROADCASTS = """insert into broadcasts (id, user_ids, notification, created_by)
    select gen_random_uuid(), '{u}', jsonb_build_object('type', type), 'test' from unnest($1::text[]) as type"""


async def test_projects_keep_the_limits_that_counted_for_their_users(postgres_url: str, monkeypatch: Any) -> None:
    name = f"t_{uuid.uuid4().hex}"
    server, url = await asyncpg.connect(postgres_url), build_database_url(postgres_url, name)
    await server.execute(f"create database {name}")
    try:
        upgrade = command.upgrade
        with monkeypatch.context() as patch:
            patch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0032"))
            await run_migrations(url)
        connection = await asyncpg.connect(url)
        await connection.execute(OLD_CHANNEL)
        await connection.execute(OLD_LIMITS)
        await connection.execute(OLD_PROJECTS)
        await connection.execute(OLD_BROADCASTS, ["news", "@acme/news"])
        await run_migrations(url)
        await check(connection)
        await connection.close()
    finally:
        await server.execute(f"drop database {name} with (force)")
        await server.close()


async def check(connection: Any) -> None:
    policy = await fetch_policy(connection)
    assert policy.projects == {"acme", "shop"}
    limits = {(limit.project, limit.channel, limit.max_count) for limit in policy.rate_limits}
    assert limits == {(project, *limit) for project in ("", "acme", "shop") for limit in (("sms", 3), ("", 9))}
    count = partial(connection.fetchval, "select count(*) from rate_limit_versions where project = $1")
    assert [await count(project) for project in ("", "acme")] == [2, 2]
    projects = await connection.fetch("select project from broadcasts order by project")
    assert [row["project"] for row in projects] == ["", "acme"]
    version = await connection.fetchval("select version from policy_version")
    await connection.execute("insert into projects (id, name, created_by) values ('new', 'New', 'test')")
    assert await connection.fetchval("select version from policy_version") > version
