"""`herold audit` against a gateway process with a real database."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tables.postgres.database import open_database
from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import run_gateway, wait_until_listening
from tests.integration.audit.logs import Logs

SIGNING_KEY = b64encode(b"k" * 32).decode()  # the secret of tests.integration.audit.logs.KEYS


@pytest.fixture
def herold(tmp_path: Path, database_copy_url: str) -> Iterator[HeroldRunner]:
    env = {"DATABASE_URL": database_copy_url, "HEROLD_GATEWAY_API_KEY": API_KEY, "HEROLD_AUDIT_SIGNING_KEY": SIGNING_KEY}
    with run_gateway(**env) as (process, port):
        wait_until_listening(process, port)
        yield build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), HEROLD_URL=f"http://127.0.0.1:{port}", COLUMNS="300", **env)


def link(url: str) -> None:
    """Link and sign what waits, as a scheduler does."""

    async def run() -> None:
        async with open_database(url) as database:
            await Logs(database).link()

    asyncio.run(run())


def tamper(url: str, statement: str) -> None:
    """What somebody does who has all rights on the database."""

    async def run() -> None:
        async with open_database(url) as database:
            await Logs(database).tamper(statement)

    asyncio.run(run())


def run_json(herold: HeroldRunner, *args: str, exit_code: int = 0) -> Any:
    """What a command prints with --json."""
    result = herold(*args, "--json")
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def test_changes_are_listed_and_verified_until_somebody_tampers(herold: HeroldRunner, database_copy_url: str) -> None:
    for tier in ("silver", "gold", "silver"):  # the later ones read the user, which is an entry when the minute is over
        assert herold("users", "set", "u-1", "--tier", tier).exit_code == 0
    assert herold("preferences", "set", "u-1", "in", "--category", "marketing").exit_code == 0
    link(database_copy_url)

    listed = herold("audit", "list", "--object-type", "user", "--since", "-1h")
    assert "user u-1" in listed.output
    assert "key:bootstrap" in listed.output
    verified = run_json(herold, "audit", "verify")["logs"]
    assert [(one["log"], one["entries"], one["signed"], one["problem"]) for one in verified] == [("audit", 3, 3, ""), ("consent", 1, 1, "")]
    head = herold("audit", "head").output.partition("audit:")[2].split()[0]
    assert "unchanged" in herold("audit", "verify", "--head", f"audit:{head}").output

    tamper(database_copy_url, "delete from log_chain where log = 'audit' and number = 3")
    tamper(database_copy_url, "delete from log_checkpoints where log = 'audit'")
    tamper(database_copy_url, "delete from audit_log where details ->> 'version' = (select max(details ->> 'version') from audit_log)")
    cut = herold("audit", "verify", "--log", "audit", "--head", f"audit:{head}")
    assert (cut.exit_code, "was cut after entry 2" in cut.output) == (1, True)
    tamper(database_copy_url, "update audit_log set actor = 'x'")
    assert "entry 1 of the audit log" in run_json(herold, "audit", "verify", exit_code=1)["logs"][0]["problem"]


@pytest.mark.parametrize("head", ["audit", "audit:1", "audit:x:00", "other:1:" + "00" * 32, "audit:1:00", "audit:0:" + "00" * 32])
def test_a_head_that_is_none_is_named(head: str) -> None:
    result = build_herold_runner()("audit", "verify", "--head", head)
    assert (result.exit_code, "is not LOG:NUMBER:HASH" in result.output) == (2, True)


def test_a_proof_is_made_and_verified(herold: HeroldRunner, tmp_path: Path) -> None:
    assert herold("users", "set", "u-1", "--email", "ada@example.org").exit_code == 0
    assert herold("preferences", "set", "u-1", "in", "--category", "marketing").exit_code == 0
    file = tmp_path / "proof.json"
    made = herold("consent", "proof", "u-1", "--output", str(file))
    assert (made.exit_code, "1 events of consent and 0 deliveries" in made.output) == (0, True), made.output
    assert file.stat().st_mode & 0o077 == 0
    key = run_json(herold, "audit", "head")["public_key"]
    verified = herold("consent", "verify", str(file), "--public-key", key)
    assert (verified.exit_code, "marketing" in verified.output, "valid" in verified.output) == (0, True, True)
    assert "compare it with the one" in herold("consent", "verify", str(file)).output

    other = b64encode(bytes(32)).decode()
    assert run_json(herold, "consent", "verify", str(file), "--public-key", other, exit_code=1)["problem"].startswith(
        "it is signed with another key"
    )
    file.write_text(file.read_text().replace('"new_choice": "in"', '"new_choice": "out"'))
    assert "not valid: its signature is wrong" in herold("consent", "verify", str(file)).output
    file.write_text("{")
    assert herold("consent", "verify", str(file)).exit_code == 1


def test_without_a_key_nothing_is_proven(tmp_path: Path, database_copy_url: str) -> None:
    env = {"DATABASE_URL": database_copy_url, "HEROLD_GATEWAY_API_KEY": API_KEY}
    with run_gateway(**env) as (process, port):
        wait_until_listening(process, port)
        herold = build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), HEROLD_URL=f"http://127.0.0.1:{port}", **env)
        result = herold("consent", "proof", "u-1")
    assert (result.exit_code, "audit.signing_key is empty" in result.output) == (1, True)
