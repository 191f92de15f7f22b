import json
from pathlib import Path

import pytest

from app.cli.failures import Failure
from app.cli.place import find_place

PORTS = {
    "gateway": 21001,
    "twins": 21002,
    "kafka": 21003,
    "postgres": 21004,
    "router.web": 21005,
    "router-2.web": 21006,
    "email-1.web": 21007,
}
SECRETS = {"password": "p", "api_key": "k", "tables_token": "t"}


def home_with(folder: Path, text: str) -> dict[str, str]:
    (folder / "state.json").write_text(text)
    return {"HEROLD_HOME": str(folder)}


def test_a_run_of_this_home_is_found(tmp_path: Path) -> None:
    place = find_place(home_with(tmp_path, json.dumps({"ports": PORTS, "secrets": SECRETS})), tmp_path)
    assert (place.gateway, place.api_key) == ("http://127.0.0.1:21001", "k")
    assert (place.twins, place.kafka, place.web_token) == ("http://127.0.0.1:21002", "127.0.0.1:21003", "t")
    assert "21004" in place.database
    assert place.workers == {"router": ["http://127.0.0.1:21006", "http://127.0.0.1:21005"], "email": ["http://127.0.0.1:21007"]}


def test_the_environment_wins(tmp_path: Path) -> None:
    env = home_with(tmp_path, json.dumps({"ports": PORTS, "secrets": SECRETS}))
    said = {
        "HEROLD_GATEWAY_PORT": "1",
        "HEROLD_GATEWAY_API_KEY": "other",
        "HEROLD_TWINS_URL": "http://twins",
        "KAFKA_BOOTSTRAP_SERVERS": "broker:9092",
        "DATABASE_URL": "postgresql://db/herold",
        "HEROLD_STREAMING_WEB_TOKEN": "token",
    }
    place = find_place({**env, **said}, tmp_path)
    assert place.gateway.endswith(":1")
    assert (place.api_key, place.twins, place.kafka) == ("other", "http://twins", "broker:9092")
    assert (place.database, place.web_token) == ("postgresql://db/herold", "token")


def test_without_a_run_the_settings_say(tmp_path: Path) -> None:
    place = find_place({"HEROLD_HOME": str(tmp_path / "none")}, tmp_path)
    assert place.gateway == "http://127.0.0.1:8080"
    assert place.workers == {}


def test_a_broken_state_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"state\.json"):
        find_place(home_with(tmp_path, "{"), tmp_path)
