"""The resource /v1/rules on a real database."""

from pathlib import Path
from typing import Any

import pytest

from tables.postgres.audit_log import list_audit_entries
from tables.postgres.database import Database
from tables.postgres.seed import load_seed_policy
from tests.integration.api.gateway_client import UNREACHABLE, build_settings, open_client

URL = "/v1/rules"
RULE: dict[str, Any] = {
    "category": "marketing",
    "channels": ["webhook"],
    "condition": "data.total > 10",
    "digest": {"cron": "0 8 * * *", "key": "data.team"},
    "email_options": {"reply_to": "answers@example.org", "headers": {"X-B": "1", "X-A": "2"}, "bcc": ["archive@example.org"]},
}


@pytest.fixture
async def client(database_copy_url: str, tmp_path: Path) -> Any:
    async with open_client(build_settings(UNREACHABLE, database_url=database_copy_url, data_dir=tmp_path)) as client:
        yield client


def get_errors(response: Any) -> list[tuple[str, str]]:
    assert response.status_code == 422, response.text
    return [(error["path"], error["detail"]) for error in response.json()["errors"]]


async def test_a_rule_is_created_changed_rolled_back_and_deleted(client: Any, database_copy: Database) -> None:
    created = await client.put(f"{URL}/parcel.lost", json=RULE, params={"comment": "first"}, headers={"Herold-Actor": "Ada"})
    assert (created.status_code, created.headers["etag"]) == (201, '"1"')
    assert created.json() == {"version": 1, "rule": {"type": "parcel.lost", **RULE}}
    assert (await client.put(f"{URL}/parcel.lost", json=RULE)).status_code == 428
    stale = await client.put(f"{URL}/parcel.lost", json=RULE, headers={"if-match": '"7"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"1"')
    same = await client.put(f"{URL}/parcel.lost", json=RULE, headers={"if-match": '"1"'})
    assert (same.status_code, same.json()["version"]) == (200, 1)
    changed = await client.put(f"{URL}/parcel.lost", json={**RULE, "priority": "high"}, headers={"if-match": '"1"'})
    assert changed.json()["version"] == 2
    back = await client.post(f"{URL}/parcel.lost/rollback", json={"version": 1}, headers={"if-match": '"2"'})
    assert (back.status_code, back.json()) == (200, {"version": 3, "rule": {"type": "parcel.lost", **RULE}})
    assert (await client.delete(f"{URL}/parcel.lost")).status_code == 428
    assert (await client.delete(f"{URL}/parcel.lost", headers={"if-match": '"3"', "herold-source": "cli"})).status_code == 204
    assert (await client.get(f"{URL}/parcel.lost")).status_code == 404
    first = (await client.get(f"{URL}/parcel.lost/versions", params={"limit": 3})).json()
    rest = (await client.get(f"{URL}/parcel.lost/versions", params={"cursor": first["next_cursor"]})).json()
    versions = [(one["version"], one["actor"], one["comment"]) for one in [*first["items"], *rest["items"]]]
    assert versions == [(4, "api", ""), (3, "api", "back to version 1"), (2, "api", ""), (1, "Ada", "first")]
    entries = await list_audit_entries(database_copy, "rule", "parcel.lost", 10)
    assert [(one.action, one.details["source"]) for one in entries] == [
        ("rule.deleted", "cli"),
        ("rule.rolled_back", "api"),
        ("rule.changed", "api"),
        ("rule.added", "api"),
    ]
    assert (first["items"][0]["rule"], rest["next_cursor"]) == (None, None)


async def test_rules_are_listed_page_by_page(client: Any) -> None:
    types, cursor = [], None
    while cursor is not None or not types:
        page = (await client.get(URL, params={"limit": 4, **({"cursor": cursor} if cursor else {})})).json()
        types += [item["rule"]["type"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert types == sorted(load_seed_policy().rules)
    found = (await client.get(URL, params={"search": "MARKET"})).json()["items"]
    assert [item["rule"]["type"] for item in found] == sorted(
        rule.type for rule in load_seed_policy().rules.values() if rule.category == "marketing"
    )


@pytest.mark.parametrize(
    ("change", "path", "detail"),
    [
        ({"channels": ["email"]}, "$.template", "no template `t` for email"),
        ({"channels": ["webhook", "webhook"]}, "$.channels[1]", "webhook is listed twice"),
        ({"condition": "user.teir == 1"}, "$.condition", "line 1, column 5: there is no `user.teir`"),
        ({"priorities": [{"when": "data.x >", "priority": "low"}]}, "$.priorities[0].when", "line 1, column 9: Syntax error"),
        ({"consent": "sometimes"}, "$.consent", "is not one of"),
        ({"consent": "opt_in", "mandatory": True}, "$.consent", "a mandatory rule cannot ask for an opt-in"),
        ({"expires_after": 86401}, "$.expires_after", "86400"),
        ({"email_options": {"bcc": ["ada@localhost"]}}, "$.email_options.bcc[0]", "not an e-mail address"),
        ({"email_options": {"headers": {"To": "x"}}}, "$.email_options.headers.'To'", "does not begin with X-"),
        ({"prioritys": []}, "$.prioritys", "is not a known field"),
        ({"category": "a\0"}, "$.category", "has the character NUL"),
        ({"category": " a brand new one"}, "$.category", "begins or ends with a space"),
        ({"type": "other"}, "$.type", "is not 't'"),
    ],
)
async def test_what_is_wrong_is_named_by_its_field(client: Any, change: dict[str, Any], path: str, detail: str) -> None:
    errors = get_errors(await client.put(f"{URL}/t", json={**RULE, **change}))
    assert [(found, detail in text) for found, text in errors] == [(path, True)]
    assert (await client.get(f"{URL}/t")).status_code == 404


async def test_what_is_not_there_is_not_found(client: Any) -> None:
    headers = {"if-match": "*"}
    responses = [
        await client.get(f"{URL}/no.such"),
        await client.get(f"{URL}/no.such/versions"),
        await client.delete(f"{URL}/no.such", headers=headers),
        await client.post(f"{URL}/promo.sale/rollback", json={"version": 9}, headers=headers),
    ]
    assert [response.status_code for response in responses] == [404] * 4


async def test_without_postgresql_rules_are_unavailable() -> None:
    async with open_client(build_settings(UNREACHABLE, database_url="postgresql://127.0.0.1:1/none")) as client:
        response = await client.get(URL)
    assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
