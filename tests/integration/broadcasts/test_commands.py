"""`herold audiences` and `herold broadcasts` against a gateway process with a real database."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import run_gateway, wait_until_listening

DATA = ["--data", "order:=17", "--data", "name=Ada", "--data", "eta=Friday", "--data", 'items:=["lamp"]']


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


@pytest.fixture
async def users(database_copy_url: str) -> None:
    """Three users with a tier."""
    connection = await asyncpg.connect(database_copy_url)
    await connection.execute("insert into users (id, tier) select 't-' || number, 'test' from generate_series(1, 3) number")
    await connection.close()


@pytest.mark.usefixtures("users")
def test_audiences_are_set_counted_changed_and_deleted(herold: HeroldRunner) -> None:
    options = ["--tier", "test", "--attribute", "age:=3", "--filter", '{"not": {"tier": ["trial"]}}', "--description", "for tests"]
    created = run_json(herold, "audiences", "set", "some", *options)
    assert created["filter"] == {"tier": ["test"], "attributes": {"age": 3}, "not": {"tier": ["trial"]}}
    assert run_json(herold, "audiences", "set", "some", "--tier", "test")["description"] == "for tests"
    assert run_json(herold, "audiences", "set", "some", "--description", "")["filter"] == {"tier": ["test"]}
    assert run_json(herold, "audiences", "preview", "some")["count"] == 3
    assert "t-1, t-2, t-3" in run_text(herold, "audiences", "preview", "some")
    run_text(herold, "audiences", "set", "testers")
    assert "2 added, 0 removed" in run_text(herold, "audiences", "add", "testers", "t-1", "t-2")
    assert "there is no user 't-9'" in run_text(herold, "audiences", "add", "testers", "t-9", exit_code=1)
    assert "0 added, 1 removed" in run_text(herold, "audiences", "remove", "testers", "t-1", "t-9")
    assert run_json(herold, "audiences", "members", "testers")["items"] == ["t-2"]
    assert "filter" in run_text(herold, "audiences", "list", "--search", "some")
    assert "--filter: " in run_text(herold, "audiences", "set", "x", "--filter", "{", exit_code=2)
    assert "is deleted" in run_text(herold, "audiences", "delete", "testers", "--yes")
    assert "there is no audience" in run_text(herold, "audiences", "show", "testers", exit_code=3)


@pytest.mark.usefixtures("users")
@pytest.mark.parametrize(("name", "line"), [("users.csv", "{}"), ("users.jsonl", '{{"id": "{}", "tier": "test"}}')])
def test_members_are_imported_or_nothing_is_changed(herold: HeroldRunner, tmp_path: Path, name: str, line: str) -> None:
    def write(*users: str) -> str:
        header = ["id"] if name.endswith(".csv") else []
        file = tmp_path / name
        file.write_text("\n".join([*header, *(line.format(user) for user in users), ""]))
        return str(file)

    run_text(herold, "audiences", "set", "testers")
    output = run_text(herold, "audiences", "import", "testers", write("t-1", "gone", "t-2", "lost"), exit_code=1)
    first = 3 if name.endswith(".csv") else 2
    assert f"{name}:{first}: id: there is no user 'gone'; and 1 more lines" in output
    assert f"{name}:{first + 2}: id: there is no user 'lost'" in output
    assert run_json(herold, "audiences", "members", "testers")["items"] == []
    assert run_json(herold, "audiences", "import", "testers", write("t-1", "t-2", "t-2")) == {"added": 2, "removed": 0}
    assert run_json(herold, "audiences", "members", "testers")["items"] == ["t-1", "t-2"]


@pytest.mark.usefixtures("users")
def test_broadcasts_are_previewed_started_paused_and_cancelled(herold: HeroldRunner) -> None:
    run_text(herold, "audiences", "set", "some", "--tier", "test")
    start = ["broadcasts", "start", "order.shipped", *DATA]
    assert run_json(herold, *start, "--audience", "some", "--preview")["count"] == 3
    assert "1, who get nothing" in run_text(herold, *start, "--user", "t-1", "--user", "t-9", "--preview")
    assert "none" in run_text(herold, "broadcasts", "list")
    assert "give either" in run_text(herold, *start, exit_code=2)
    assert "$.notification.data" in run_text(herold, *start[:3], "--audience", "some", exit_code=1)
    started = run_json(herold, *start, "--audience", "some", "--rate", "50", "--channel", "email")
    assert (started["rate"], started["notification"]["channels"]) == (50, ["email"])
    broadcast_id = started["id"]
    assert "not counted yet" in run_text(herold, "broadcasts", "show", broadcast_id)
    assert "paused" in run_text(herold, "broadcasts", "pause", broadcast_id, "--reason", "a test")
    assert run_json(herold, "broadcasts", "list", "--state", "paused")["items"][0]["id"] == broadcast_id
    assert "running" in run_text(herold, "broadcasts", "resume", broadcast_id)
    assert "cancelled" in run_text(herold, "broadcasts", "cancel", broadcast_id)
    assert "is cancelled; one can resume it while" in run_text(herold, "broadcasts", "resume", broadcast_id, exit_code=1)
    assert "cancelled" in run_text(herold, "broadcasts", "watch", broadcast_id, exit_code=1)
