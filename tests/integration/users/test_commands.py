"""`herold users`, `devices`, `preferences` and `suppressions` against a gateway process with a real database."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli.api_client import get_operator
from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import run_gateway, wait_until_listening

pytestmark = pytest.mark.usefixtures("sealing_mode")


@pytest.fixture
def herold(tmp_path: Path, database_copy_url: str) -> Iterator[HeroldRunner]:
    with run_gateway(DATABASE_URL=database_copy_url, HEROLD_GATEWAY_API_KEY=API_KEY) as (process, port):
        wait_until_listening(process, port)
        url = f"http://127.0.0.1:{port}"
        yield build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), HEROLD_URL=url, HEROLD_GATEWAY_API_KEY=API_KEY, COLUMNS="200")


def run_json(herold: HeroldRunner, *args: str) -> Any:
    """What a command prints with --json."""
    result = herold(*args, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def run_text(herold: HeroldRunner, *args: str, exit_code: int = 0) -> str:
    """What a command prints."""
    result = herold(*args)
    assert result.exit_code == exit_code, result.output
    return result.output


def test_users_and_devices_are_changed_listed_and_deleted(herold: HeroldRunner) -> None:
    options = ["--email", "Ada@Example.org", "--locale", "de-AT", "--time-zone", "Europe/Vienna", "--attribute", "plan=pro"]
    created = run_json(herold, "users", "set", "u 1%", *options, "--attribute", "age:=36", "--sms", "+43 664 1234567")
    assert (created["addresses"]["email"], created["attributes"]) == (["Ada@example.org"], {"plan": "pro", "age": 36})
    options = ["--quiet-hours", "22:00-07:00", "--attribute", "plan:=null", "--email", ""]
    changed = run_json(herold, "users", "set", "u 1%", *options)
    assert changed["quiet_hours"] == {"start": "22:00", "end": "07:00"}
    assert (changed["attributes"], changed["addresses"], changed["locale"]) == ({"age": 36}, {"sms": ["+436641234567"]}, "de-AT")
    assert "22:00 to 07:00, Europe/Vienna" in run_text(herold, "users", "show", "u 1%")
    assert "u 1%" in run_text(herold, "users", "list", "--search", "+43 664 1234567")
    assert "did you mean Europe/Vienna?" in run_text(herold, "users", "set", "u 1%", "--time-zone", "Europe/Viena", exit_code=1)
    assert "HH:MM-HH:MM" in run_text(herold, "users", "set", "u 1%", "--quiet-hours", "22:00", exit_code=2)

    assert "android" in run_text(herold, "devices", "set", "u 1%", "token-1", "--platform", "android")
    run_text(herold, "devices", "set", "u 1%", "token-2")
    page = run_json(herold, "devices", "list", "u 1%", "--limit", "1")
    assert [one["token"] for one in page["items"]] == ["token-1"]
    assert "token-2" in run_text(herold, "devices", "list", "u 1%", "--cursor", page["next_cursor"])
    run_text(herold, "devices", "delete", "u 1%", "token-1")
    assert "has no such device" in run_text(herold, "devices", "delete", "u 1%", "token-1", exit_code=3)

    assert "is deleted" in run_text(herold, "users", "delete", "u 1%", "--yes")
    assert "there is no user" in run_text(herold, "users", "show", "u 1%", exit_code=3)


def test_choices_and_suppressions_leave_a_history(herold: HeroldRunner) -> None:
    run_text(herold, "users", "set", "u-1", "--email", "ada@example.org")
    assert "marketing" in run_text(herold, "preferences", "set", "u-1", "out", "--category", "marketing", "--reason", "asked")
    assert "transactional" in run_text(herold, "preferences", "set", "u-1", "out", "--category", "markting", exit_code=1)
    assert run_json(herold, "preferences", "list", "u-1")["items"] == [{"choice": "out", "category": "marketing"}]
    assert "none" in run_text(herold, "preferences", "delete", "u-1", "--category", "marketing")

    added = run_json(herold, "suppressions", "add", "--channel", "email", "--address", "ADA@example.org", "--reason", "complaint")
    assert "whoever has the address" in run_text(herold, "suppressions", "show", added["id"])
    assert "in force" in run_text(herold, "suppressions", "list", "--search", "ada@example.org")
    run_text(herold, "suppressions", "undo", added["id"], "--reason", "a mistake")
    assert run_json(herold, "suppressions", "list")["items"] == []
    assert "undone" in run_text(herold, "suppressions", "list", "--undone")

    events = run_json(herold, "preferences", "history", "u-1")["items"]
    assert [event["change"] for event in events] == ["suppression_undone", "suppressed", "preference_deleted", "preference_set"]
    assert {(event["actor"], event["source"]) for event in events} == {(get_operator(), "cli")}
    assert [event["reason"] for event in events] == ["a mistake", "complaint", "", "asked"]
    assert "suppression undone" in run_text(herold, "preferences", "history", "u-1", "--limit", "1")
