"""Variants of a template on a real database: checked before they are published, loaded by workers, counted by experiment."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.admin.templates import TemplateService
from schemas.enums import Status
from schemas.template_variants import build_experiment
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.policy import PostgresPolicyLoader
from tests.event_builders import build_history_batch, build_status_event
from tests.herold_runner import build_herold_runner
from tests.unit.app.api.harness import HEADERS, GatewayHarness

URL = "/v1/templates/account-otp"
DOCUMENT: dict[str, Any] = {
    "samples": {"usual": {"code": "1", "minutes": 5}},
    "sms": {"default": {"text": "{{ code }} is your code"}},
    "email": {"default": {"subject": "s", "text": "{{ code }}"}},
    "experiment": "winter",
    "variants": {"short": {"weight": 30, "sms": {"default": {"text": "{{ code }}"}}}},
}


def build_document(**short: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    document["variants"]["short"] |= short
    return document


@pytest.fixture
async def client(database_copy: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = GatewayHarness(templates=TemplateService(database_copy)).build_app()
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=HEADERS) as client:
        yield client


async def publish(client: httpx.AsyncClient, document: dict[str, Any]) -> httpx.Response:
    """Draft a version and publish it."""
    drafted = await client.post(f"{URL}/versions", json={"document": document})
    assert drafted.status_code == 201, drafted.text
    body = {"version": drafted.json()["version"]}
    return await client.post(f"{URL}/publish", json=body, headers={"if-match": f'"{drafted.json()["published_version"]}"'})


async def write_deliveries(database: Database, *variants: str) -> None:
    """Write a delivery for each variant; every third one has failed."""
    statuses = [Status.SENT, Status.SENT, Status.FAILED]
    events = [build_status_event(number, "sms", statuses[number % 3], variant=one) for number, one in enumerate(variants, 1)]
    await PostgresHistoryWriter(database).write(build_history_batch(*events))


async def test_published_variants_are_loaded_with_the_policy(client: httpx.AsyncClient, database_copy: Database) -> None:
    published = await publish(client, DOCUMENT)
    assert published.status_code == 200, published.text
    changes = {
        (one["channel"], one["variant"]): one["size_before"] > 0 for one in published.json()["changes"] if one["locale"] == "default"
    }
    assert changes == {("email", "control"): True, ("sms", "control"): True, ("sms", "short"): False}
    assert (await client.get(URL)).json()["document"] == {"language": "en", **DOCUMENT}
    details = {one.name: one for one in (await PostgresPolicyLoader(database_copy).load()).template_details}
    experiment = build_experiment(details["account-otp"])
    assert experiment is not None
    assert (experiment.name, experiment.list_weights()) == ("winter", {"control": 70, "short": 30})


@pytest.mark.parametrize(
    ("short", "problem"),
    [
        ({"sms": {"default": {"text": "{{"}}}, "template account-otp@2 default short for sms: "),
        ({"push": {"default": {"title": "t"}}}, "templates.account-otp.variants.short.push.default: the template itself has no push"),
        ({"weight": 101}, "$.document.variants[...].weight"),
    ],
)
async def test_a_draft_with_a_variant_that_cannot_be_used_is_refused(
    client: httpx.AsyncClient, short: dict[str, Any], problem: str
) -> None:
    refused = await client.post(f"{URL}/versions", json={"document": build_document(**short)})
    assert refused.status_code == 422
    assert problem in refused.text


async def test_a_variant_that_fails_on_a_sample_is_not_published(client: httpx.AsyncClient) -> None:
    refused = await publish(client, build_document(sms={"default": {"text": "{{ absent }}"}}))
    assert refused.status_code == 422
    assert "sample usual, sms default, variant short: template account-otp@2 default short for sms: 'absent'" in refused.text


async def test_deliveries_are_counted_by_variant_channel_and_status(client: httpx.AsyncClient, database_copy: Database) -> None:
    await publish(client, DOCUMENT)
    await write_deliveries(database_copy, "winter/short", "winter/short", "winter/control", "winter/old", "winter2/short", "", "summer/a")
    counted = (await client.get(f"{URL}/variants")).json()
    assert (counted["template"], counted["experiment"]) == ("account-otp", "winter")
    assert counted["variants"] == [
        {"variant": "control", "weight": 70, "deliveries": {"sms": {"SENT": 1}}},
        {"variant": "short", "weight": 30, "deliveries": {"sms": {"SENT": 1, "FAILED": 1}}},
        {"variant": "old", "weight": None, "deliveries": {"sms": {"SENT": 1}}},
    ]
    earlier = (await client.get(f"{URL}/variants?experiment=summer")).json()
    assert [(one["variant"], one["weight"]) for one in earlier["variants"]] == [("a", None)]
    assert (await client.get("/v1/templates/order-shipped/variants")).json()["variants"] == []
    assert (await client.get("/v1/templates/none/variants")).status_code == 404


async def test_only_the_last_days_are_counted(database_copy: Database) -> None:
    await write_deliveries(database_copy, "account-otp/a")
    service = TemplateService(database_copy)
    version = await service.get_version("account-otp")
    assert version is not None
    for since, found in ((1_759_999_999.0, 1), (1_760_000_001.0, 0)):
        assert len((await service.count_variants(version, "account-otp", since)).variants) == found


async def test_the_command_prints_the_counts(tmp_path: Path, database_copy: Database, database_copy_url: str) -> None:
    home = str(tmp_path / "home")
    herold = build_herold_runner(HEROLD_HOME=home, DATABASE_URL=database_copy_url, HEROLD_TEMPLATES_PUBLISH_PAYLOADS="0")
    (tmp_path / "t.yml").write_text(yaml.dump(DOCUMENT))
    for command in (["draft", "account-otp", str(tmp_path / "t.yml")], ["publish", "account-otp", "--version", "2"]):
        assert (await asyncio.to_thread(herold, "templates", *command)).exit_code == 0
    await write_deliveries(database_copy, "winter/short", "winter/short")
    shown = await asyncio.to_thread(herold, "templates", "variants", "account-otp", "--days", "3660")
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert ["variant", "users", "channel", "SENT", "FAILED"] in rows
    assert ["short", "30", "%", "sms", "1", "1"] in rows
    assert ["control", "70", "%", "0", "0"] in rows
    as_json = await asyncio.to_thread(herold, "templates", "variants", "account-otp", "--json")
    assert json.loads(as_json.stdout)["experiment"] == "winter"
    none = await asyncio.to_thread(herold, "templates", "variants", "order-shipped")
    assert none.stdout == "the published version has no variants\n"
