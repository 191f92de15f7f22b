"""Publishing a template against recorded notifications, on real servers: by command and over HTTP."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from click.testing import Result

from app.admin.recorded_payloads import build_payload_source
from app.admin.templates import TemplateService
from app.admin.topics import apply_topics
from app.connection_settings import KafkaSection
from schemas.ids import compute_partition
from schemas.permissions import Permission, Role
from tables.postgres.database import Database
from tables.postgres.policy import PostgresPolicyLoader
from tests.herold_runner import build_herold_runner
from tests.settings_builders import DEFAULT_SETTINGS, build_kafka_section
from tests.unit.app.api.harness import HEADERS, GatewayHarness
from tests.unit.app.api.test_access import build_authenticator

PARTITIONS = 2
NAME = "order-delivered"
TEMPLATE = """
sms:
  default: {text: "Your order {{ order }} is at {{ place }}. We wish you much joy with it, and would be glad to hear from you. %s"}
  de: {text: "Ihre Bestellung {{ order }} ist da: {{ place }}"}
push: {default: {title: "It is there", body: "{{ order }} {{ place }}"}}
email: {default: {subject: "{{ order }}", text: "{{ place }}"}}
"""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search over HTTP takes as long as it needs on a busy machine."""
    monkeypatch.setattr("app.api.resources.templates.MAX_SEARCH_SECONDS", 60.0)


@pytest.fixture
async def kafka(kafka_url: str, prefix: str) -> KafkaSection:
    """Two notifications of the template, one of another, and one that the published version cannot render."""
    section = build_kafka_section(kafka_url, prefix, topic_partitions=PARTITIONS)
    await apply_topics(section)
    orders: list[dict[str, Any]] = [
        {"order": "A-1", "place": "home", "name": "Ada", "gift": True},
        {"order": "A-2", "place": "door", "name": "Bob"},
    ]
    values = [("order.delivered", "u-0", data) for data in [*orders, {"order": "A-3"}]]
    async with AIOKafkaProducer(bootstrap_servers=kafka_url) as producer:
        for type_, user_id, data in [*values, ("order.shipped", "u-0", orders[0])]:
            value = msgspec.json.encode({"user_id": user_id, "type": type_, "data": data, "channels": ["sms"]})
            await producer.send_and_wait(f"{prefix}notifications.low", value, partition=compute_partition(user_id, PARTITIONS))
    return section


class Commands:
    """Runs `herold templates`."""

    def __init__(self, directory: Path, database_url: str, kafka: KafkaSection) -> None:
        self._file = directory / "template.yml"
        self._herold = build_herold_runner(
            HEROLD_HOME=str(directory / "home"),
            DATABASE_URL=database_url,
            KAFKA_BOOTSTRAP_SERVERS=kafka.bootstrap_servers,
            HEROLD_KAFKA_TOPIC_PREFIX=kafka.topic_prefix,
            HEROLD_KAFKA_TOPIC_PARTITIONS=str(PARTITIONS),
            HEROLD_COSTS_SMS="0.05",
        )

    async def run(self, *arguments: str, **env: str) -> Result:
        return await asyncio.to_thread(self._herold, "templates", *arguments, **env)

    async def draft(self, text: str) -> None:
        self._file.write_text(text)
        result = await self.run("draft", NAME, str(self._file))
        assert result.exit_code == 0, result.output


@pytest.fixture
def commands(tmp_path: Path, database_copy_url: str, kafka: KafkaSection) -> Commands:
    return Commands(tmp_path, database_copy_url, kafka)


async def get_published(database: Database) -> int:
    policy = await PostgresPolicyLoader(database).load()
    return next(one.version for one in policy.templates if one.name == NAME)


async def test_a_version_that_fails_on_recorded_notifications_is_published_by_force_only(
    commands: Commands, database_copy: Database
) -> None:
    await commands.draft(TEMPLATE % "{{ gift }}")
    refused = await commands.run("publish", NAME, "--version", "2")
    assert refused.exit_code == 1
    assert "1 of 3 recorded notifications fail with this version only; sms default: template order-delivered@2" in refused.stderr
    assert "'gift' is undefined, with ntf_" in refused.stderr
    assert await get_published(database_copy) == 1
    assert (await commands.run("publish", NAME, "--version", "2", "--payloads", "0")).exit_code == 0
    assert (await commands.run("rollback", NAME)).exit_code == 0
    forced = await commands.run("publish", NAME, "--version", "2", "--force")
    assert (forced.exit_code, await get_published(database_copy)) == (0, 2)


async def test_the_report_has_segments_sizes_and_costs(commands: Commands) -> None:
    await commands.draft(TEMPLATE % ("It is a gift. " * 6))
    report = json.loads((await commands.run("check", NAME, "--version", "2", "--json")).stdout)["payloads"]
    assert (report["payloads"], report["failed"], report["failed_before"], report["problem"]) == (3, 0, 1, "")
    (sms,) = report["usage"]
    assert (sms["messages"], sms["segments_before"], sms["segments_after"]) == (2, 2, 4)
    assert (sms["cost_before"], sms["cost_after"]) == (0.1, 0.2)
    published = await commands.run("publish", NAME, "--version", "2")
    assert "3 recorded notifications were tried, 0 fail with this version only" in published.stdout
    assert "2 -> 4" in published.stdout
    assert "0.1 -> 0.2" in published.stdout
    newest = json.loads((await commands.run("check", NAME, "--version", "2", "--payloads", "1", "--json")).stdout)["payloads"]
    assert (newest["payloads"], newest["failed_before"]) == (1, 1)


async def test_without_kafka_a_version_is_published_by_force_only(commands: Commands, unused_tcp_port: int) -> None:
    await commands.draft(TEMPLATE % "")
    away = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{unused_tcp_port}"}
    refused = await commands.run("publish", NAME, "--version", "2", **away)
    assert refused.exit_code == 4
    assert refused.stderr.startswith(f"error: Kafka at 127.0.0.1:{unused_tcp_port}: ")
    forced = await commands.run("publish", NAME, "--version", "2", "--force", **away)
    assert (forced.exit_code, "no recorded notifications were tried: Kafka at" in forced.stdout) == (0, True)


@pytest.fixture
async def client(database_copy: Database, kafka: KafkaSection) -> AsyncIterator[httpx.AsyncClient]:
    service = TemplateService(database_copy, build_payload_source(kafka, DEFAULT_SETTINGS.templates, time.time))
    transport = httpx.ASGITransport(app=GatewayHarness(templates=service).build_app())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=HEADERS) as client:
        yield client


async def test_failures_are_field_errors_over_http(client: httpx.AsyncClient) -> None:
    url = f"/v1/templates/{NAME}"
    document = {"sms": {"default": {"text": "{{ gift }}"}}, "push": {"default": {"title": "t", "body": "b"}}}
    document["email"] = {"default": {"subject": "s", "text": "t"}}
    await client.post(f"{url}/versions", json={"document": document})
    refused = await client.post(f"{url}/publish", json={"version": 2}, headers={"if-match": '"1"'})
    assert refused.status_code == 422
    assert "'gift' is undefined" in refused.json()["errors"][1]["detail"]
    forced = await client.post(f"{url}/publish", json={"version": 2, "force": True}, headers={"if-match": '"1"'})
    assert (forced.status_code, forced.json()["payloads"]["failed"]) == (200, 1)


async def test_only_who_may_read_notifications_gets_their_ids(database_copy: Database, kafka: KafkaSection) -> None:
    url = f"/v1/templates/{NAME}"
    held = Permission.TEMPLATES_READ, Permission.TEMPLATES_WRITE, Permission.TEMPLATES_PUBLISH, Permission.ACCOUNTS_WRITE
    service = TemplateService(database_copy, build_payload_source(kafka, DEFAULT_SETTINGS.templates, time.time))
    found = []
    for scopes in (held, (*held, Permission.NOTIFICATIONS_READ)):
        harness = GatewayHarness(templates=service, authenticators=[build_authenticator(Role.ADMIN, *scopes)])
        transport = httpx.ASGITransport(app=harness.build_app())  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=HEADERS) as client:
            await client.post(f"{url}/versions", json={"document": {"sms": {"default": {"text": "{{ gift }}"}}}})
            report = (await client.post(f"{url}/check", json={"version": 2})).json()
            refused = await client.post(f"{url}/publish", json={"version": 2}, headers={"if-match": '"1"'})
        assert (report["payloads"]["failed"], refused.status_code) == (1, 422)
        found.append(("ntf_" in str(report["payloads"]), "ntf_" in refused.text))
    assert found == [(False, False), (True, True)]


async def test_a_version_is_not_tried_without_kafka_over_http(database_copy: Database, unused_tcp_port: int) -> None:
    away = build_payload_source(build_kafka_section(f"127.0.0.1:{unused_tcp_port}"), DEFAULT_SETTINGS.templates, time.time)
    transport = httpx.ASGITransport(app=GatewayHarness(templates=TemplateService(database_copy, away)).build_app())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=HEADERS) as client:
        refused = await client.post(f"/v1/templates/{NAME}/publish", json={"version": 1}, headers={"if-match": '"1"'})
    assert (refused.status_code, "with `force`" in refused.json()["detail"]) == (503, True)
