"""`faust -A app.main:<role>` builds the app of that role only."""

import subprocess
import sys
from pathlib import Path

import pytest

import app.main as main
from app.topology import ROLES
from dev.simulators.service_account import ensure_service_account


def test_an_unknown_role_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="unknown role fax; the roles are router"):
        main.fax  # noqa: B018


@pytest.mark.parametrize("role", ROLES)
def test_only_the_requested_role_is_built(role: str, tmp_path: Path) -> None:
    ensure_service_account(tmp_path / "account.json", "http://127.0.0.1:8025/token")
    program = f"import app.main as main; print(main.{role}.conf.id, len(main._apps), main.{role} is main.{role})"
    env = {
        "HEROLD_KAFKA_TOPIC_PREFIX": "x-",
        "HEROLD_PROVIDERS_FCM_SERVICE_ACCOUNT_FILE": str(tmp_path / "account.json"),
        "HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    }
    process = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert process.stdout.split() == [f"x-{role}", "1", "True"]


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ({"HEROLD_ROUTER_MAX_BATCH_RECORDS": "none"}, "setting router.max_batch_records: 'none' does not fit"),
        ({"HEROLD_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "setting kafka.security.username: is empty"),
    ],
)
def test_an_invalid_setting_stops_the_start_and_is_named(env: dict[str, str], problem: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", "import app.main; app.main.router"], env=env, capture_output=True, text=True, check=False
    )
    assert process.returncode != 0
    assert problem in process.stderr
