"""Trials of one rule over HTTP and by `herold rules simulate --type`, on real servers."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result

import app.cli.rule_simulation as command
from tables.postgres.database import Database
from tests.herold_runner import HeroldRunner
from tests.integration.api.gateway_client import UNREACHABLE, build_settings, open_client, open_client_and_connections
from tests.integration.postgres.test_rules_simulation import DOCUMENT, PARTITIONS, describe, herold

__all__ = ["herold"]
URL = "/v1/rules/newsletter.weekly"
RULE: dict[str, Any] = {
    "category": "marketing",
    "priority": "high",
    "channels": ["email"],
    "template": "newsletter-weekly",
    "condition": 'user.tier == "gold"',
}


@pytest.fixture
async def client(
    herold: HeroldRunner, database_copy_url: str, kafka_url: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose Kafka has the notifications of `herold`. A simulation takes as long as it needs on a busy machine."""
    monkeypatch.setattr("app.admin.type_simulation.MAX_SEARCH_SECONDS", 60.0)
    settings = build_settings(kafka_url, database_url=database_copy_url, topic_prefix=prefix, partitions=PARTITIONS, data_dir=tmp_path)
    async with open_client(settings) as client:
        yield client


def list_changes(report: dict[str, Any]) -> set[tuple[str, str, int]]:
    return {(describe(one["before"]), describe(one["after"]), one["count"]) for one in report["changes"]}


async def test_a_draft_is_tried_on_the_newest_notifications_of_its_type(client: httpx.AsyncClient, database_copy: Database) -> None:
    response = await client.post(f"{URL}/simulate", json={"rule": RULE})
    assert response.status_code == 200, response.text
    report = response.json()
    assert (report["simulated"], report["examined"], report["end"]) == (3, 6, "all")
    assert list_changes(report) == {
        ("routed low email", "routed high email", 1),
        ("routed low email", "rejected condition", 1),
        ("rejected opted_out", "rejected condition", 1),
    }
    assert all(one["examples"][0].startswith("ntf_") for one in report["changes"])
    newest = (await client.post(f"{URL}/simulate", json={"rule": RULE, "count": 1})).json()
    assert (newest["simulated"], newest["end"]) == (1, "count")
    assert await database_copy.fetch("select 1 from rule_versions where type = 'newsletter.weekly' and version > 1") == []


async def test_problems_have_the_paths_of_their_fields(client: httpx.AsyncClient) -> None:
    async def list_paths(path: str, body: dict[str, Any]) -> list[str]:
        response = await client.post(f"{URL}/{path}", json=body)
        assert response.status_code == 422, response.text
        return [one["pointer"] for one in response.json()["errors"]]

    wrong = {**RULE, "condition": "user.teir == 1", "template": "no-such-template"}
    assert await list_paths("simulate", {"rule": wrong}) == ["#/rule/condition", "#/rule/template"]
    assert await list_paths("check", wrong) == ["#/condition", "#/template"]
    assert await list_paths("simulate", {"rule": {**RULE, "type": "another"}}) == ["#/rule/type"]
    assert await list_paths("simulate", {"count": 5}) == ["#/rule"]
    assert await list_paths("simulate", {"rule": RULE, "count": 0}) == ["#/count"]


async def test_a_check_says_what_would_change_and_stores_nothing(client: httpx.AsyncClient) -> None:
    response = await client.post(f"{URL}/check", json=RULE)
    assert response.status_code == 200, response.text
    assert (response.json()["version"], response.json()["notices"]) == (1, [])
    assert [one["field"] for one in response.json()["changes"]] == ["priority", "condition"]
    assert (await client.get(URL)).headers["etag"] == '"1"'
    new = await client.post("/v1/rules/parcel.lost/check", json=RULE)
    assert (new.json()["version"], {"field": "category", "old": None, "new": "marketing"} in new.json()["changes"]) == (0, True)


async def test_one_simulation_runs_at_a_time_and_kafka_may_be_away(database_copy_url: str, tmp_path: Path) -> None:
    settings = build_settings(UNREACHABLE, database_url=database_copy_url, data_dir=tmp_path)
    async with open_client_and_connections(settings) as (client, _):
        both = await asyncio.gather(*(client.post(f"{URL}/simulate", json={"rule": RULE}) for _ in range(2)))
        assert sorted(one.status_code for one in both) == [429, 503]
        assert {one.json()["code"] for one in both} == {"too-many-requests", "unavailable"}
        assert all("retry-after" in one.headers for one in both)


async def test_notifications_that_do_not_fit_into_memory_are_a_reason(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.kafka.recorded_notifications.MAX_SCAN_BYTES", 1)
    response = await client.post(f"{URL}/simulate", json={"rule": RULE})
    assert response.status_code == 422, response.text
    assert [(one["path"], "choose a shorter time, or fewer" in one["detail"]) for one in response.json()["errors"]] == [("$.count", True)]


async def test_the_command_asks_the_gateway_for_one_type(
    herold: HeroldRunner, client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, loop = tmp_path / "rules.yml", asyncio.get_running_loop()
    file.write_text(DOCUMENT)

    class Client:
        def post(self, path: str, body: Any) -> Any:
            response = asyncio.run_coroutine_threadsafe(client.post(path, json=body), loop).result(60)
            assert response.status_code == 200, response.text
            return response.json()

    monkeypatch.setattr(command, "load_operator_client", lambda url, api_key: Client())

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(herold, "rules", "simulate", "--rules", str(file), *arguments)

    result = await run("--type", "newsletter.weekly", "--limit", "2", "--json")
    assert (result.exit_code, json.loads(result.stdout)["simulated"]) == (0, 2), result.output
    missing = await run("--type", "order.lost")
    assert (missing.exit_code, "the file has no rule for order.lost" in missing.stderr) == (1, True)
