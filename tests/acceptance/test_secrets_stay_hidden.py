"""No secret of the local stack is among the arguments of its processes, in its output or in that of commands."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from dev.stack.process_registry import ProcessRegistry
from tests.cluster import wait_until

HEROLD = str(Path(sys.executable).with_name("herold"))
COMMANDS = (
    ("db", "check"),
    ("topics", "check"),
    ("topics", "acls"),
    ("redis", "acl"),
    ("show", "ntf_0"),
    ("list", "u-42"),
    ("send", "--user", "u-42", "--type", "no.such.type"),
    ("tables", "get", "idempotency", "u-42", "k"),
)
FAILING_SETTINGS = (
    {"HEROLD_GATEWAY_PORT": "many"},
    {"DATABASE_URL": "postgresql://herold:pg-canary-7c1e@127.0.0.1:1/none", "REDIS_URL": "redis://:redis-canary-9a2d@127.0.0.1:1/0"},
    {"HEROLD_GATEWAY_API_KEY": "api-canary-3f8b"},
)
CANARIES = ("pg-canary-7c1e", "redis-canary-9a2d", "api-canary-3f8b")


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Path]:
    """The home of a running stack; its output is in `up.log` beside the home."""
    home, log = tmp_path / "home", tmp_path / "up.log"
    servers = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "REDIS_URL")
    env = {name: value for name, value in os.environ.items() if name not in servers}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(HEROLD, "up", env={**env, "HEROLD_HOME": str(home)}, stdout=output, stderr=output)

    async def is_ready() -> bool:
        assert process.returncode is None, log.read_text()[-3000:]
        return home.exists() and ProcessRegistry(home).is_ready()

    try:
        await wait_until(is_ready, 300, "the stack is ready", interval=0.2)
        yield home
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 120)


async def run_herold(home: Path, *arguments: str, **env: str) -> str:
    """All output of a command."""
    process = await asyncio.create_subprocess_exec(
        HEROLD,
        *arguments,
        env={**os.environ, "HEROLD_HOME": str(home), **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    return (await process.communicate())[0].decode()


def read_secrets(home: Path) -> dict[str, str]:
    """The secrets of the state file, and the private keys of the other files."""
    secrets: dict[str, str] = json.loads((home / "state.json").read_text())["secrets"]
    account = json.loads((home / "service-account.json").read_text())["private_key"]
    keys = {"service account": account, "signing key": (home / "sendgrid-event-webhook.pem").read_text()}
    return {**secrets, **{name: key.splitlines()[1] for name, key in keys.items()}}


def read_arguments(processes: Iterable[psutil.Process]) -> dict[str, str]:
    """What `ps` shows of the processes and of their children."""
    arguments = {}
    for child in (child for process in processes for child in (process, *process.children(recursive=True))):
        with suppress(psutil.NoSuchProcess):  # those of PostgreSQL come and go
            arguments[f"ps {child.pid} {child.name()}"] = " ".join(child.cmdline())
    return arguments


@pytest.mark.slow
async def test_no_secret_is_shown(stack: Path) -> None:
    records = ProcessRegistry(stack).read()
    arguments = read_arguments(psutil.Process(record.pid) for record in records.values())
    assert len(arguments) >= len(records)
    assert {"kafka", "postgres", "valkey", "gateway", "router", "simulators"} <= set(records)
    outputs = {f"herold {' '.join(command)}": await run_herold(stack, *command) for command in COMMANDS}
    for env in FAILING_SETTINGS:
        for command in COMMANDS[:2] + COMMANDS[4:6]:
            outputs[f"herold {' '.join(command)} with {sorted(env)}"] = await run_herold(stack, *command, **env)
    places = {**arguments, **outputs, "log": (stack.parent / "up.log").read_text()}
    secrets = {**read_secrets(stack), **{canary: canary for canary in CANARIES}}
    assert len(secrets) > 10
    shown = [(name, place) for name, value in secrets.items() for place, text in places.items() if value in text]
    assert shown == []
