import sys

import pytest

from app.cli import COMMAND_PATHS
from tests.herold_runner import HeroldRunner
from tests.unit.app.cli.conftest import parse_json_output

COMMANDS = (*COMMAND_PATHS, "up", "simulators")  # the last two are entry points


@pytest.mark.parametrize("args", [[name] for name in COMMANDS] + [["topics", "apply"], ["db", "check"], ["tables", "get"]])
def test_every_help_text_has_an_example(herold: HeroldRunner, args: list[str]) -> None:
    result = herold(*args, "--help")
    assert result.exit_code == 0
    assert f"herold {args[0]}" in result.output


def test_help_lists_all_commands(herold: HeroldRunner) -> None:
    result = herold("--help")
    assert result.exit_code == 0
    assert all(name in result.output for name in COMMANDS)


UNREACHABLE_SERVERS = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "DATABASE_URL": "postgresql://u@127.0.0.1:1/d"}
INVALID_COMMANDS = (["no-such-command"], ["show"], ["send", "--user", "u"], ["send", "--type", "t"], ["list", "u", "--limit", "0"])
REQUEST_COMMANDS = (["show", "ntf_1"], ["send", "--user", "u", "--type", "t"], ["simulators"], ["tables", "get", "idempotency", "u", "k"])


@pytest.mark.parametrize("args", INVALID_COMMANDS)
def test_wrong_usage_exits_with_2(herold: HeroldRunner, args: list[str]) -> None:
    assert herold(*args).exit_code == 2


@pytest.mark.parametrize("args", REQUEST_COMMANDS)
def test_an_unavailable_server_exits_with_4_and_advice(herold: HeroldRunner, args: list[str]) -> None:
    env = {"HEROLD_GATEWAY_PORT": "1", "HEROLD_SIMULATORS_URL": "http://127.0.0.1:1", "HEROLD_WORKER_WEB_TOKEN": "t"}
    worker = ["--worker", "http://127.0.0.1:1"] if args[0] == "tables" else []
    result = herold(*args, *worker, **env)
    assert result.exit_code == 4
    assert "make run" in result.stderr
    error = parse_json_output(herold(*args, *worker, "--json", **env))
    assert error["exit_code"] == 4
    assert "does not answer" in error["error"]


@pytest.mark.parametrize("args", [["topics", "check"], ["topics", "apply"], ["tail"]])
def test_an_invalid_kafka_setting_is_named(herold: HeroldRunner, args: list[str]) -> None:
    result = herold(*args, HEROLD_KAFKA_SECURITY_PROTOCOL="SASL_SSL", HEROLD_KAFKA_SECURITY_USERNAME="herold")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: setting kafka.security.password: is empty")


@pytest.mark.parametrize("args", [["topics", "check"], ["tail"], ["db", "check"]])
def test_the_cause_of_an_error_is_printed_once(herold: HeroldRunner, args: list[str]) -> None:
    result = herold(*args, **UNREACHABLE_SERVERS)
    assert result.exit_code == 4
    assert len(result.stderr.splitlines()) == 2
    assert result.stderr.count("does not answer") == 1
    assert result.stderr.count("127.0.0.1:1") == 1


def test_a_missing_api_key_is_reported_with_its_variable(herold: HeroldRunner) -> None:
    result = herold("show", "ntf_1", HEROLD_GATEWAY_API_KEY=None)
    assert result.exit_code == 1
    assert "HEROLD_GATEWAY_API_KEY" in result.stderr


def test_an_invalid_setting_is_named(herold: HeroldRunner) -> None:
    result = herold("show", "ntf_1", HEROLD_GATEWAY_PORT="many")
    assert result.exit_code == 1
    assert "gateway.port" in result.stderr


def test_a_missing_library_breaks_its_command_only(herold: HeroldRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "app.cli.tail", None)  # makes its import fail
    help_text = herold("--help")
    assert help_text.exit_code == 0
    assert "Not available: pip install herold" in help_text.stdout
    result = herold("tail", "--user", "u")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "`herold tail` is not available: import of app.cli.tail halted" in result.stderr


def test_without_the_extra_up_fails_with_the_advice_and_help_still_works(herold: HeroldRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dev.cli.up", None)  # makes its import fail
    assert "Not available: pip install herold[local]" in herold("--help").stdout
    result = herold("up", "--sample")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "`herold up` is not available: import of dev.cli.up halted" in result.stderr
