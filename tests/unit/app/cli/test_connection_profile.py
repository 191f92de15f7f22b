import json
from pathlib import Path

import pytest

from app.cli.connection_profile import load_connection_profile
from app.cli.errors import CommandError

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


def write_state_file(folder: Path, text: str) -> dict[str, str]:
    (folder / "state.json").write_text(text)
    return {"HEROLD_HOME": str(folder)}


def test_a_run_of_this_home_is_found(tmp_path: Path) -> None:
    place = load_connection_profile(write_state_file(tmp_path, json.dumps({"ports": PORTS, "secrets": SECRETS})), tmp_path)
    assert (place.gateway_url, place.api_key) == ("http://127.0.0.1:21001", "k")
    assert (place.simulators_url, place.bootstrap_servers, place.web_token) == ("http://127.0.0.1:21002", "127.0.0.1:21003", "t")
    assert "21004" in place.database_url
    assert place.worker_urls == {"router": ["http://127.0.0.1:21006", "http://127.0.0.1:21005"], "email": ["http://127.0.0.1:21007"]}


def test_the_environment_wins(tmp_path: Path) -> None:
    env = write_state_file(tmp_path, json.dumps({"ports": PORTS, "secrets": SECRETS}))
    said = {
        "HEROLD_GATEWAY_PORT": "1",
        "HEROLD_GATEWAY_API_KEY": "other",
        "HEROLD_SIMULATORS_URL": "http://simulators",
        "KAFKA_BOOTSTRAP_SERVERS": "broker:9092",
        "DATABASE_URL": "postgresql://db/herold",
        "HEROLD_WORKER_WEB_TOKEN": "token",
    }
    place = load_connection_profile({**env, **said}, tmp_path)
    assert place.gateway_url.endswith(":1")
    assert (place.api_key, place.simulators_url, place.bootstrap_servers) == ("other", "http://simulators", "broker:9092")
    assert (place.database_url, place.web_token) == ("postgresql://db/herold", "token")


def test_without_a_run_the_settings_say(tmp_path: Path) -> None:
    place = load_connection_profile({"HEROLD_HOME": str(tmp_path / "none")}, tmp_path)
    assert place.gateway_url == "http://127.0.0.1:8080"
    assert place.worker_urls == {}


def test_a_broken_state_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"state\.json"):
        load_connection_profile(write_state_file(tmp_path, "{"), tmp_path)
