"""docker-compose.yml agrees with the settings and with the embedded broker."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import load_settings
from dev.stack.kafka import BROKER_CONFIG

COMPOSE = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())
ROLES = ("gateway", "router", "email", "sms", "push", "webhook", "scheduler", "recorder")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_the_time_to_stop(role: str) -> None:
    worker = load_settings({}).worker
    service: dict[str, Any] = COMPOSE["services"][role]
    assert int(service["stop_grace_period"].removesuffix("s")) > worker.drain_timeout + worker.shutdown_timeout


def test_the_broker_takes_the_largest_records() -> None:
    assert COMPOSE["services"]["kafka"]["environment"]["KAFKA_MESSAGE_MAX_BYTES"] == BROKER_CONFIG["message.max.bytes"]
