import json
from pathlib import Path

import pytest

from app.cli.connection_profile import load_connection_profile
from app.cli.errors import CommandError
from app.encryption.outer_keys import build_local_index_key, build_local_keys

PORTS = {
    "gateway": 21001,
    "simulators": 21002,
    "kafka": 21003,
    "postgres": 21004,
    "router.web": 21005,
    "router-2.web": 21006,
    "email-1.web": 21007,
}
SECRETS = {"password": "p", "api_key": "k", "web_token": "t"}


def write_state_file(home: Path, text: str) -> dict[str, str]:
    """Write the state file, and return the environment that names its directory."""
    (home / "state.json").write_text(text)
    return {"HEROLD_HOME": str(home)}


def test_the_state_file_of_the_home_is_used(tmp_path: Path) -> None:
    profile = load_connection_profile(write_state_file(tmp_path, json.dumps({"ports": PORTS, "secrets": SECRETS})), tmp_path)
    assert (profile.gateway_url, profile.api_key) == ("http://127.0.0.1:21001", "k")
    assert (profile.simulators_url, profile.kafka.bootstrap_servers, profile.web_token) == (
        "http://127.0.0.1:21002",
        "127.0.0.1:21003",
        "t",
    )
    assert "21004" in profile.postgres.url
    assert profile.worker_urls == {"router": ["http://127.0.0.1:21006", "http://127.0.0.1:21005"], "email": ["http://127.0.0.1:21007"]}


def test_the_environment_overrides_the_state_file(tmp_path: Path) -> None:
    env = write_state_file(tmp_path, json.dumps({"ports": PORTS, "secrets": SECRETS}))
    variables = {
        "HEROLD_GATEWAY_PORT": "1",
        "HEROLD_GATEWAY_API_KEY": "other",
        "HEROLD_SIMULATORS_URL": "http://simulators",
        "KAFKA_BOOTSTRAP_SERVERS": "broker:9092",
        "DATABASE_URL": "postgresql://db/herold",
        "HEROLD_WORKER_WEB_TOKEN": "token",
    }
    profile = load_connection_profile({**env, **variables}, tmp_path)
    assert profile.gateway_url.endswith(":1")
    assert (profile.api_key, profile.simulators_url, profile.kafka.bootstrap_servers) == ("other", "http://simulators", "broker:9092")
    assert (profile.postgres.url, profile.web_token) == ("postgresql://db/herold", "token")


def test_a_variable_overrides_the_state_file_by_the_name_of_its_section_too(tmp_path: Path) -> None:
    env = write_state_file(tmp_path, json.dumps({"ports": PORTS, "secrets": SECRETS}))
    variables = {"HEROLD_KAFKA_BOOTSTRAP_SERVERS": "broker:9092", "HEROLD_POSTGRES_URL": "postgresql://db/herold"}
    profile = load_connection_profile({**env, **variables}, tmp_path)
    assert (profile.kafka.bootstrap_servers, profile.postgres.url) == ("broker:9092", "postgresql://db/herold")


def test_the_settings_are_used_without_a_state_file(tmp_path: Path) -> None:
    profile = load_connection_profile({"HEROLD_HOME": str(tmp_path / "none")}, tmp_path)
    assert profile.gateway_url == "http://127.0.0.1:8080"
    assert profile.worker_urls == {}


def test_an_unreadable_state_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"state\.json"):
        load_connection_profile(write_state_file(tmp_path, "{"), tmp_path)


def test_keys_of_encryption_that_are_not_set_are_those_of_the_stack(tmp_path: Path) -> None:
    texts = [f"{number:02}" * 16 for number in range(4)]
    names = ("encryption_key_1", "encryption_key_2", "index_key_1", "index_key_2")
    env = write_state_file(tmp_path, json.dumps({"secrets": dict(zip(names, texts, strict=True))}))
    own, index = build_local_keys(*texts[:2]), build_local_index_key(*texts[2:])
    for variables, expected in (({}, (own, index)), ({"KEYS": "a=b"}, ("a=b", index)), ({"INDEX_KEY": "c"}, (own, "c"))):
        profile = load_connection_profile({**env, **{f"HEROLD_ENCRYPTION_{name}": value for name, value in variables.items()}}, tmp_path)
        assert (profile.encryption.keys, profile.encryption.index_key) == expected
