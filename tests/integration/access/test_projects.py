"""Projects with a real PostgreSQL: no request sees, changes or reveals what belongs to another project."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from litestar.datastructures import State

from app.api.access import list_declared_routes
from app.api.asgi import build_framework
from schemas.ids import make_id
from schemas.permissions import PROJECT_PERMISSIONS
from schemas.projects import ProjectSettings
from tables.postgres.database import Database
from tables.postgres.projects import CachedProjects
from tests.column_sealing import SEALED_ENV
from tests.integration.access.keys import PATH as KEYS
from tests.integration.access.keys import build_headers, create_key
from tests.integration.access.project_delivery import DELIVERY_OWN, DELIVERY_ROUTES
from tests.integration.webhooks.endpoints import open_endpoint_client

PROJECTS = "/v1/projects"
ANY_VERSION = {"if-match": "*"}
DOCUMENT = {"document": {"sms": {"default": {"text": "Hello {{ name }}"}}, "samples": {"one": {"name": "Ada"}}}}
RULE = {"category": "transactional", "channels": ["sms"], "template": "welcome"}
BROADCAST = {"audience": "gold", "notification": {"type": "greeting", "template": "welcome"}}
NOTIFICATION_ID = make_id("ntf_", 1_760_000_000.0, 5)


class Owner(NamedTuple):
    """A project with the headers of its admin; the default one has no id."""

    project: str
    headers: dict[str, str]

    def qualify(self, text: str) -> str:
        return f"@{self.project}/{text}" if self.project else text


@pytest.fixture
async def client(database_copy_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with projects, without a key."""
    async with open_endpoint_client(database_copy_url, HEROLD_GATEWAY_PROJECTS="true", HEROLD_GATEWAY_PRODUCE_TIMEOUT="0.05") as client:
        yield client


@pytest.fixture
async def sealing_client(database_copy_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with projects that has keys, and seals nothing unless a project says so."""
    keys = {**SEALED_ENV, "HEROLD_ENCRYPTION_ENABLED": "false"}
    async with open_endpoint_client(database_copy_url, HEROLD_GATEWAY_PROJECTS="true", **keys) as client:
        yield client


@pytest.fixture
async def owners(client: httpx.AsyncClient) -> Sequence[Owner]:
    """The default project, and two others."""
    default = Owner("", build_headers(await create_key(client, "admin")))
    others = []
    for project in ("acme", "umbrella"):
        created = await client.post(PROJECTS, json={"id": project, "name": project.title()})
        assert created.status_code == 201, created.text
        key = await client.post(f"{PROJECTS}/{project}/api-keys", json={"name": "first", "role": "admin"})
        assert key.status_code == 201, key.text
        others.append(Owner(project, build_headers(key.json())))
    return [default, *others]


async def create_objects(client: httpx.AsyncClient, owner: Owner) -> str:
    """A user with a device and preferences, a template, a rule and so on, with the same names in every project; the id of a broadcast."""
    requests: list[tuple[str, str, Any]] = [
        ("PUT", "/v1/users/u-1", {"addresses": {"sms": ["+436601234567"]}, "locale": "de"}),
        ("PUT", "/v1/users/u-1/devices/token-1", {"platform": "ios"}),
        ("POST", "/v1/templates/welcome/versions", DOCUMENT),
        ("POST", "/v1/templates/welcome/publish", {"version": 1, "force": True}),
        ("PUT", "/v1/rules/greeting", RULE),
        ("PATCH", "/v1/users/u-1/preferences", {"items": [{"category": "transactional", "channel": "sms", "choice": "out"}]}),
        ("PUT", "/v1/rate-limits/all/600", {"max_count": 5}),
        ("PUT", "/v1/audiences/gold", {"description": "who pays"}),
        ("PATCH", "/v1/audiences/gold/members", {"add": ["u-1"]}),
        ("PUT", "/v1/schedules/daily", {"cron": "0 8 * * *", **BROADCAST}),
        ("POST", "/v1/broadcasts", BROADCAST),
    ]
    for method, path, body in requests:
        headers = {**owner.headers, **(ANY_VERSION if "publish" in path else {})}
        response = await client.request(method, path, json=body, headers=headers)
        assert response.status_code in (200, 201, 204), (method, path, response.text)
    return str(response.json()["id"])


async def read_objects(client: httpx.AsyncClient, owner: Owner) -> list[str]:
    """What a project has."""
    paths = [
        *("/v1/users/u-1", "/v1/users/u-1/preferences", "/v1/users/u-1/devices", "/v1/rules/greeting", "/v1/templates/welcome/history"),
        *("/v1/audiences/gold", "/v1/audiences/gold/members", "/v1/schedules/daily", "/v1/broadcasts", "/v1/rate-limits/all/600"),
    ]
    return [(await client.get(path, headers=owner.headers)).text for path in paths]


async def store_notification(database: Database, owner: Owner) -> None:
    """A notification and a delivery in the history, with the same id in every project."""
    await database.fetch(
        """insert into notifications
               (id, user_id, type, category, priority, state, reason, deliveries, decision_log, decided_at, created_at)
           values ($1, $2, $3, 'transactional', 'low', 'routed', '', '[]', '[]', to_timestamp(1760000000), to_timestamp(1760000000))""",
        NOTIFICATION_ID.removeprefix("ntf_"),
        owner.qualify("u-1"),
        owner.qualify("greeting"),
    )


async def test_each_project_has_objects_of_its_own_under_the_same_names(client: httpx.AsyncClient, owners: Sequence[Owner]) -> None:
    for owner in owners:
        await create_objects(client, owner)
    for number, owner in enumerate(owners):
        changed = await client.patch("/v1/users/u-1", json={"tier": f"t{number}"}, headers={**owner.headers, **ANY_VERSION})
        assert changed.status_code == 200
    for number, owner in enumerate(owners):
        user = (await client.get("/v1/users/u-1", headers=owner.headers)).json()
        assert (user["id"], user["tier"]) == ("u-1", f"t{number}")
        rule = (await client.get("/v1/rules/greeting", headers=owner.headers)).json()["rule"]
        assert (rule["type"], rule["template"]) == ("greeting", "welcome")


async def test_lists_show_only_what_is_the_projects_own(client: httpx.AsyncClient, owners: Sequence[Owner]) -> None:
    names = {
        "/v1/users": "u-1",
        "/v1/rules": "greeting",
        "/v1/templates": "welcome",
        "/v1/audiences": "gold",
        "/v1/schedules": "daily",
        "/v1/broadcasts": "gold",
        "/v1/broadcasts?audience=gold": "greeting",
        "/v1/rate-limits": "600",
    }
    before = {path: (await client.get(path, headers=owners[0].headers)).json()["items"] for path in names}
    await create_objects(client, owners[1])
    for search, ids in (("u-", ["u-1"]), ("v-", [])):
        users = (await client.get("/v1/users", params={"search": search}, headers=owners[1].headers)).json()["items"]
        assert [one["id"] for one in users] == ids
    for path, identifier in names.items():
        own = (await client.get(path, headers=owners[1].headers)).json()["items"]
        assert len(own) == 1
        assert identifier in str(own)
        assert "@acme/" not in str(own)
        assert (await client.get(path, headers=owners[2].headers)).json()["items"] == []
        assert (await client.get(path, headers=owners[0].headers)).json()["items"] == before[path]
    for owner in owners[1:]:
        assert [key["name"] for key in (await client.get(KEYS, headers=owner.headers)).json()["items"]] == ["first"]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PUT", "/v1/rules/greeting", {**RULE, "template": "@acme/welcome"}, "$.template"),
        ("POST", "/v1/rules/greeting/simulate", {"rule": {**RULE, "template": "@acme/welcome"}}, "$.rule.template"),
        ("POST", "/v1/broadcasts", {"user_ids": ["u-1", "@acme/u-1"], "notification": {"type": "greeting"}}, "$.user_ids"),
        ("POST", "/v1/broadcasts", {"user_ids": ["u-1"], "notification": {"type": "@acme/greeting"}}, "$.notification.type"),
        ("PUT", "/v1/schedules/daily", {"cron": "0 9 * * *", "user_ids": ["@acme/u-1"], "notification": {"type": "x"}}, "$.user_ids"),
        ("POST", "/v1/suppressions", {"user_id": "@acme/u-1", "channel": "sms", "reason": "manual"}, "$.user_id"),
        ("POST", "/v1/dead-letters/dlt_1/redrive", {"user_id": "@acme/u-1", "type": "greeting"}, "$.user_id"),
    ],
)
async def test_no_body_of_the_default_project_names_what_is_another_ones(
    client: httpx.AsyncClient, owners: Sequence[Owner], method: str, path: str, body: Any, field: str
) -> None:
    response = await client.request(method, path, json=body, headers={**owners[0].headers, **ANY_VERSION})
    assert response.status_code == 422, response.text
    assert [error["path"] for error in response.json()["errors"]] == [field]


async def test_a_user_is_erased_from_the_logs_that_requests_cannot_change(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner]
) -> None:
    await create_objects(client, owners[0])
    erased = await client.post("/v1/users/u-1/erasure", json={"reason": "request 4711"}, headers=owners[0].headers)
    assert erased.status_code == 200, erased.text
    assert erased.json()["counts"]["log_entries"] > 0
    rows = await database_copy.fetch("select 1 from consent_events where user_id = 'u-1'")
    assert not rows
    granted = await database_copy.fetch(
        """select name, privilege from unnest('{audit_log,consent_events,log_chain,log_checkpoints}'::text[]) as name
           cross join unnest('{update,delete}'::text[]) as privilege
           where has_table_privilege('herold_project', name, privilege)"""
    )
    assert granted == []


async def test_the_default_project_erases_users_of_all_and_a_project_none(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner]
) -> None:
    for owner in owners:
        await create_objects(client, owner)
    path, order = "/v1/users/%40acme%2Fu-1/erasure", {"reason": "request 4711"}
    for owner in owners[1:]:
        for own in (path, "/v1/users/u-1/erasure"):
            assert (await client.post(own, json=order, headers=owner.headers)).status_code == 403
    erased = await client.post(path, json=order, headers=owners[0].headers)
    assert erased.status_code == 200, erased.text
    assert (erased.json()["user_id"], erased.json()["counts"]["users"]) == ("@acme/u-1", 1)
    found = [(await client.get("/v1/users/u-1", headers=owner.headers)).status_code for owner in owners]
    assert found == [200, 404, 200]
    assert await database_copy.fetch("select from consent_events where user_id = '@acme/u-1'") == []
    entries = [(await client.get("/v1/audit?action=erase_from_logs", headers=owner.headers)).json()["items"] for owner in owners]
    assert [len(of_project) for of_project in entries] == [0, 1, 0]


FOREIGN: list[tuple[str, str, Any]] = [
    ("GET", "/v1/audit/{entry}", None),
    ("GET", "/v1/users/u-1", None),
    ("PATCH", "/v1/users/u-1", {"tier": "x"}),
    ("DELETE", "/v1/users/u-1", None),
    ("GET", "/v1/users/u-1/devices", None),
    ("DELETE", "/v1/users/u-1/devices/token-1", None),
    ("GET", "/v1/users/u-1/preferences", None),
    ("GET", "/v1/rules/greeting", None),
    ("DELETE", "/v1/rules/greeting", None),
    ("GET", "/v1/rules/greeting/versions", None),
    ("POST", "/v1/rules/greeting/rollback", {"version": 1}),
    ("GET", "/v1/templates/welcome", None),
    ("GET", "/v1/templates/welcome/history", None),
    ("POST", "/v1/templates/welcome/publish", {"version": 1}),
    ("POST", "/v1/templates/welcome/rollback", {}),
    ("POST", "/v1/templates/welcome/preview", {}),
    ("POST", "/v1/templates/welcome/check", {"version": 1}),
    ("GET", "/v1/templates/welcome/variants", None),
    ("PUT", "/v1/users/u-1/devices/token-1", {"platform": "ios"}),
    ("PATCH", "/v1/users/u-1/preferences", {"items": [{"choice": "in"}]}),
    ("PUT", "/v1/users/u-1/preferences", {"items": []}),
    ("DELETE", f"/v1/notifications/{NOTIFICATION_ID}", None),
    ("PATCH", f"/v1/notifications/{NOTIFICATION_ID}", {"send_at": "2100-01-01T00:00:00Z"}),
    ("GET", f"/v1/notifications/{NOTIFICATION_ID}", None),
    ("GET", f"/v1/notifications/{NOTIFICATION_ID}/explain", None),
    ("GET", f"/v1/notifications/{NOTIFICATION_ID}/records", None),
    ("POST", f"/v1/notifications/{NOTIFICATION_ID}/read", None),
    ("GET", "/v1/audiences/gold", None),
    ("DELETE", "/v1/audiences/gold", None),
    ("GET", "/v1/audiences/gold/preview", None),
    ("GET", "/v1/audiences/gold/members", None),
    ("PATCH", "/v1/audiences/gold/members", {"remove": ["u-1"]}),
    ("GET", "/v1/schedules/daily", None),
    ("DELETE", "/v1/schedules/daily", None),
    ("POST", "/v1/schedules/daily/pause", {}),
    ("POST", "/v1/schedules/daily/resume", {}),
    ("POST", "/v1/schedules/daily/runs", {}),
    ("GET", "/v1/schedules/daily/runs", None),
    ("GET", "/v1/broadcasts/{broadcast}", None),
    ("POST", "/v1/broadcasts/{broadcast}/pause", {}),
    ("POST", "/v1/broadcasts/{broadcast}/resume", {}),
    ("POST", "/v1/broadcasts/{broadcast}/cancel", {}),
    ("GET", "/v1/rate-limits/all/600", None),
    ("DELETE", "/v1/rate-limits/all/600", None),
    ("GET", "/v1/rate-limits/all/600/versions", None),
    ("GET", f"{KEYS}/{{key}}", None),
    ("PATCH", f"{KEYS}/{{key}}", {"name": "x"}),
    ("POST", f"{KEYS}/{{key}}/rotate", {}),
    ("POST", f"{KEYS}/{{key}}/revoke", {}),
]


OWN: list[tuple[str, str, Any]] = [
    ("GET", "/v1/users/u-1/consent-events", None),
    ("GET", "/v1/users/u-1/counts", None),
    ("GET", "/v1/users/u-1/state", None),
    ("POST", "/v1/templates/welcome/versions", DOCUMENT),
    ("PUT", "/v1/rules/greeting", RULE),
    ("POST", "/v1/rules/greeting/check", RULE),
    ("POST", "/v1/rules/greeting/simulate", {"rule": RULE}),
    ("PUT", "/v1/users/u-1", {"tier": "x"}),
    ("PUT", "/v1/audiences/gold", {"filter": {}}),
    ("PUT", "/v1/schedules/daily", {"cron": "0 9 * * *", "user_ids": ["u-1"], "notification": {"type": "greeting"}}),
    ("PUT", "/v1/rate-limits/all/600", {"max_count": 7}),
]
"""What answers about, or creates, the stranger's own object of this name, and leaves that of the owner alone."""


def test_every_route_with_an_object_of_a_project_is_tried() -> None:
    """A new one needs a line in FOREIGN or OWN."""
    object_id = re.compile(r"(?<=/)(u-1|token-1|greeting|welcome|gold|daily|all|600|ntf_\w+|dlv_\w+|{\w+})(?=/|$)")
    tried = {(method, object_id.sub("{}", path.partition("?")[0])) for method, path, _ in [*FOREIGN, *OWN, *DELIVERY_ROUTES, *DELIVERY_OWN]}
    routes = {
        (route.method, re.sub(r"{\w+(?::\w+)?}", "{}", route.path))
        for route in list_declared_routes(build_framework(State({}), body_limit=0))
        if route.needs in PROJECT_PERMISSIONS and "{" in route.path
    }
    assert sorted(routes - tried) == []


@pytest.mark.parametrize(("owner", "stranger"), [(1, 2), (0, 1), (1, 0)], ids=["two projects", "of the default one", "the default one"])
async def test_another_projects_object_is_404_by_whatever_name(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner], owner: int, stranger: int
) -> None:
    broadcast = await create_objects(client, owners[owner])
    await store_notification(database_copy, owners[owner])
    [key] = (await client.get(KEYS, headers=owners[owner].headers)).json()["items"][:1]
    [entry] = (await client.get("/v1/audit", params={"object_id": "u-1"}, headers=owners[owner].headers)).json()["items"][:1]
    wrong = []
    for method, path, body in FOREIGN:
        names = [path.format(key=key["id"], broadcast=broadcast, entry=entry["id"])]
        for prefix in ("/v1/users/", "/v1/rules/", "/v1/templates/", "/v1/audiences/", "/v1/schedules/"):
            if path.startswith(prefix):
                first, slash, rest = path.removeprefix(prefix).partition("/")
                names.append(f"{prefix}{owners[owner].qualify(first).replace('/', '%2F')}{slash}{rest}")
        for name in names:
            headers = {**owners[stranger].headers, **ANY_VERSION}
            response = (
                await client.request(method, name, json=body, headers=headers)
                if body is not None
                else await client.request(method, name, headers=headers)
            )
            if response.status_code != 404:
                wrong.append((method, name, response.status_code, response.text[:200]))
    assert wrong == []
    before = await read_objects(client, owners[owner])
    for method, path, body in OWN:
        headers, content = owners[stranger].headers, {} if body is None else {"json": body}
        response = await client.request(method, path, headers=headers, **content)
        assert response.status_code != 500, (method, path)
        assert "+436601234567" not in response.text
    assert await read_objects(client, owners[owner]) == before
    assert (await client.get(f"/v1/notifications/{NOTIFICATION_ID}", headers=owners[owner].headers)).json()["user_id"] == "u-1"


async def test_a_list_of_a_user_is_of_the_projects_user(
    client: httpx.AsyncClient, database_copy: Database, owners: Sequence[Owner]
) -> None:
    await store_notification(database_copy, owners[1])
    found = await client.get("/v1/notifications", params={"user_id": "u-1"}, headers=owners[1].headers)
    assert [one["user_id"] for one in found.json()["items"]] == ["u-1"]
    for user_id in ("u-1", "@acme/u-1"):
        other = await client.get("/v1/notifications", params={"user_id": user_id}, headers=owners[2].headers)
        assert other.json()["items"] == []
    refused = await client.get("/v1/notifications", params={"user_id": "@acme/u-1"}, headers=owners[0].headers)
    assert refused.status_code == 422


async def test_what_all_projects_share_is_not_for_a_projects_key(client: httpx.AsyncClient, owners: Sequence[Owner]) -> None:
    for path in (PROJECTS, "/metrics"):
        assert (await client.get(path, headers=owners[1].headers)).status_code == 403


async def test_the_default_project_submits_for_nobody_elses_user(client: httpx.AsyncClient, owners: Sequence[Owner]) -> None:
    for body in ({"user_id": "@acme/u-1", "type": "greeting"}, {"user_id": "u-1", "type": "@acme/greeting"}):
        response = await client.post("/v1/notifications", json=body, headers=owners[0].headers)
        assert (response.status_code, "another project" in response.text) == (422, True)
        assert (await client.post("/v1/notifications/bulk", json=[body], headers=owners[0].headers)).status_code == 422


async def test_projects_are_created_listed_and_renamed(client: httpx.AsyncClient, owners: Sequence[Owner]) -> None:
    assert [one["id"] for one in (await client.get(PROJECTS)).json()["items"]] == ["acme", "umbrella"]
    assert (await client.post(PROJECTS, json={"id": "acme", "name": "x"})).status_code == 409
    assert (await client.post(PROJECTS, json={"id": "Acme/x", "name": "x"})).status_code == 422
    version = (await client.get(f"{PROJECTS}/acme")).headers["etag"]
    renamed = await client.patch(f"{PROJECTS}/acme", json={"name": "Acme Ltd"}, headers={"if-match": version})
    assert renamed.json()["name"] == "Acme Ltd"
    assert (await client.patch(f"{PROJECTS}/acme", json={"name": "x"}, headers={"if-match": version})).status_code == 412
    assert (await client.get(f"{PROJECTS}/nobody")).status_code == 404


async def test_the_keys_of_a_project_are_listed_for_who_may_see_projects(client: httpx.AsyncClient, owners: Sequence[Owner]) -> None:
    own = (await client.get(KEYS, headers=owners[1].headers)).json()["items"]
    listed = await client.get(f"{PROJECTS}/acme/api-keys")
    assert (listed.status_code, listed.json()["items"]) == (200, own)
    second = await client.post(f"{PROJECTS}/acme/api-keys", json={"name": "second", "role": "viewer"})
    first = (await client.get(f"{PROJECTS}/acme/api-keys", params={"limit": 1})).json()
    rest = (await client.get(f"{PROJECTS}/acme/api-keys", params={"cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in [*first["items"], *rest["items"]]] == [own[0]["id"], second.json()["id"]]
    assert (await client.get(f"{PROJECTS}/nobody/api-keys")).status_code == 404
    assert (await client.get(f"{PROJECTS}/umbrella/api-keys", headers=owners[1].headers)).status_code == 403


async def test_what_operators_choose_for_a_project_is_changed_and_audited(
    sealing_client: httpx.AsyncClient, database_copy: Database
) -> None:
    client = sealing_client
    chosen = {"weight": 3, "rate": 0.5, "burst": 20, "encrypts": True}
    created = await client.post(PROJECTS, json={"id": "acme", "name": "Acme", **chosen})
    assert (created.status_code, {name: created.json()[name] for name in chosen}) == (201, chosen)
    projects = CachedProjects(database_copy)
    await projects.refresh()
    known = projects.settings
    assert known == {"acme": ProjectSettings(3, 0.5, 20, True)}
    await projects.refresh()
    assert projects.settings is known
    change, headers = {"rate": None, "encrypts": None, "weight": 4}, {"if-match": created.headers["etag"]}
    changed = await client.patch(f"{PROJECTS}/acme", json=change, headers=headers)
    assert {name: changed.json()[name] for name in ("name", *chosen)} == {
        "name": "Acme",
        "weight": 4,
        "rate": None,
        "burst": 20,
        "encrypts": None,
    }
    same = await client.patch(f"{PROJECTS}/acme", json=change, headers={"if-match": changed.headers["etag"]})
    assert (same.status_code, same.headers["etag"]) == (200, changed.headers["etag"])
    await projects.refresh()
    assert projects.settings == {"acme": ProjectSettings(4, None, 20, None)}
    rows = await database_copy.fetch(
        "select action, details from audit_log where object_id = 'acme' and object_type = 'project' order by id"
    )
    (first, second) = [(row["action"], msgspec.json.decode(row["details"])) for row in rows]
    assert first == ("create", {"source": "api", "name": "Acme", **chosen})
    before, after = {"weight": 3, "rate": 0.5, "encrypts": True}, {"weight": 4, "rate": None, "encrypts": None}
    assert second == ("change", {"source": "api", "before": before, "after": after})


async def test_without_keys_no_project_can_encrypt(client: httpx.AsyncClient) -> None:
    acme = {"id": "acme", "name": "Acme"}
    refused = await client.post(PROJECTS, json={**acme, "encrypts": True})
    assert (refused.status_code, "set encryption.keys and encryption.index_key" in refused.json()["detail"]) == (409, True)
    assert (await client.post(PROJECTS, json={**acme, "encrypts": False})).status_code == 201
    changed = await client.patch(f"{PROJECTS}/acme", json={"encrypts": True}, headers=ANY_VERSION)
    assert (changed.status_code, changed.json()["detail"]) == (409, refused.json()["detail"])
    assert (await client.patch(f"{PROJECTS}/acme", json={"encrypts": None, "name": "x"}, headers=ANY_VERSION)).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [({"weight": 0}, "weight"), ({"rate": 0}, "rate"), ({"burst": 0}, "burst"), ({"encrypts": 1}, "encrypts"), ({"id": "x"}, "id")],
)
async def test_a_project_is_not_changed_to_what_it_cannot_be(client: httpx.AsyncClient, change: dict[str, Any], field: str) -> None:
    assert (await client.post(PROJECTS, json={"id": "acme", "name": "Acme"})).status_code == 201
    response = await client.patch(f"{PROJECTS}/acme", json=change, headers=ANY_VERSION)
    assert (response.status_code, response.json()["errors"][0]["path"]) == (422, f"$.{field}")


async def test_without_the_setting_there_are_no_other_projects(database_copy_url: str) -> None:
    async with open_endpoint_client(database_copy_url) as client:
        assert (await client.post(PROJECTS, json={"id": "acme", "name": "Acme"})).status_code == 409
