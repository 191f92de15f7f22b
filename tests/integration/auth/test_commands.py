"""`herold login`, `whoami`, `logout` and `herold accounts` against a gateway process with a real database."""

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from app.cli import main
from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import run_gateway, wait_until_listening
from tests.integration.auth.auth_harness import PASSWORD, SECRET
from tests.signing_key_builders import build_keys

WAIT = 60.0  # seconds, after which a test fails
PUBLIC_URL = "http://herold.example.org"
EMAIL = "root@example.org"


class Terminal:
    """A person at a terminal; the first account is made with the link that the gateway has printed."""

    def __init__(self, url: str, home: Path, output: Any) -> None:
        self.url, self.output, self.session_file = url, output, home / "config" / "sessions.json"
        self.env: dict[str, str | None] = {
            "HEROLD_HOME": str(home / "none"),
            "HEROLD_URL": url,
            "HEROLD_SESSION_FILE": str(self.session_file),
            "HEROLD_GATEWAY_API_KEY": None,
            "COLUMNS": "200",
        }

    def run(self, *args: str, typed: str = "", exit_code: int = 0, **env: str) -> Result:
        """The result of a command, which must have this exit code."""
        result = CliRunner().invoke(main, args, input=typed, env={**self.env, **env})
        assert result.exit_code == exit_code, result.output
        return result

    def run_json(self, *args: str, typed: str = "") -> Any:
        """What a command prints with --json."""
        return json.loads(self.run(*args, "--json", typed=typed).stdout.splitlines()[-1])

    def read_output(self) -> str:
        """What the gateway has written."""
        return os.pread(self.output.fileno(), 1_000_000, 0).decode()

    def wait_for_link(self) -> str:
        """The link for the first account."""
        deadline = time.monotonic() + WAIT
        while "/account/first-admin/" not in self.read_output():
            assert time.monotonic() < deadline, self.read_output()
            time.sleep(0.05)
        return next(line for line in self.read_output().splitlines() if line.startswith(PUBLIC_URL))

    def make_first_admin(self) -> str:
        """Make the first account; returns the token of the link."""
        token = self.wait_for_link().rpartition("/")[2]
        body = {"token": token, "email": EMAIL, "password": PASSWORD}
        assert httpx.post(f"{self.url}/v1/auth/first-admin", json=body, timeout=WAIT).status_code == 201
        return token

    def expire(self) -> None:
        """Let the access token in the file have ended."""
        sessions = json.loads(self.session_file.read_text())
        sessions[self.url]["expires_at"] = 0
        self.session_file.write_text(json.dumps(sessions))


@pytest.fixture
def terminal(tmp_path: Path, database_copy_url: str) -> Iterator[Terminal]:
    keys = tmp_path / "keys.pem"
    keys.write_text(build_keys().to_text())
    variables = {
        "DATABASE_URL": database_copy_url,
        "HEROLD_GATEWAY_API_KEY": API_KEY,
        "HEROLD_AUTH_SIGNING_KEYS_FILE": str(keys),
        "HEROLD_AUTH_SECRET": SECRET,
        "HEROLD_AUTH_PUBLIC_URL": PUBLIC_URL,
    }
    with run_gateway(**variables) as (process, port):
        wait_until_listening(process, port)
        yield Terminal(f"http://127.0.0.1:{port}", tmp_path, process.stderr)


def test_the_link_for_the_first_account_is_printed_and_in_no_line_of_the_log(terminal: Terminal) -> None:
    token = terminal.make_first_admin()
    output = terminal.read_output()
    assert output.count(token) == 1
    assert not any(token in line for line in output.splitlines() if line.startswith("{"))


def test_a_person_logs_in_and_commands_run_as_this_person(terminal: Terminal) -> None:
    terminal.make_first_admin()
    login = terminal.run("login", EMAIL, typed=f"{PASSWORD}\n")
    assert PASSWORD not in login.output
    assert stat.S_IMODE(terminal.session_file.stat().st_mode) == 0o600
    assert terminal.run_json("whoami")["account"]["email"] == EMAIL
    assert "admin" in terminal.run("whoami").output
    assert [one["email"] for one in terminal.run_json("accounts", "list")["items"]] == [EMAIL]
    terminal.expire()
    assert terminal.run_json("whoami")["account"]["email"] == EMAIL
    terminal.run("logout")
    assert terminal.session_file.read_text().strip() == "{}"
    assert "no API key" in terminal.run("whoami", exit_code=1).output
    assert "nobody was logged in" in terminal.run("logout").output


def test_a_wrong_password_and_an_ended_session_are_errors(terminal: Terminal) -> None:
    terminal.make_first_admin()
    assert "is wrong" in terminal.run("login", EMAIL, "--password-stdin", typed="wrong password\n", exit_code=1).output
    terminal.run("login", EMAIL, "--password-stdin", typed=f"{PASSWORD}\n")
    sessions = json.loads(terminal.session_file.read_text())
    httpx.post(f"{terminal.url}/v1/auth/logout", json={"refresh_token": sessions[terminal.url]["refresh_token"]}, timeout=WAIT)
    terminal.expire()
    output = terminal.run("whoami", exit_code=1).output
    assert "has ended" in output
    assert "herold login" in output


def test_accounts_are_made_changed_and_deleted(terminal: Terminal) -> None:
    terminal.make_first_admin()
    terminal.run("login", EMAIL, "--password-stdin", typed=f"{PASSWORD}\n")
    added = terminal.run_json("accounts", "add", "ada@example.org", "--role", "operator", "--name", "Ada", "--no-e-mail")
    assert (added["role"], added["has_password"]) == ("operator", False)
    account = added["id"]
    assert "Ada" in terminal.run("accounts", "show", account).output
    assert terminal.run_json("accounts", "change", account, "--role", "viewer")["role"] == "viewer"
    assert "there is no project 'shop'" in terminal.run("accounts", "change", account, "--project", "shop", exit_code=1).output
    assert terminal.run_json("accounts", "disable", account)["state"] == "disabled"
    assert terminal.run_json("accounts", "enable", account)["state"] == "active"
    assert terminal.run_json("accounts", "revoke-sessions", account)["token_version"] == 2
    assert terminal.run_json("accounts", "reset-second-factor", account)["has_totp"] is False
    assert terminal.run_json("accounts", "send-link", account)["status"] == "accepted"
    assert "viewer" in terminal.run("accounts", "list", "--search", "ada").output
    terminal.run("accounts", "delete", account, "--yes")
    terminal.run("accounts", "show", account, exit_code=3)
