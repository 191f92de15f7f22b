"""/v1/templates on a real database."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.admin.templates import TemplateService
from schemas.email_options import EmailOptions, decode_options
from tables.postgres.database import Database
from tables.postgres.policy import PostgresPolicyLoader
from tests.unit.app.api.harness import HEADERS, GatewayHarness

URL = "/v1/templates"
DOCUMENT: dict[str, Any] = {
    "variables": {"type": "object", "required": ["code"]},
    "samples": {"usual": {"code": "1", "minutes": 5}},
    "sms": {"default": {"text": "{{ code }}"}},
    "email": {"default": {"subject": "s", "text": "{{ code }}"}},
}


@pytest.fixture
async def client(database_copy: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = GatewayHarness(templates=TemplateService(database_copy)).build_app()
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=HEADERS) as client:
        yield client


async def test_a_version_is_drafted_previewed_published_and_rolled_back(client: httpx.AsyncClient, database_copy: Database) -> None:
    drafted = await client.post(f"{URL}/account-otp/versions", json={"document": DOCUMENT, "comment": "why"})
    assert (drafted.status_code, drafted.json()["version"], drafted.json()["comment"]) == (201, 2, "why")
    preview = (await client.post(f"{URL}/account-otp/preview", json={"version": 2, "data": {"code": "“x”"}, "locale": "de"})).json()
    assert [one["channel"] for one in preview["contents"]] == ["email", "sms"]
    assert preview["contents"][1]["sms"] == {"encoding": "GSM-7", "segments": 1, "units": 3, "free": 157, "forcing": ""}
    read = await client.get(f"{URL}/account-otp")
    assert (read.headers["etag"], read.json()["version"]) == ('"1"', 1)
    published = await client.post(f"{URL}/account-otp/publish", json={"version": 2}, headers={"if-match": '"1"'})
    assert (published.status_code, published.headers["etag"]) == (200, '"2"')
    assert {(one["channel"], one["size_before"] > 0) for one in published.json()["changes"]} == {("sms", True), ("email", True)}
    assert any(gap["locale"] == "de" for gap in published.json()["gaps"])  # other templates of the installation have it
    policy = await PostgresPolicyLoader(database_copy).load()
    assert {template.text for template in policy.templates if template.name == "account-otp"} == {"{{ code }}"}
    rolled_back = await client.post(
        f"{URL}/account-otp/rollback", json={"comment": "no"}, headers={"if-match": '"2"', "herold-actor": "Zoë".encode()}
    )
    assert (rolled_back.status_code, rolled_back.json()["version"]) == (200, 1)
    history = (await client.get(f"{URL}/account-otp/history")).json()
    assert [(one["change"], one["actor"], one["comment"]) for one in history["publications"]][:2] == [
        ("rolled_back", "Zoë", "no"),
        ("published", "api", ""),
    ]


async def test_a_change_of_what_was_not_read_is_not_made(client: httpx.AsyncClient) -> None:
    await client.post(f"{URL}/account-otp/versions", json={"document": DOCUMENT})
    body = {"version": 2}
    assert (await client.post(f"{URL}/account-otp/publish", json=body)).status_code == 428
    stale = await client.post(f"{URL}/account-otp/publish", json=body, headers={"if-match": '"7"'})
    assert (stale.status_code, stale.headers["etag"], 'its ETag is "1"' in stale.json()["detail"]) == (412, '"1"', True)
    alone = await client.post(f"{URL}/account-otp/rollback", json={}, headers={"if-match": "*"})
    assert alone.status_code == 409


async def test_a_draft_on_a_version_that_is_not_the_latest_is_not_written(client: httpx.AsyncClient) -> None:
    url = f"{URL}/account-otp/versions"
    assert (await client.post(url, json={"document": DOCUMENT, "base_version": 1})).json()["version"] == 2
    stale = await client.post(url, json={"document": DOCUMENT, "base_version": 1})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"2"')
    assert (await client.post(url, json={"document": DOCUMENT, "base_version": 2})).json()["version"] == 3
    assert (await client.post(f"{URL}/brand-new/versions", json={"document": DOCUMENT, "base_version": 0})).status_code == 201


async def test_a_check_says_what_publishing_would_do_and_publishes_nothing(client: httpx.AsyncClient) -> None:
    await client.post(f"{URL}/account-otp/versions", json={"document": {**DOCUMENT, "samples": {"empty": {"code": ""}}}})
    report = await client.post(f"{URL}/account-otp/check", json={"version": 2})
    assert (report.status_code, report.json()["previous_version"], len(report.json()["problems"])) == (200, 1, 2), report.text
    assert (await client.get(f"{URL}/account-otp")).headers["etag"] == '"1"'
    assert (await client.post(f"{URL}/account-otp/check", json={"version": 9})).status_code == 404


async def test_at_most_once_belongs_to_the_version(client: httpx.AsyncClient, database_copy: Database) -> None:
    document = {**DOCUMENT, "at_most_once": True}
    drafted = await client.post(f"{URL}/account-otp/versions", json={"document": document})
    published = await client.post(f"{URL}/account-otp/publish", json={"version": 2}, headers={"if-match": '"1"'})
    assert (drafted.status_code, published.status_code) == (201, 200), published.text
    policy = await PostgresPolicyLoader(database_copy).load()
    assert {one.name for one in policy.template_details if one.at_most_once} == {"account-otp"}
    assert (await client.get(f"{URL}/account-otp")).json()["document"]["at_most_once"] is True
    assert "at_most_once" not in (await client.get(f"{URL}/order-shipped")).json()["document"]


async def test_email_options_belong_to_the_version(client: httpx.AsyncClient, database_copy: Database) -> None:
    document = {**DOCUMENT, "email_options": {"reply_to": "answers@example.org", "categories": ["otp"]}}
    drafted = await client.post(f"{URL}/account-otp/versions", json={"document": document})
    published = await client.post(f"{URL}/account-otp/publish", json={"version": 2}, headers={"if-match": '"1"'})
    assert (drafted.status_code, published.status_code) == (201, 200), published.text
    policy = await PostgresPolicyLoader(database_copy).load()
    options = {one.name: decode_options(one.email_options) for one in policy.template_details if one.email_options}
    assert options == {"account-otp": EmailOptions("answers@example.org", categories=["otp"])}
    assert (await client.get(f"{URL}/account-otp")).json()["document"]["email_options"] == document["email_options"]


async def test_email_options_that_could_not_be_sent_are_not_drafted(client: httpx.AsyncClient) -> None:
    document = {**DOCUMENT, "email_options": {"reply_to": "answers", "cc": ["a@example.org"]}}
    response = await client.post(f"{URL}/account-otp/versions", json={"document": document})
    assert response.status_code == 422
    assert "email_options.reply_to" in response.text
    assert "email_options.cc" in response.text


async def test_templates_are_listed_in_pages(client: httpx.AsyncClient) -> None:
    names, cursor = [], None
    while cursor is not None or not names:
        page = (await client.get(URL, params={"limit": 4, "search": "o", **({"cursor": cursor} if cursor else {})})).json()
        names += [one["name"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert names == sorted(set(names))
    assert {"account-otp", "promo-sale", "order-shipped"} <= set(names)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("GET", "nobody", None, 404, "there is no template 'nobody'"),
        ("GET", "nobody/history", None, 404, "there is no template"),
        ("GET", "account-otp?version=9", None, 404, "no version 9"),
        ("GET", "account-otp?version=2147483648", None, 422, "$.version"),
        ("POST", "account-otp/publish", {"version": 2147483648}, 422, "$.version"),
        ("POST", "account-otp/rollback", {"version": 2147483648}, 422, "$.version"),
        ("GET", "account%00otp", None, 404, "the path has the character NUL"),
        ("POST", "a/versions", {"document": {"sms": {"default": {"text": "x\n{{"}}}}, 422, "in text, line 2"),
        ("POST", "a/versions", {"document": {"sms": {"default": {"txt": "x"}}}}, 422, "$.document.sms"),
        (
            "POST",
            "a/versions",
            {"document": {"sms": {"default": {"text": "\0"}}}},
            422,
            "$.document.sms.default.text: has the character NUL",
        ),
        ("POST", "account-otp/publish", {"version": 1, "comment": "\0"}, 422, "$.comment: has the character NUL"),
        ("POST", "a/versions", {"document": {}}, 422, "it has no channel"),
        ("POST", "account-otp/preview", {"sample": "none"}, 422, "$.sample"),
        ("POST", "account-otp/preview", {"version": 0}, 422, "$.version"),
        ("POST", "account-otp/preview", {"locale": "german"}, 422, "$.locale: 'german' is no locale"),
        ("POST", "account-otp/preview", {"time_zone": "Europe/Viena"}, 422, "did you mean Europe/Vienna?"),
        ("POST", "a%20/versions", {"document": {"sms": {"default": {"text": "x"}}}}, 422, "begins or ends with a space"),
        ("POST", "nobody/publish", {"version": 1}, 404, "no version 1"),
    ],
)
async def test_what_cannot_be_done_is_a_problem_with_its_place(
    client: httpx.AsyncClient, method: str, path: str, body: object, status: int, text: str
) -> None:
    response = await client.request(method, f"{URL}/{path}", json=body, headers={"if-match": "*"})
    assert (response.status_code, text in response.json()["detail"]) == (status, True), response.text
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_version_that_fails_on_a_sample_is_not_published(client: httpx.AsyncClient) -> None:
    failing = {**DOCUMENT, "sms": {"default": {"text": "{{ absent }}"}}}
    await client.post(f"{URL}/account-otp/versions", json={"document": failing})
    refused = await client.post(f"{URL}/account-otp/publish", json={"version": 2}, headers={"if-match": '"1"'})
    assert refused.status_code == 422
    assert "sample usual, sms default" in refused.json()["errors"][0]["detail"]
    assert (await client.get(f"{URL}/account-otp")).json()["published_version"] == 1


async def test_without_postgresql_templates_are_503() -> None:
    with GatewayHarness().build_client() as client:
        for response in (client.get(URL), client.get(f"{URL}/a"), client.post(f"{URL}/a/versions", json={"document": DOCUMENT})):
            assert (response.status_code, int(response.headers["retry-after"]) > 0) == (503, True)


async def test_the_requests_are_in_the_openapi_document(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    body = document["paths"]["/v1/templates/{name}/publish"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/PublishRequest"}
    assert {"PublishRequest", "TemplateDocument", "VersionReport"} <= document["components"]["schemas"].keys()
