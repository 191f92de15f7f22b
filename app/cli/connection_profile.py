"""Where the stack is: a run of this home, or what the environment says."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.cli.errors import CommandError
from app.settings import Settings, find_home_dir, load_settings
from schemas.errors import SettingError

LOOPBACK = "127.0.0.1"  # where the servers of a run listen


@dataclass(frozen=True)
class ConnectionProfile:
    """Addresses and secrets of one stack; `workers` are the web addresses of each role's workers."""

    gateway_url: str
    api_key: str
    simulators_url: str
    bootstrap_servers: str
    database_url: str
    web_token: str
    worker_urls: Mapping[str, list[str]]
    settings: Settings


def load_connection_profile(env: Mapping[str, str] | None = None, cwd: Path | None = None) -> ConnectionProfile:
    """The stack that commands speak to: an environment variable wins over the run of this home. Raises Failure for a bad setting."""
    env = os.environ if env is None else env
    try:
        settings = load_settings(env)
    except SettingError as error:
        raise CommandError(str(error), "correct the variable or the line in faust.yml") from None
    state = _read_state_file(find_home_dir(env, cwd or Path.cwd()) / "state.json")
    return _build_profile(settings, env, state.get("ports", {}), state.get("secrets", {}))


def _read_state_file(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read: {error}", "run as the user who ran `make run`, or set HEROLD_HOME") from None


def _build_profile(settings: Settings, env: Mapping[str, str], ports: Mapping[str, int], secrets: Mapping[str, str]) -> ConnectionProfile:
    password = secrets.get("password", "")
    own_kafka = f"{LOOPBACK}:{ports['kafka']}" if "kafka" in ports else ""
    own_database = f"postgresql://herold:{password}@{LOOPBACK}:{ports['postgres']}/postgres" if "postgres" in ports else ""
    gateway = f"http://{settings.gateway.host}:{_choose_port(env, 'HEROLD_GATEWAY_PORT', ports.get('gateway'), settings.gateway.port)}"
    simulators = f"http://{LOOPBACK}:{ports['simulators']}" if "simulators" in ports else ""
    return ConnectionProfile(
        gateway_url=gateway,
        api_key=settings.gateway.api_key or secrets.get("api_key", ""),
        simulators_url=env.get("HEROLD_SIMULATORS_URL") or simulators or settings.simulators.url,
        bootstrap_servers=env.get("KAFKA_BOOTSTRAP_SERVERS") or own_kafka or settings.kafka.bootstrap_servers,
        database_url=env.get("DATABASE_URL") or own_database or settings.postgres.url,
        web_token=settings.worker.web_token or secrets.get("web_token", ""),
        worker_urls=_build_worker_urls(ports),
        settings=settings,
    )


def _choose_port(env: Mapping[str, str], variable: str, state_port: int | None, default: int) -> int:
    return default if env.get(variable) or state_port is None else state_port


def _build_worker_urls(ports: Mapping[str, int]) -> dict[str, list[str]]:
    """The web addresses by role: a worker's port is kept under a name such as `router-1.web`."""
    found: dict[str, list[str]] = {}
    for name, port in sorted(ports.items()):
        worker, _, use = name.rpartition(".")
        if use == "web":
            found.setdefault(worker.partition("-")[0], []).append(f"http://{LOOPBACK}:{port}")
    return found
