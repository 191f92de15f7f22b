"""`herold projects` against a gateway process with a real database."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import run_gateway, wait_until_listening

SETTINGS = {"HEROLD_GATEWAY_PROJECTS": "true", "HEROLD_ROUTER_POLICY_REFRESH_INTERVAL": "0.1"}
WAIT = 60.0  # seconds, after which a test fails


@pytest.fixture
def herold(tmp_path: Path, database_copy_url: str) -> Iterator[HeroldRunner]:
    with run_gateway(DATABASE_URL=database_copy_url, HEROLD_GATEWAY_API_KEY=API_KEY, **SETTINGS) as (process, port):
        wait_until_listening(process, port)
        url = f"http://127.0.0.1:{port}"
        yield build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), HEROLD_URL=url, HEROLD_GATEWAY_API_KEY=API_KEY, COLUMNS="200")


def test_a_project_is_created_with_its_first_key_listed_and_changed(herold: HeroldRunner) -> None:
    assert herold("projects", "create", "acme", "--name", "Acme Ltd").exit_code == 0
    assert "Acme Ltd" in herold("projects", "list").output
    key = json.loads(herold("projects", "create-key", "acme", "first", "--role", "admin", "--json").stdout)
    assert key["project"] == "acme"
    own = herold("users", "set", "u-1", "--email", "ada@example.org", HEROLD_GATEWAY_API_KEY=key["key"])
    assert own.exit_code == 0, own.output
    assert "u-1" in herold("users", "list", HEROLD_GATEWAY_API_KEY=key["key"]).output
    assert "u-1" not in herold("users", "list").output
    assert "Holding" in herold("projects", "change", "acme", "--name", "Acme Holding").output
    assert herold("projects", "create", "acme", "--name", "x").exit_code != 0


def test_what_operators_choose_is_set_and_taken_back(herold: HeroldRunner) -> None:
    created = json.loads(herold("projects", "create", "shop", "--name", "Shop", "--weight", "3", "--rate", "2.5", "--json").stdout)
    assert [created[name] for name in ("weight", "rate", "burst", "encrypts")] == [3, 2.5, None, None]
    changed = json.loads(herold("projects", "change", "shop", "--rate", "default", "--burst", "9", "--encrypts", "no", "--json").stdout)
    assert [changed[name] for name in ("name", "weight", "rate", "burst", "encrypts")] == ["Shop", 3, None, 9, False]
    assert herold("projects", "list").output.splitlines()[-1].split()[3:6] == ["default", "9", "no"]
    for arguments, text in ((["--rate", "0"], "not in the range"), (["--burst", "x"], "not a valid integer"), ([], "nothing would change")):
        refused = herold("projects", "change", "shop", *arguments)
        assert refused.exit_code != 0
        assert text in refused.output


def test_a_running_gateway_keeps_to_the_rate_that_was_chosen(herold: HeroldRunner) -> None:
    for project, rate in (("slow", "0.01"), ("fast", "default")):
        assert herold("projects", "create", project, "--name", project, "--rate", rate, "--burst", "1").exit_code == 0
    keys = [json.loads(herold("projects", "create-key", name, "first", "--role", "admin", "--json").stdout) for name in ("slow", "fast")]
    slow, fast = (key["key"] for key in keys)
    deadline = time.monotonic() + WAIT
    while "too many requests" not in herold("users", "list", HEROLD_GATEWAY_API_KEY=slow).output:
        assert time.monotonic() < deadline
    assert herold("users", "list", HEROLD_GATEWAY_API_KEY=fast).exit_code == 0
