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


def test_a_redrive_is_previewed_started_paused_and_cancelled(herold: HeroldRunner, ids: list[str]) -> None:
    redrive = ["dead-letters", "redrive"]
    preview = run_json(herold, *redrive, "--all", "--preview")
    assert preview == {"count": 3, "examined_count": 3, "results": {"expired": 2, "unreadable": 1}}
    assert "would be skipped   expired 2, unreadable 1" in run_text(herold, *redrive, "--all", "--preview")
    extended = run_json(herold, *redrive, ids[1], "--preview", "--extend-expiry", "30m", "--include-delivered")
    assert extended["results"] == {"redriven": 1}
    assert "none" in run_text(herold, "redrives", "list")
    started = run_json(herold, *redrive, "--reason", "retries_exhausted", "--rate", "5", "--why", "mended")
    assert (started["total_count"], started["rate"], started["reason"]) == (2, 5, "mended")
    redrive_id = started["id"]
    assert "0 of 2" in run_text(herold, "redrives", "show", redrive_id)
    assert "paused" in run_text(herold, "redrives", "pause", redrive_id, "--reason", "a test")
    assert run_json(herold, "redrives", "list", "--state", "paused")["items"][0]["id"] == redrive_id
    assert "running" in run_text(herold, "redrives", "resume", redrive_id)
    assert "cancelled" in run_text(herold, "redrives", "cancel", redrive_id)
    assert "cancelled" in run_text(herold, "redrives", "watch", redrive_id, exit_code=1)
    assert "reason retries_exhausted" in run_text(herold, "redrives", "list")
    assert "give ids, options" in run_text(herold, *redrive, exit_code=2)


def test_one_is_redriven_with_another_value_from_a_file(herold: HeroldRunner, ids: list[str], tmp_path: Path) -> None:
    mended = tmp_path / "mended.json"
    mended.write_text('{"user_id": "u-1", "type": "account.otp", "to": {"email": "a@example.org"}, "data": {"code": "1", "minutes": 5}}')
    redrive = ["dead-letters", "redrive", ids[0], "--value", str(mended)]
    assert "with another value" in run_text(herold, *redrive, "--why", "mended")
    assert "--value goes with one id" in run_text(herold, *redrive, "--rate", "5", exit_code=2)
    mended.write_text('{"user_id": "u-1"}')
    assert "$" in run_text(herold, *redrive, exit_code=1)
    mended.write_text("{")
    assert "--value: " in run_text(herold, *redrive, exit_code=2)
