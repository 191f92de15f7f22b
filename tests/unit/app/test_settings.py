"""faust.yml is complete, its types hold, the environment wins, and a bad value names its key."""

import re
from pathlib import Path

import pytest

from app.settings import SETTINGS_FILE, find_home_dir, load_settings
from app.streaming.faust_config import REBALANCE_TIMEOUT
from schemas.errors import SettingError


def test_the_file_is_the_default() -> None:
    settings = load_settings({})
    assert settings.kafka.topic_partitions == 4
    assert settings.delivery.max_concurrent_calls > settings.delivery.reserved_calls_high


def test_each_line_of_the_file_has_a_unit_and_a_sentence() -> None:
    lines = [line for line in SETTINGS_FILE.read_text().splitlines() if line.startswith("  ")]
    without = [line for line in lines if "# " not in line]
    assert [line.strip() for line in without] == [
        "security:",
        "email:",
        "sms:",
        "push:",
        "webhook:",
        "oidc:",
        "sendgrid:",
        "smtp:",
        "twilio:",
        "fcm:",
        "http_api:",
        "webhook:",
    ], "only the names of sections"


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"HEROLD_ROUTER_MAX_BATCH_RECORDS_LOW_BUSY": "7"}, lambda s: s.router.max_batch_records_low_busy == 7),
        ({"HEROLD_PROVIDERS_WEBHOOK_ALLOW_HTTP": "false"}, lambda s: s.providers["webhook"]["allow_http"] == "false"),
        ({"HEROLD_KAFKA_SESSION_TIMEOUT": "6"}, lambda s: s.kafka.session_timeout == 6.0),
        ({"HEROLD_KAFKA_SECURITY_USERNAME": "herold"}, lambda s: s.kafka.security.username == "herold"),
        ({"HEROLD_KAFKA_SECURITY_CHECK_HOSTNAME": "false"}, lambda s: s.kafka.security.check_hostname is False),
        ({"HEROLD_WORKER_DRAIN_TIMEOUT": str(REBALANCE_TIMEOUT - 1)}, lambda s: s.worker.drain_timeout == 59.0),
        ({"KAFKA_BOOTSTRAP_SERVERS": "k:1"}, lambda s: s.kafka.bootstrap_servers == "k:1"),
        ({"DATABASE_URL": "postgresql://x"}, lambda s: s.postgres.url == "postgresql://x"),
        ({"REDIS_URL": "redis://x"}, lambda s: s.redis.url == "redis://x"),
        ({"REDIS_URL": ""}, lambda s: s.redis.url == "redis://127.0.0.1:6379/0"),
        ({"HEROLD_HOME": "/somewhere", "HEROLD_FAUST_BROKER_URL": "x"}, lambda s: s == load_settings({})),
    ],
)
def test_the_environment_overrides_a_line(environ: dict[str, str], found) -> None:
    assert found(load_settings(environ))


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"HEROLD_ROUTER_BUSY": "7"}, "HEROLD_ROUTER_BUSY"),
        ({"HEROLD_ROUTER_MAX_IN_FLIGHT_BATCHES": "many"}, "router.max_in_flight_batches"),
        ({"HEROLD_ROUTER_MAX_IN_FLIGHT_BATCHES": "0"}, "router.max_in_flight_batches"),
        ({"HEROLD_PROVIDERS_WEBHOOK_ALLOWED": "true"}, "HEROLD_PROVIDERS_WEBHOOK_ALLOWED"),
        ({"HEROLD_RECEIPT_TIMEOUTS_WEBHOOK": "9"}, "HEROLD_RECEIPT_TIMEOUTS_WEBHOOK"),
        ({"HEROLD_SERVICE_LOG_LEVEL": "loud"}, "service.log_level"),
        ({"HEROLD_GATEWAY_PORT": "70000"}, "gateway.port"),
        ({"HEROLD_KAFKA_SECURITY_SASL_MECHANISM": "GSSAPI"}, "kafka.security.sasl_mechanism: 'GSSAPI'"),
        ({"HEROLD_KAFKA_SECURITY_CA": "ca.pem"}, "HEROLD_KAFKA_SECURITY_CA"),
        ({"HEROLD_WORKER_DRAIN_TIMEOUT": str(REBALANCE_TIMEOUT)}, "worker.drain_timeout"),
    ],
)
def test_a_bad_variable_names_its_key(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        load_settings(environ)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("  max_in_flight_batches: 2  ", "  max_in_flight_batch: 2  ", "router.max_in_flight_batch"),
        ("  pool_max_size: 4  ", "  pool_max_size: [4]  ", "postgres.pool_max_size"),
        ("    protocol: PLAINTEXT  ", "    protocols: PLAINTEXT  ", "kafka.security.protocol"),
        ("recorder:\n", "recordr:\n", "sections"),
        ("simulators:\n  url: http", "simulators:\n  - http", "sections"),
    ],
)
def test_a_bad_file_names_the_place(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = SETTINGS_FILE.read_text()
    assert old in text
    file = tmp_path / "faust.yml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(SettingError, match=named):
        load_settings({}, file)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [('    password: ""', "    password: 4711", "kafka.security.password"), ('  api_key: ""     ', "  api_key: 4711 ", "gateway.api_key")],
)
def test_an_error_does_not_show_a_secret(tmp_path: Path, old: str, new: str, named: str) -> None:
    file = tmp_path / "faust.yml"
    file.write_text(SETTINGS_FILE.read_text().replace(old, new, 1))
    with pytest.raises(SettingError, match=named) as raised:
        load_settings({}, file)
    assert "4711" not in str(raised.value)


def test_the_home_is_in_the_working_directory_unless_the_environment_names_another(tmp_path: Path) -> None:
    assert find_home_dir({}, tmp_path) == tmp_path / ".herold"
    assert find_home_dir({"HEROLD_HOME": ""}, tmp_path) == tmp_path / ".herold"
    assert find_home_dir({"HEROLD_HOME": "other"}, tmp_path) == tmp_path / "other"
    assert find_home_dir({"HEROLD_HOME": "/abs"}, tmp_path) == Path("/abs")


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("HEROLD_GATEWAY_PORT", "many", "gateway.port: 'many' does not fit: it must be an integer, not a string"),
        ("HEROLD_GATEWAY_PORT", "70000", "it must be an integer of at most 65535"),
        ("HEROLD_SERVICE_LOG_LEVEL", "loud", "it must be one of debug, info, warning, error"),
        ("HEROLD_KAFKA_BOOTSTRAP_SERVERS", "", "it must be a string of at least 1 character"),
    ],
)
def test_a_setting_that_does_not_fit_is_explained_without_python(variable: str, value: str, problem: str) -> None:
    with pytest.raises(SettingError, match=re.escape(problem)):
        load_settings({variable: value})
