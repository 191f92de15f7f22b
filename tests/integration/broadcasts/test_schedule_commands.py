"""`herold schedules` against a gateway process with a real database."""

import pytest

from tests.herold_runner import HeroldRunner
from tests.integration.broadcasts.test_commands import DATA, herold, run_json, run_text, users

__all__ = ["herold", "users"]

SET = ["schedules", "set", "morning"]
NEW = [*SET, "--cron", "0 8 * * 1-5", "--time-zone", "Europe/Vienna", "--type", "order.shipped", *DATA]


@pytest.mark.usefixtures("users")
def test_schedules_are_set_changed_paused_run_and_deleted(herold: HeroldRunner) -> None:
    run_text(herold, "audiences", "set", "some", "--tier", "test")
    created = run_json(herold, *NEW, "--audience", "some", "--rate", "50", "--end-at", "2036-01-01T00:00:00Z", "--missed", "all")
    assert (created["audience"], created["rate"], created["missed"], created["end_at"]) == ("some", 50, "all", 2_082_758_400)
    assert created["notification"]["data"]["items"] == ["lamp"]
    changed = run_json(herold, *SET, "--cron", "30 9 * * *", "--end-at", "", "--rate", "0")
    expected = {**created, "cron": "30 9 * * *", "end_at": None, "rate": None}
    kept = created.keys() - {"version", "updated_at", "next_runs", "next_run_at"}
    assert {name: changed[name] for name in kept} == {name: expected[name] for name in kept}
    assert run_json(herold, *SET, "--user", "t-1", "--user", "t-2")["user_ids"] == ["t-1", "t-2"]
    shown = run_text(herold, "schedules", "show", "morning")
    assert shown.count(" 09:30") == 5
    assert "in Europe/Vienna" in shown
    started = run_json(herold, "schedules", "run", "morning", "--reason", "a test")
    assert run_json(herold, "schedules", "show", "morning")["last_runs"] == [started]
    assert "paused" in run_text(herold, "schedules", "pause", "morning")
    assert [one["name"] for one in run_json(herold, "schedules", "list", "--state", "paused")["items"]] == ["morning"]
    assert "2 named users" in run_text(herold, "schedules", "list")
    assert "active" in run_text(herold, "schedules", "resume", "morning")
    assert "is deleted" in run_text(herold, "schedules", "delete", "morning", "--yes")
    assert "there is no schedule" in run_text(herold, "schedules", "show", "morning", exit_code=3)


def test_an_invalid_schedule_is_not_set(herold: HeroldRunner) -> None:
    assert "a new schedule needs --cron and --type" in run_text(herold, *SET, "--rate", "5", exit_code=2)
    assert "give either" in run_text(herold, *NEW, "--user", "u", "--audience", "a", exit_code=2)
    assert "$.cron" in run_text(herold, *NEW, "--user", "u", "--cron", "61 * * * *", exit_code=1)
    assert "'soon' is not a time" in run_text(herold, *NEW, "--user", "u", "--start-at", "soon", exit_code=2)
    assert "none" in run_text(herold, "schedules", "list")
