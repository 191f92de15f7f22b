"""Rate limits one by one on a real database: over HTTP and by command."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tables.postgres.database import Database
from tables.postgres.policy import PostgresPolicyLoader
from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.integration.api.gateway_client import UNREACHABLE, build_settings, open_client

URL = "/v1/rate-limits"
GOLD = {"category": "marketing", "tier": "gold"}
AUDIT_SQL = "select actor, action, object_id, details -> 'changes' as changes from audit_log where object_type = 'rate_limit' order by id"


@pytest.fixture
async def client(database_copy_url: str, tmp_path: Path) -> Any:
    async with open_client(build_settings(UNREACHABLE, database_url=database_copy_url, data_dir=tmp_path)) as client:
        yield client


@pytest.fixture
def herold(tmp_path: Path, database_copy_url: str) -> HeroldRunner:
    return build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), DATABASE_URL=database_copy_url, HEROLD_ACTOR="ada")


async def load_limits(database: Database) -> dict[tuple[str, str, str, int, str], int]:
    return {limit.key: limit.max_count for limit in (await PostgresPolicyLoader(database).load()).rate_limits}


async def test_a_limit_is_created_changed_and_deleted(client: Any, database_copy: Database) -> None:
    path = f"{URL}/all/600"
    created = await client.put(path, params={**GOLD, "comment": "first"}, json={"max_count": 5}, headers={"Herold-Actor": "Ada"})
    assert (created.status_code, created.headers["etag"]) == (201, '"1"')
    assert created.json() == {"version": 1, "limit": {"channel": "", "max_count": 5, "window_seconds": 600, **GOLD, "project": ""}}
    assert (await load_limits(database_copy))["", "marketing", "gold", 600, ""] == 5
    assert (await client.put(path, params=GOLD, json={"max_count": 6})).status_code == 428
    stale = await client.put(path, params=GOLD, json={"max_count": 6}, headers={"if-match": '"7"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"1"')
    same = await client.put(path, params=GOLD, json={"max_count": 5}, headers={"if-match": '"1"'})
    assert (same.status_code, same.json()["version"]) == (200, 1)
    changed = await client.put(path, params=GOLD, json={"max_count": 6}, headers={"if-match": '"1"'})
    assert (changed.json()["version"], (await client.get(path, params=GOLD)).headers["etag"]) == (2, '"2"')
    assert (await client.delete(path, params=GOLD)).status_code == 428
    assert (await client.delete(path, params=GOLD, headers={"if-match": '"2"'})).status_code == 204
    assert (await client.get(path, params=GOLD)).status_code == 404
    assert ("", "marketing", "gold", 600, "") not in await load_limits(database_copy)
    again = await client.put(path, params=GOLD, json={"max_count": 7})
    assert (again.status_code, again.json()["version"]) == (201, 4)
    versions = (await client.get(f"{path}/versions", params={**GOLD, "limit": 3})).json()
    rest = (await client.get(f"{path}/versions", params={**GOLD, "cursor": versions["next_cursor"]})).json()
    found = [(one["version"], one["max_count"], one["actor"], one["comment"]) for one in [*versions["items"], *rest["items"]]]
    assert found == [(4, 7, "api", ""), (3, None, "api", ""), (2, 6, "api", ""), (1, 5, "Ada", "first")]
    name = "all channels in 600 s for category marketing for tier gold"
    entries = [(row["actor"], row["action"], row["object_id"]) for row in await database_copy.fetch(AUDIT_SQL)]
    assert entries[:3] == [("Ada", "rate_limit.added", name), ("api", "rate_limit.changed", name), ("api", "rate_limit.deleted", name)]


async def test_limits_are_listed_page_by_page_and_filtered(client: Any, database_copy: Database) -> None:
    await client.put(f"{URL}/sms/60", params={"tier": "gold"}, json={"max_count": 5})
    keys, cursor = [], None
    while cursor is not None or not keys:
        page = (await client.get(URL, params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        keys += [
            (one["limit"]["channel"], one["limit"]["category"], one["limit"]["tier"], one["limit"]["window_seconds"])
            for one in page["items"]
        ]
        cursor = page["next_cursor"]
    assert keys == sorted(key[:4] for key in await load_limits(database_copy))
    gold = (await client.get(URL, params={"channel": "sms", "tier": "gold"})).json()["items"]
    assert [one["limit"]["window_seconds"] for one in gold] == [60]
    assert (await client.get(URL, params={"channel": "all"})).json()["items"] == [
        one for one in (await client.get(URL)).json()["items"] if not one["limit"]["channel"]
    ]


@pytest.mark.parametrize(
    ("path", "params", "body", "place"),
    [
        ("/fax/60", {}, {"max_count": 5}, "$.channel"),
        ("/sms/604801", {}, {"max_count": 5}, "$.window_seconds"),
        ("/sms/60", {}, {"max_count": 0}, "$.max_count"),
        ("/sms/60", {}, {"max_count": 1, "window": 3}, "$.window"),
        ("/sms/60", {"category": "markting"}, {"max_count": 5}, "$.category"),
        ("/sms/60", {"tier": " gold"}, {"max_count": 5}, "$.tier"),
    ],
)
async def test_what_is_not_valid_is_named(client: Any, path: str, params: dict[str, str], body: dict[str, int], place: str) -> None:
    response = await client.put(URL + path, params=params, json=body)
    assert response.status_code == 422, response.text
    assert [error["path"] for error in response.json()["errors"]] == [place]


async def test_a_change_by_sql_is_a_version_and_versions_stay(database_copy: Database, database_copy_url: str, client: Any) -> None:
    connection = await asyncpg.connect(database_copy_url)
    await connection.execute("insert into rate_limits (channel, max_count, window_seconds) values ('push', 4, 60)")
    await connection.execute("update rate_limits set max_count = 5 where channel = 'push' and window_seconds = 60")
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await connection.execute("delete from rate_limit_versions")
    await connection.close()
    versions = (await client.get(f"{URL}/push/60/versions")).json()["items"]
    assert [(one["version"], one["max_count"]) for one in versions] == [(2, 5), (1, 4)]


async def run(herold: HeroldRunner, *arguments: str, exit_code: int = 0) -> str:
    result = await asyncio.to_thread(herold, "limits", *arguments)
    assert result.exit_code == exit_code, result.output
    return result.stdout if exit_code == 0 else result.stderr


async def test_the_commands_set_list_and_delete(herold: HeroldRunner, database_copy: Database) -> None:
    key = ("--channel", "email", "--category", "marketing", "--window", "7d")
    name = "email in 604800 s for category marketing"
    assert await run(herold, "set", *key, "--max", "3", "--comment", "fewer") == f"{name}: at most 3, version 1\n"
    assert await run(herold, "set", *key, "--max", "4") == f"{name}: at most 4, version 2\n"
    listed = json.loads(await run(herold, "list", "--channel", "email", "--category", "marketing", "--json"))
    assert [(one["limit"]["max_count"], one["version"]) for one in listed] == [(4, 2)]
    assert "marketing" in await run(herold, "list")
    assert await run(herold, "delete", *key) == f"{name}: deleted\n"
    history = await run(herold, "history", *key)
    assert ["deleted" in line for line in history.splitlines()[1:]] == [True, False, False]
    assert "fewer" in history.splitlines()[3]
    assert f"there is no rate limit for {name}" in await run(herold, "delete", *key, exit_code=3)
    assert "category: no rule has the category 'markting'" in await run(
        herold, "set", "--category", "markting", "--window", "1h", "--max", "1", exit_code=1
    )
    assert "longer than 7 days" in await run(herold, "set", "--window", "8d", "--max", "1", exit_code=2)


async def test_a_change_of_a_projects_limit_by_command_is_an_entry_of_the_project(
    herold: HeroldRunner, database_copy: Database, tmp_path: Path
) -> None:
    (tmp_path / "policy.yml").write_text("rate_limits: [{channel: sms, max_count: 1, window_seconds: 60, project: acme}]")
    applied = await asyncio.to_thread(herold, "policy", "apply", str(tmp_path / "policy.yml"))
    assert applied.exit_code == 0, applied.output
    key = ("--channel", "sms", "--window", "60s")
    await run(herold, "set", *key, "--project", "acme", "--max", "2")
    await run(herold, "delete", *key, "--project", "acme")
    await run(herold, "set", *key, "--max", "2")
    rows = await database_copy.fetch("select action, project from audit_log where object_id like 'sms in 60 s%' order by id")
    changes = ("added", "acme"), ("changed", "acme"), ("deleted", "acme"), ("added", "")
    assert [tuple(row) for row in rows] == [(f"rate_limit.{change}", project) for change, project in changes]
