"""`herold dead-letters` against a gateway process with a real database."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tables.postgres.database import Database
from tests.dead_letter_builders import build_failed_delivery, build_rejected_notification, store_dead_letters
from tests.delivery_builders import build_delivery
from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import run_gateway, wait_until_listening


@pytest.fixture
def herold(tmp_path: Path, database_copy_url: str) -> Iterator[HeroldRunner]:
    with run_gateway(DATABASE_URL=database_copy_url, HEROLD_GATEWAY_API_KEY=API_KEY) as (process, port):
        wait_until_listening(process, port)
        url = f"http://127.0.0.1:{port}"
        yield build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), HEROLD_URL=url, HEROLD_GATEWAY_API_KEY=API_KEY, COLUMNS="240")


@pytest.fixture
async def ids(database_copy: Database) -> list[str]:
    """A record that obeys a terminal and a spreadsheet in everything that is shown of it, and two failed e-mails."""
    evil = "\x1b]0;owned\x07=cmd()"
    return await store_dead_letters(
        database_copy,
        build_rejected_notification(
            json.dumps({"type": evil, "data": {"a": evil}, "note": evil}).encode(),
            error=f"{evil} is wrong",
            key=evil.encode(),
            source_headers=[(evil, evil.encode())],
        ),
        *(build_failed_delivery(build_delivery(number=number, type="order.shipped")) for number in (1, 2)),
    )


def run_json(herold: HeroldRunner, *args: str) -> Any:
    """What a command prints with --json."""
    result = herold(*args, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def run_text(herold: HeroldRunner, *args: str, exit_code: int = 0) -> str:
    """What a command prints; nothing of it may be obeyed by a terminal."""
    result = herold(*args)
    assert result.exit_code == exit_code, result.output
    assert "\x1b" not in result.output
    assert "\x07" not in result.output
    return result.output


def test_dead_letters_are_found_shown_and_discarded(herold: HeroldRunner, ids: list[str]) -> None:
    evil, first, second = ids
    assert [one["id"] for one in run_json(herold, "dead-letters", "list")["items"]] == [second, first, evil]
    listed = run_text(herold, "dead-letters", "list", "--reason", "retries_exhausted", "--since", "2025-10-09T00:00:00Z", "--limit", "1")
    assert second in listed
    assert "more: --cursor" in listed
    assert "none" in run_text(herold, "dead-letters", "list", "--since", "-1h")
    (most, _) = run_json(herold, "dead-letters", "causes", "--state", "open")["items"]
    assert (most["count"], most["example"]["id"]) == (2, second)
    assert most["cause"] in run_text(herold, "dead-letters", "causes")
    assert "use `herold dead-letters list`" in run_text(herold, "dead-letters", "causes", "--cause", most["cause"], exit_code=2)
    assert "discarded: 2" in run_text(herold, "dead-letters", "discard", "--cause", most["cause"], "--why", "too old")
    assert "discarded because  too old" in run_text(herold, "dead-letters", "show", first)
    assert run_json(herold, "dead-letters", "discard", evil, "--why", "a test") == {"count": 1}
    assert run_json(herold, "dead-letters", "discard", "--all", "--why", "a test") == {"count": 0}
    assert "give ids, options" in run_text(herold, "dead-letters", "discard", "--why", "x", exit_code=2)
    assert "give either" in run_text(herold, "dead-letters", "discard", evil, "--all", "--why", "x", exit_code=2)
    assert "there is no dead letter" in run_text(herold, "dead-letters", "show", f"dlt_{'0' * 12}7{'0' * 3}8{'0' * 15}", exit_code=3)
    assert "is not a time" in run_text(herold, "dead-letters", "list", "--since", "-soon", exit_code=2)


def test_what_a_record_contains_is_not_obeyed_by_the_terminal(herold: HeroldRunner, ids: list[str]) -> None:
    for arguments in (("list",), ("causes",), ("show", ids[0]), ("show", ids[0], "--exact")):
        assert "=cmd()" in run_text(herold, "dead-letters", *arguments)
    assert "<16 characters>" in run_text(herold, "dead-letters", "show", ids[0])
    assert "\x1b" not in herold("dead-letters", "show", ids[0], "--exact", "--json").stdout
