"""`herold api-keys` against a gateway process with a real database."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import run_gateway, wait_until_listening


@pytest.fixture
def herold(tmp_path: Path, database_copy_url: str) -> Iterator[HeroldRunner]:
    with run_gateway(DATABASE_URL=database_copy_url, HEROLD_GATEWAY_API_KEY=API_KEY) as (process, port):
        wait_until_listening(process, port)
        url = f"http://127.0.0.1:{port}"
        yield build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), HEROLD_URL=url, HEROLD_GATEWAY_API_KEY=API_KEY, COLUMNS="200")


def run_json(herold: HeroldRunner, *args: str) -> Any:
    """What a command prints with --json."""
    result = herold("api-keys", *args, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def run_text(herold: HeroldRunner, *args: str, exit_code: int = 0) -> str:
    """What a command prints."""
    result = herold("api-keys", *args)
    assert result.exit_code == exit_code, result.output
    return result.output


def test_a_key_is_created_listed_changed_rotated_and_revoked(herold: HeroldRunner) -> None:
    created = run_text(herold, "create", "shop", "--role", "service", "--scope", "notifications:send", "--expires", "+90d")
    assert "hrl_live_" in created
    assert "shown only now" in created
    [key] = run_json(herold, "list", "--search", "shop")["items"]
    assert "hrl_live_" not in run_text(herold, "show", key["id"])
    changed = run_json(herold, "change", key["id"], "--all-scopes", "--name", "store", "--expires", "")
    assert (changed["name"], changed["scopes"], changed["expires_at"]) == ("store", [], None)
    rotated = run_json(herold, "rotate", key["id"], "--overlap", "0")
    shown = herold("api-keys", "show", key["id"], HEROLD_GATEWAY_API_KEY=rotated["key"])
    assert shown.exit_code != 0
    assert "api-keys:read" in shown.output
    assert "revoked" in run_text(herold, "revoke", key["id"], "--reason", "a test")
    assert run_text(herold, "list").strip() == "none"
    assert "store" in run_text(herold, "list", "--ended")


def test_a_key_for_tests_says_so_and_an_unknown_scope_is_an_error(herold: HeroldRunner) -> None:
    assert "simulators only" in run_text(herold, "create", "ci", "--role", "service", "--test")
    assert "Invalid value" in run_text(herold, "create", "ci", "--role", "service", "--scope", "all", exit_code=2)
