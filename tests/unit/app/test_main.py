"""`faust -A app.main:<role>` builds that role and no other."""

import subprocess
import sys

import pytest

import app.main as main
from app.topology import ROLES


def test_a_role_that_there_is_not() -> None:
    with pytest.raises(AttributeError, match="there is no role fax; there are router"):
        main.fax  # noqa: B018


@pytest.mark.parametrize("role", ROLES)
def test_only_the_role_that_is_asked_for_is_built(role: str) -> None:
    program = f"import app.main as main; print(main.{role}.conf.id, len(main._apps), main.{role} is main.{role})"
    env = {
        "HEROLD_KAFKA_TOPIC_PREFIX": "x-",
        "HEROLD_PROVIDERS_WEBHOOK_SIGNING_SECRET": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    }
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [f"x-{role}", "1", "True"]


def test_a_bad_setting_ends_the_start_and_is_named() -> None:
    env = {"HEROLD_ROUTER_MAX_BATCH_RECORDS": "none"}
    done = subprocess.run([sys.executable, "-c", "import app.main; app.main.router"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "setting router.max_batch_records: 'none' does not fit" in done.stderr
