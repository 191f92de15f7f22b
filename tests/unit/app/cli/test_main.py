import pytest

from app.cli import COMMAND_PATHS
from tests.unit.app.cli.conftest import HeroldRunner, parse_json_output

COMMANDS = (*COMMAND_PATHS, "up", "simulators")  # the last two by entry points


@pytest.mark.parametrize("words", [[name] for name in COMMANDS] + [["topics", "apply"], ["db", "check"], ["tables", "get"]])
def test_every_help_text_has_an_example(herold: HeroldRunner, words: list[str]) -> None:
    result = herold(*words, "--help")
    assert result.exit_code == 0
    assert f"herold {words[0]}" in result.output


def test_help_lists_all_commands(herold: HeroldRunner) -> None:
    result = herold("--help")
    assert result.exit_code == 0
    assert all(name in result.output for name in COMMANDS)


UNREACHABLE_SERVERS = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "DATABASE_URL": "postgresql://u@127.0.0.1:1/d"}
INVALID_COMMANDS = (["no-such-command"], ["show"], ["send", "--user", "u"], ["send", "--type", "t"], ["list", "u", "--limit", "0"])
REQUEST_COMMANDS = (["show", "ntf_1"], ["send", "--user", "u", "--type", "t"], ["simulators"], ["tables", "get", "idempotency", "u", "k"])


@pytest.mark.parametrize("words", INVALID_COMMANDS)
def test_wrong_usage_is_2(herold: HeroldRunner, words: list[str]) -> None:
    assert herold(*words).exit_code == 2


@pytest.mark.parametrize("words", REQUEST_COMMANDS)
def test_a_server_that_is_away_is_4_and_tells_what_to_do(herold: HeroldRunner, words: list[str]) -> None:
    away = {"HEROLD_GATEWAY_PORT": "1", "HEROLD_SIMULATORS_URL": "http://127.0.0.1:1", "HEROLD_WORKER_WEB_TOKEN": "t"}
    worker = ["--worker", "http://127.0.0.1:1"] if words[0] == "tables" else []
    result = herold(*words, *worker, **away)
    assert result.exit_code == 4
    assert "make run" in result.stderr
    told = parse_json_output(herold(*words, *worker, "--json", **away))
    assert told["exit_code"] == 4
    assert "does not answer" in told["error"]


@pytest.mark.parametrize("words", [["topics", "check"], ["tail"], ["db", "check"]])
def test_a_cause_is_said_once(herold: HeroldRunner, words: list[str]) -> None:
    result = herold(*words, **UNREACHABLE_SERVERS)
    assert result.exit_code == 4
    assert len(result.stderr.splitlines()) == 2
    assert result.stderr.count("does not answer") == 1
    assert result.stderr.count("127.0.0.1:1") == 1


def test_without_a_key_the_answer_says_where_to_get_one(herold: HeroldRunner) -> None:
    result = herold("show", "ntf_1", HEROLD_GATEWAY_API_KEY=None)
    assert result.exit_code == 1
    assert "HEROLD_GATEWAY_API_KEY" in result.stderr


def test_a_bad_setting_is_named(herold: HeroldRunner) -> None:
    result = herold("show", "ntf_1", HEROLD_GATEWAY_PORT="many")
    assert result.exit_code == 1
    assert "gateway.port" in result.stderr
