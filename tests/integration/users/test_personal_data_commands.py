"""`herold users export`, `erase`, `erasures`, `reapply-erasures` and `herold encryption` with a real gateway and database."""

import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.column_sealing import SEALED_ENV
from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import run_gateway, wait_until_listening
from tests.integration.users.test_commands import run_json, run_text

Build = Callable[..., HeroldRunner]


@pytest.fixture
def build_herold(tmp_path: Path, database_copy_url: str) -> Build:
    """A runner of commands with these settings besides those of the database."""

    def build(**settings: str) -> HeroldRunner:
        return build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), DATABASE_URL=database_copy_url, COLUMNS="200", **settings)

    return build


@pytest.fixture
def herold(build_herold: Build, database_copy_url: str) -> Iterator[HeroldRunner]:
    with run_gateway(DATABASE_URL=database_copy_url, HEROLD_GATEWAY_API_KEY=API_KEY) as (process, port):
        wait_until_listening(process, port)
        yield build_herold(HEROLD_URL=f"http://127.0.0.1:{port}", HEROLD_GATEWAY_API_KEY=API_KEY)


@pytest.mark.usefixtures("sealing_mode")
def test_a_user_is_exported_erased_and_erased_again_after_a_restore(herold: HeroldRunner, tmp_path: Path) -> None:
    run_text(herold, "users", "set", "u 1%", "--email", "ada@example.org")
    file = tmp_path / "export.json"
    run_text(herold, "users", "export", "u 1%", "--output", str(file))
    assert json.loads(file.read_bytes())["user"]["addresses"] == {"email": ["ada@example.org"]}
    assert file.stat().st_mode & 0o077 == 0
    assert json.loads(run_text(herold, "users", "export", "u 1%"))["user_id"] == "u 1%"

    assert "Aborted" in run_text(herold, "users", "erase", "u 1%", exit_code=1)
    assert "u 1% is erased: " in run_text(herold, "users", "erase", "u 1%", "--reason", "request 1", "--yes")
    log = run_text(herold, "users", "erasures")
    assert [json.loads(line)["reason"] for line in log.splitlines()] == ["request 1"]

    run_text(herold, "users", "set", "u 1%", "--email", "ada@example.org")  # as a restore would
    (tmp_path / "erasures.jsonl").write_text(log * 2)
    assert "1 users are erased" in run_text(herold, "users", "reapply-erasures", str(tmp_path / "erasures.jsonl"))
    assert "there is no user" in run_text(herold, "users", "show", "u 1%", exit_code=3)
    (tmp_path / "erasures.jsonl").write_text('{"user_id": 7}')
    assert "must be what" in run_text(herold, "users", "reapply-erasures", str(tmp_path / "erasures.jsonl"), exit_code=1)


def test_users_of_projects_are_erased_again_after_a_restore(build_herold: Build, database_copy_url: str, tmp_path: Path) -> None:
    file, settings = tmp_path / "erasures.jsonl", {"DATABASE_URL": database_copy_url, "HEROLD_GATEWAY_PROJECTS": "true"}
    with run_gateway(HEROLD_GATEWAY_API_KEY=API_KEY, **settings) as (process, port):
        wait_until_listening(process, port)
        herold = build_herold(HEROLD_URL=f"http://127.0.0.1:{port}", HEROLD_GATEWAY_API_KEY=API_KEY)
        for user_id in ("@acme/u-1", "u-2"):
            run_text(herold, "users", "erase", user_id, "--yes")
        file.write_text(run_text(herold, "users", "erasures"))
        assert "2 users are erased" in run_text(herold, "users", "reapply-erasures", str(file))
        log = [json.loads(line)["user_id"] for line in run_text(herold, "users", "erasures").splitlines()]
    assert log == ["@acme/u-1", "u-2"] * 2


def test_outer_keys_are_made_counted_and_rotated(build_herold: Build) -> None:
    assert "no outer keys" in run_text(build_herold(), "encryption", "status", exit_code=1)
    old, new = (run_text(build_herold(), "encryption", "key", name).strip() for name in ("old", "new"))
    assert run_json(build_herold(HEROLD_ENCRYPTION_KEYS=old), "encryption", "rotate") == {"wraps": "old", "wrapped": 0}
    rotated = build_herold(HEROLD_ENCRYPTION_KEYS=f"{new},{old}")
    assert "wrapped 0 keys of users with the outer key new" in run_text(rotated, "encryption", "rotate")
    assert run_json(rotated, "encryption", "status") == {"wraps": "new", "is_enabled": False, "outer_keys": []}
    broken = build_herold(HEROLD_ENCRYPTION_KEYS=f"a={b64encode(os.urandom(8)).decode()}")
    assert "has 8 bytes and not 32" in run_text(broken, "encryption", "status", exit_code=1)


def test_what_is_stored_is_sealed_once(build_herold: Build) -> None:
    assert "no outer keys" in run_text(build_herold(), "encryption", "seal", exit_code=1)
    without_index = build_herold(**{**SEALED_ENV, "HEROLD_ENCRYPTION_INDEX_KEY": ""})
    assert "encryption.index_key" in run_text(without_index, "encryption", "seal", exit_code=1)
    herold = build_herold(**SEALED_ENV)
    sealed = run_json(herold, "encryption", "seal")
    assert sealed["users"] > 1, "those of the sample"
    assert sealed["devices"] > 1
    assert "sealed 0 users, 0 devices and 0 suppressions" in run_text(herold, "encryption", "seal")
