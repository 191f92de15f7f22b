"""Where the stack is: a run of this home, or what the environment says."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.cli.failures import Failure
from app.local import kafka, postgres
from app.local.state import LOOPBACK, home_folder
from app.settings import Settings, load
from schemas.errors import SettingError


@dataclass(frozen=True)
class Place:
    """Addresses and secrets of one stack; `workers` are the web addresses of each role's workers."""

    gateway: str
    api_key: str
    twins: str
    kafka: str
    database: str
    web_token: str
    workers: Mapping[str, list[str]]
    settings: Settings


def find_place(env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Place:
    """The stack that commands speak to: an environment variable wins over the run of this home. Raises Failure for a bad setting."""
    env = os.environ if env is None else env
    try:
        settings = load(env)
    except SettingError as error:
        raise Failure(str(error), "correct the variable or the line in faust.yml") from None
    state = _state(home_folder(env, cwd or Path.cwd()) / "state.json")
    return _place(settings, env, state.get("ports", {}), state.get("secrets", {}))


def _state(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Failure(f"{file} cannot be read: {error}", "run as the user who ran `make run`, or set HEROLD_HOME") from None


def _place(settings: Settings, env: Mapping[str, str], ports: Mapping[str, int], secrets: Mapping[str, str]) -> Place:
    password = secrets.get("password", "")
    own_kafka = kafka.url(ports["kafka"]) if "kafka" in ports else ""
    own_database = postgres.url(ports["postgres"], password) if "postgres" in ports else ""
    gateway = f"http://{settings.gateway.host}:{_port(env, 'HEROLD_GATEWAY_PORT', ports.get('gateway'), settings.gateway.port)}"
    twins = f"http://{LOOPBACK}:{ports['twins']}" if "twins" in ports else ""
    return Place(
        gateway=gateway,
        api_key=settings.gateway.api_key or secrets.get("api_key", ""),
        twins=env.get("HEROLD_TWINS_URL") or twins or settings.twins.url,
        kafka=env.get("KAFKA_BOOTSTRAP_SERVERS") or own_kafka or settings.kafka.bootstrap_servers,
        database=env.get("DATABASE_URL") or own_database or settings.postgres.url,
        web_token=settings.streaming.web_token or secrets.get("tables_token", ""),
        workers=_workers(ports),
        settings=settings,
    )


def _port(env: Mapping[str, str], variable: str, own: int | None, default: int) -> int:
    return default if env.get(variable) or own is None else own


def _workers(ports: Mapping[str, int]) -> dict[str, list[str]]:
    """The web addresses by role: a worker's port is kept under a name such as `router-1.web`."""
    found: dict[str, list[str]] = {}
    for name, port in sorted(ports.items()):
        worker, _, use = name.rpartition(".")
        if use == "web":
            found.setdefault(worker.partition("-")[0], []).append(f"http://{LOOPBACK}:{port}")
    return found
