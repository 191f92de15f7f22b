"""`herold push` subscribes devices at the simulated FCM, with Firebase's own client."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.admin.push_topics import change_subscriptions
from dev.simulators.service_account import ensure_service_account
from dev.stack.stack_state import pick_free_port
from schemas.errors import SettingError
from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import run_gateway, wait_until_listening
from tests.integration.simulators.simulator_process import SimulatorProcess


@pytest.fixture
def fcm(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings of a simulated FCM that gives access tokens to its service account only."""
    file, port = tmp_path / "account.json", pick_free_port(set())
    ensure_service_account(file, f"http://127.0.0.1:{port}/token")
    arguments = ("--port", str(port), "--service-account", str(file))
    simulators = SimulatorProcess(tmp_path / "requests.jsonl", arguments=arguments)
    yield {"url": simulators.origin, "project_id": "herold", "service_account_file": str(file)}
    assert simulators.stop() == 0


def test_each_device_has_its_own_answer(fcm: dict[str, str]) -> None:
    devices = ["token:1", "unsubscribed:2", "fHm9Q0RjK2xY7zABCDEfgh"]
    problems = change_subscriptions(fcm, devices, "news", subscribe=True)
    assert [bool(problem) for problem in problems] == [False, True, False]
    assert change_subscriptions(fcm, devices[:1], "news", subscribe=False) == [""]


def test_a_service_account_that_cannot_be_used_is_named(fcm: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=r"providers\.fcm\.service_account_file"):
        change_subscriptions({**fcm, "service_account_file": "/nowhere.json"}, ["token"], "news", subscribe=True)


@pytest.fixture
def herold(tmp_path: Path, database_copy_url: str, fcm: dict[str, str]) -> Iterator[HeroldRunner]:
    with run_gateway(DATABASE_URL=database_copy_url, HEROLD_GATEWAY_API_KEY=API_KEY) as (process, port):
        wait_until_listening(process, port)
        variables = {f"HEROLD_PROVIDERS_FCM_{name.upper()}": value for name, value in fcm.items()}
        yield build_herold_runner(
            HEROLD_HOME=str(tmp_path / "home"), HEROLD_URL=f"http://127.0.0.1:{port}", HEROLD_GATEWAY_API_KEY=API_KEY, **variables
        )


def test_the_devices_of_a_user_are_subscribed_and_unsubscribed(herold: HeroldRunner) -> None:
    options = ["--topic", "news", "--user", "u-1"]
    assert herold("users", "set", "u-1", "--locale", "de").exit_code == 0
    missing = herold("push", "subscribe", *options)
    assert (missing.exit_code, "has no device that FCM knows" in missing.output) == (1, True)
    for token, kind in (("token-1", "fcm"), ("fHm9Q0RjK2xY7zABCDEfgh", "fid"), ("other", "apns")):
        assert herold("devices", "set", "u-1", token, "--kind", kind, "--platform", "ios").exit_code == 0
    for command in ("subscribe", "unsubscribe"):
        result = herold("push", command, *options, "--json")
        assert result.exit_code == 0, result.output
        items = json.loads(result.stdout)["items"]
        assert sorted((one["kind"], one["problem"]) for one in items) == [("fcm", ""), ("fid", "")], "FCM does not know the third"
    wrong = herold("push", "subscribe", "--topic", "a b", "--user", "u-1")
    assert (wrong.exit_code, "is no name of a topic" in wrong.output) == (1, True)
