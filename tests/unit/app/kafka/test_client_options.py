"""The keyword arguments of Kafka clients, the errors for bad settings, and that no client is built without them."""

import ast
import ssl
from pathlib import Path
from typing import Any

import msgspec
import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from app.connection_settings import KafkaSecuritySection
from app.kafka.client_options import build_client_options, build_security_options
from schemas.errors import SettingError
from tests.integration.kafka.secure_broker import KEY_PASSWORD, write_certificates
from tests.settings_builders import build_kafka_section
from tests.unit.app.streaming.app_builder import build_app

ROOT = Path(__file__).parents[4]
SECRET = "pw-9f3k"
LOGIN = {"protocol": "SASL_SSL", "username": "herold", "password": SECRET}
TOKEN = {"protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"}
EMBEDDED_BROKER = "dev/stack/kafka.py"  # its own listener has no security


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with certificates, an empty file and a password file."""
    write_certificates(tmp_path)
    (tmp_path / "empty").touch()
    (tmp_path / "password").write_text(f"{SECRET}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build_section(**changes: Any) -> KafkaSecuritySection:
    """The section `kafka.security` with these keys."""
    return msgspec.structs.replace(build_kafka_section("").security, **changes)


def test_the_default_is_a_connection_without_security() -> None:
    assert build_client_options(build_kafka_section("b:1")) == {"bootstrap_servers": "b:1", "security_protocol": "PLAINTEXT"}


@pytest.mark.parametrize("is_checked", [True, False])
def test_certificates_are_always_verified_and_host_names_by_choice(folder: Path, is_checked: bool) -> None:
    context = build_security_options(build_section(protocol="SSL", ca_file="authority.pem", check_hostname=is_checked))["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, is_checked)
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("keys", "named", "problem"),
    [
        ({**LOGIN, "username": ""}, "username", "is empty"),
        ({**LOGIN, "password": ""}, "password", "is empty"),
        ({**LOGIN, "protocol": "PLAINTEXT"}, "username", "has no effect"),
        ({"protocol": "PLAINTEXT", "password": SECRET}, "password", "has no effect"),
        ({"ca_file": "authority.pem"}, "ca_file", "has no effect"),
        ({**LOGIN, "protocol": "SSL"}, "username", "has no effect"),
        ({**LOGIN, "protocol": "SASL_PLAINTEXT", "ca_file": "authority.pem"}, "ca_file", "has no effect"),
        ({**LOGIN, "ca_file": "none"}, "ca_file", "No such file"),
        ({**LOGIN, "ca_file": "empty"}, "ca_file", "no PEM certificates"),
        ({"protocol": "SSL", "certificate_file": "none"}, "certificate_file", "No such file"),
        ({"protocol": "SSL", "key_file": "client-key.pem"}, "certificate_file", "is empty"),
        ({"protocol": "SSL", "certificate_file": "client-certificate.pem", "key_file": "none"}, "key_file", "No such file"),
        ({"protocol": "SSL", "certificate_file": "client-certificate.pem"}, "certificate_file", "not a certificate and its key"),
        ({"protocol": "SSL", "certificate_file": "client-certificate.pem", "key_file": "client-key.pem"}, "certificate_file", "not a"),
        (
            {"protocol": "SSL", "certificate_file": "client-certificate.pem", "key_file": "client-key.pem", "key_password": SECRET},
            "certificate_file",
            "not a",
        ),
        (TOKEN, "token_file", "is empty"),
        ({**TOKEN, "token_file": "password", "token_command": "cat password"}, "token_file", "is set besides"),
        ({**TOKEN, "token_file": "none"}, "token_file", "No such file"),
        ({**TOKEN, "token_command": f"no-such-program {SECRET}"}, "token_command", "does not begin with a program"),
        ({**TOKEN, "token_command": "cat '"}, "token_command", "cannot be split"),
        ({**TOKEN, "username": "herold", "token_file": "password"}, "username", "has no effect"),
        ({**LOGIN, "token_file": "password"}, "token_file", "has no effect"),
    ],
)
def test_a_bad_value_names_its_key_and_shows_no_secret(folder: Path, keys: dict[str, str], named: str, problem: str) -> None:
    with pytest.raises(SettingError) as raised:
        build_security_options(build_section(**keys))
    assert raised.value.key == f"kafka.security.{named}"
    assert problem in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"protocol": "SSL"},
        {**LOGIN, "protocol": "SASL_PLAINTEXT"},
        LOGIN,
        {**LOGIN, "sasl_mechanism": "PLAIN"},
        {**TOKEN, "token_file": "password"},
        {"protocol": "SSL", "certificate_file": "client-certificate.pem", "key_file": "client-key.pem", "key_password": KEY_PASSWORD},
    ],
)
def test_faust_connects_with_the_same_options(folder: Path, keys: dict[str, str]) -> None:
    security = build_security_options(build_section(**keys))
    app = build_app(folder, security=security)
    options = credentials_to_aiokafka_auth(app.conf.broker_credentials, app.conf.ssl_context)
    assert {name: value for name, value in options.items() if value is not None} == security
    assert SECRET not in repr(app.settings)


def list_client_calls(path: Path) -> list[ast.Call]:
    """The calls that create a Kafka client or connection."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = [getattr(call.func, "id", getattr(call.func, "attr", "")) for call in calls]
    return [call for call, name in zip(calls, names, strict=True) if name.startswith("AIOKafka") or name == "create_conn"]


def test_every_client_is_built_with_the_options() -> None:
    calls = {
        f"{path.relative_to(ROOT).as_posix()}:{call.lineno}": {keyword.arg for keyword in call.keywords}
        for room in ("app", "dev")
        for path in sorted((ROOT / room).rglob("*.py"))
        for call in list_client_calls(path)
    }
    assert len(calls) >= 10
    without = [place for place, names in calls.items() if None not in names or names & {"bootstrap_servers", "security_protocol"}]
    assert [place.partition(":")[0] for place in without] == [EMBEDDED_BROKER]
