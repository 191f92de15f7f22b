"""`herold webhooks` against a gateway process with a real database."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from schemas.enums import Outcome, Status
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import build_decided_event, build_history_batch, build_status_event
from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import run_gateway, wait_until_listening
from tests.integration.webhooks.endpoints import MASTER_SECRET

URL = "http://127.0.0.1:8025/hooks/1"  # an address needs no name server


@pytest.fixture
def herold(tmp_path: Path, database_copy_url: str) -> Iterator[HeroldRunner]:
    variables = {
        "DATABASE_URL": database_copy_url,
        "HEROLD_GATEWAY_API_KEY": API_KEY,
        "HEROLD_PROVIDERS_WEBHOOK_ALLOW": "127.0.0.1",
        "HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET": MASTER_SECRET,
    }
    with run_gateway(**variables) as (process, port):
        wait_until_listening(process, port)
        url = f"http://127.0.0.1:{port}"
        yield build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), HEROLD_URL=url, HEROLD_GATEWAY_API_KEY=API_KEY, COLUMNS="200")


@pytest.fixture(autouse=True)
async def user(database_copy_url: str) -> None:
    connection = await asyncpg.connect(database_copy_url)
    await connection.execute("insert into users (id) values ('u-1') on conflict do nothing")
    await connection.close()


def run_json(herold: HeroldRunner, *args: str) -> Any:
    """What a command prints with --json."""
    result = herold("webhooks", *args, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def run_text(herold: HeroldRunner, *args: str, exit_code: int = 0) -> str:
    """What a command prints."""
    result = herold("webhooks", *args)
    assert result.exit_code == exit_code, result.output
    return result.output


def test_an_endpoint_is_added_shown_changed_rotated_and_deleted(herold: HeroldRunner) -> None:
    added = run_text(herold, "add", URL, "--user", "u-1", "--type", "order.*", "--ordered")
    assert "one after the other" in added
    assert "whsec_" in added
    assert "shown only now" in added
    [endpoint] = run_json(herold, "list", "--user", "u-1")["items"]
    endpoint_id = endpoint["id"]
    shown = run_text(herold, "show", endpoint_id)
    assert URL in shown
    assert "whsec_" not in shown
    changed = run_json(herold, "change", endpoint_id, "--type", "a", "--type", "b", "--description", "new")
    assert (changed["types"], changed["description"], changed["url"], changed["ordered"]) == (["a", "b"], "new", URL, True)
    changed = run_json(herold, "change", endpoint_id, "--all-types", "--to", f"{URL}/2", "--unordered")
    assert (changed["types"], changed["ordered"]) == ([], False)
    assert "signs until" in run_text(herold, "rotate", endpoint_id)
    assert "overlap of 0" in run_text(herold, "rotate", endpoint_id, exit_code=1)
    assert run_json(herold, "rotate", endpoint_id, "--overlap", "0")["secret"].startswith("whsec_")
    run_text(herold, "delete", endpoint_id, "--yes")
    assert "there is no webhook endpoint" in run_text(herold, "show", endpoint_id, exit_code=3)
    assert run_text(herold, "list") == "none\n"


def test_an_endpoint_is_disabled_enabled_and_counted(herold: HeroldRunner) -> None:
    added = run_json(herold, "add", URL, "--status", "FAILED", "--category", "security", "--ed25519")
    assert (added["kind"], added["statuses"], added["secret"]) == ("status", ["FAILED"], "")
    assert "disabled (operator)" in run_text(herold, "disable", added["id"], "--reason", "moves")
    assert added["id"] in run_text(herold, "list", "--disabled")
    assert run_json(herold, "enable", added["id"])["is_enabled"] is True
    assert "whpk_" in run_text(herold, "show", added["id"])
    assert "succeeded" in run_text(herold, "stats", added["id"], "--hours", "1")


async def test_attempts_are_listed_all_or_those_that_failed(herold: HeroldRunner, database_copy: Database) -> None:
    endpoint_id = (await asyncio.to_thread(run_json, herold, "add", URL, "--user", "u-1"))["id"]
    assert await asyncio.to_thread(run_text, herold, "attempts", endpoint_id) == "none\n"
    fields = {"endpoint_id": endpoint_id, "detail": ""}
    failed = build_status_event(1, "webhook", Status.PENDING, outcome=Outcome.UNKNOWN, provider_code=503, duration_ms=41.7, **fields)
    taken = build_status_event(2, "webhook", Status.DELIVERED, provider_code=204, **fields)
    await PostgresHistoryWriter(database_copy).write(build_history_batch(build_decided_event(1, "webhook"), failed, taken))
    listed = await asyncio.to_thread(run_text, herold, "attempts", endpoint_id)
    assert all(text in listed for text in (failed.notification_id, "code 503", "41.7 ms", "code 204", "of Herold's own"))
    [only] = (await asyncio.to_thread(run_json, herold, "attempts", endpoint_id, "--failed"))["items"]
    assert (only["code"], only["delivery_id"]) == (503, failed.delivery_id)
    assert "--cursor" in await asyncio.to_thread(run_text, herold, "attempts", endpoint_id, "--limit", "1")


def test_a_url_that_is_not_public_is_an_error_that_says_so(herold: HeroldRunner) -> None:
    assert "not public" in run_text(herold, "add", "http://10.0.0.1/", "--user", "u-1", exit_code=1)


def test_a_ping_without_kafka_is_an_error_of_a_server(herold: HeroldRunner) -> None:
    added = run_json(herold, "add", URL, "--user", "u-1")
    run_text(herold, "ping", added["id"], exit_code=4)


def test_a_webhook_host_is_paused_listed_and_resumed(herold: HeroldRunner) -> None:
    paused = json.loads(herold("providers", "pause", URL, "--reason", "it moves", "--until", "+1h", "--json").stdout)
    assert (paused["account"], paused["reason"], paused["ends_at"] > paused["paused_at"]) == ("http://127.0.0.1:8025", "it moves", True)
    assert "it moves" in herold("providers", "list").output
    refused = herold("providers", "pause", "mailgun", "--reason", "a test")
    assert (refused.exit_code, "there is no such account" in refused.output) == (1, True)
    assert herold("providers", "resume", URL).output == "http://127.0.0.1:8025 is resumed\n"
    assert "is not paused by an operator" in herold("providers", "resume", URL).output
