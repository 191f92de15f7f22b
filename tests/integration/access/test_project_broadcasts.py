"""Audiences, broadcasts and schedules of projects: whoever has one reaches the users of its own project, and nobody else."""

from collections.abc import Sequence

import httpx
import pytest

from schemas.audiences import Recipients
from tables.postgres.broadcast_pages import PostgresBroadcastPages
from tables.postgres.database import Database
from tests.integration.access.test_projects import ANY_VERSION, BROADCAST, Owner, client, create_objects, owners

__all__ = ["client", "owners"]

NAMED = {"user_ids": ["u-1", "@acme/u-1", "@umbrella/u-1"], "notification": {"type": "greeting"}}


async def read_users(database: Database, recipients: Recipients | None) -> list[str]:
    """Whom the worker of the scheduler finds, who is not under the policies of projects."""
    assert recipients
    return (await PostgresBroadcastPages(database, 60).read_page(recipients, "", 100)).user_ids


async def test_a_broadcast_reaches_the_users_of_its_project_only(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner]
) -> None:
    for owner in owners:
        await create_objects(client, owner)
        changed = await client.put("/v1/audiences/everybody", json={"filter": {}}, headers=owner.headers)
        assert (changed.status_code, changed.json()["name"]) == (201, "everybody")
        for body in ({**BROADCAST, "audience": "everybody"}, {**NAMED, "user_ids": ["u-1"]} if not owner.project else NAMED):
            created = await client.post("/v1/broadcasts", json=body, headers=owner.headers)
            assert created.status_code == 201, created.text
    pages, found = PostgresBroadcastPages(database_copy, 60), {owner.project: list[list[str]]() for owner in owners}
    while claimed := await pages.claim("w-1"):
        assert claimed.recipients
        project = claimed.recipients.project
        assert (b'"@%b/greeting"' % project.encode() in claimed.notification) == bool(project)
        found[project].append(await read_users(database_copy, claimed.recipients))
        await pages.fail(claimed.id, "w-1", "read")
    seed = [row["id"] for row in await database_copy.fetch("select id from users where not starts_with(id, '@') order by id collate \"C\"")]
    assert found.pop("") == [["u-1"], seed, ["u-1"]]
    for project, lists in found.items():
        own = [f"@{project}/u-1"]
        assert lists == [own, own, [f"@{project}/@acme/u-1", f"@{project}/@umbrella/u-1", *own]]


async def test_previews_count_the_projects_own_users(client: httpx.AsyncClient, owners: Sequence[Owner]) -> None:
    for owner in owners:
        await create_objects(client, owner)
    expected = {"count": 1, "first_users": ["u-1"], "unknown_users": 0}
    acme = owners[1].headers
    for response in (
        await client.post("/v1/audiences/preview", json={}, headers=acme),
        await client.get("/v1/audiences/gold/preview", headers=acme),
        await client.post("/v1/broadcasts", json={**BROADCAST, "preview": True}, headers=acme),
    ):
        assert (response.status_code, response.json()) == (200, expected)
    named = await client.post("/v1/broadcasts", json={**NAMED, "preview": True}, headers=acme)
    assert named.json() == {"count": 3, "first_users": ["@acme/u-1", "@umbrella/u-1", "u-1"], "unknown_users": 2}


@pytest.mark.parametrize(("owner", "user"), [(1, "@umbrella/u-1"), (0, "@acme/u-1"), (1, "shop")])
async def test_no_list_has_a_member_of_another_project(client: httpx.AsyncClient, owners: Sequence[Owner], owner: int, user: str) -> None:
    for one in owners:
        await create_objects(client, one)
    await client.put("/v1/users/shop", json={}, headers=owners[0].headers)
    refused = await client.patch("/v1/audiences/gold/members", json={"add": ["u-1", user]}, headers=owners[owner].headers)
    assert refused.status_code == 422
    assert [(error["path"], error["detail"]) for error in refused.json()["errors"]] == [("$.add[1]", f"there is no user {user!r}")]


async def test_the_runs_of_a_schedule_are_its_projects(client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner]) -> None:
    await create_objects(client, owners[1])
    headers = owners[1].headers
    schedule = (await client.get("/v1/schedules/daily", headers=headers)).json()
    assert (schedule["name"], schedule["audience"], schedule["notification"]["type"]) == ("daily", "gold", "greeting")
    run = await client.post("/v1/schedules/daily/runs", json={}, headers=headers)
    assert run.status_code == 201, run.text
    assert (await client.get("/v1/schedules/daily/runs", headers=headers)).json()["items"] == [run.json()]
    rows = await database_copy.fetch("select project, audience_name from broadcasts")
    assert [tuple(row) for row in rows] == [("acme", "@acme/gold")] * 2


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/audiences/@acme%2Fgold", {}), ("/v1/audiences/a%2Fb", {}), ("/v1/schedules/@x%2Fy", {"cron": "0 8 * * *", **BROADCAST})],
)
async def test_a_name_has_no_project(client: httpx.AsyncClient, owners: Sequence[Owner], path: str, body: dict[str, object]) -> None:
    for owner in owners[:2]:
        response = await client.put(path, json=body, headers=owner.headers)
        assert response.status_code in (404, 422), response.text


async def test_an_id_that_another_project_has_is_taken(client: httpx.AsyncClient, owners: Sequence[Owner]) -> None:
    broadcast = await create_objects(client, owners[1])
    await create_objects(client, owners[2])
    taken = await client.post("/v1/broadcasts", json={**BROADCAST, "id": broadcast}, headers=owners[2].headers)
    assert taken.status_code == 409, taken.text
    again = await client.post("/v1/broadcasts", json={**BROADCAST, "id": broadcast}, headers=owners[1].headers)
    assert (again.status_code, again.json()["id"]) == (200, broadcast)


async def test_an_audience_in_use_names_what_uses_it_without_the_project(client: httpx.AsyncClient, owners: Sequence[Owner]) -> None:
    await create_objects(client, owners[1])
    used = await client.delete("/v1/audiences/gold", headers={**owners[1].headers, **ANY_VERSION})
    assert used.status_code == 409
    assert "the audience gold is used by" in used.json()["detail"]
    assert "the schedule daily" in used.json()["detail"]
