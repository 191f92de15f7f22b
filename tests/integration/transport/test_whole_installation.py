"""The whole product with encryption, verification and least rights on every connection (docs/transport.md)."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.cluster import fetch_url, wait_until
from tests.herold_runner import build_herold_runner
from tests.integration.kafka.secure_broker import SecureBroker, build_security_environment, start_secure_broker
from tests.integration.kafka.secure_broker import wait_until_available as wait_until_broker_available
from tests.integration.transport.secure_cluster import KAFKA_USERS, SecureCluster, SecureServers, run_command, run_secure_cluster
from tests.secure_postgres import run_tls_postgres
from tests.secure_redis import run_secure_redis

STARTED_ROLES = ("gateway", "router", "email", "scheduler", "recorder")
SEND = ("send", "--user", "u-42", "--type", "order.shipped", "--to", "email=ada@example.org", "--channel", "email", "--json")
DATA = ("--data", "name=Ada", "--data", "order=17", "--data", "eta=today", "--data", 'items:=["book"]')


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    with start_secure_broker(tmp_path_factory.mktemp("broker"), KAFKA_USERS) as broker:
        asyncio.run(wait_until_broker_available(broker))
        yield broker


@pytest.fixture
async def cluster(
    broker: SecureBroker, postgres_url: str, redis_url: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SecureCluster]:
    for name in ("postgres", "redis", "cluster"):
        (tmp_path / name).mkdir()
    async with (
        run_tls_postgres(postgres_url, prefix.strip("-"), tmp_path / "postgres") as postgres,
        run_secure_redis(redis_url, prefix, tmp_path / "redis") as redis,
    ):
        servers = SecureServers(broker, postgres, redis, redis_url)
        async with run_secure_cluster(tmp_path / "cluster", servers, prefix, monkeypatch) as cluster:
            yield cluster


@pytest.fixture
def herold(tmp_path: Path) -> Any:
    """Runs `herold` without a state file."""
    return build_herold_runner(HEROLD_HOME=str(tmp_path / "home"))


async def apply_acls(cluster: SecureCluster, herold: Any) -> None:
    """Create the ACLs of all roles, over the listener whose clients may do everything."""
    env = {**cluster.env, "KAFKA_BOOTSTRAP_SERVERS": cluster.servers.broker.plaintext}
    env |= build_security_environment({"protocol": "PLAINTEXT", "ca_file": ""})
    applied = await asyncio.to_thread(herold, "topics", "acls", "--apply", **env)
    assert applied.exit_code == 0, applied.output
    assert "ACLs of 9 roles exist" in applied.stdout


async def test_a_notification_is_delivered_over_encrypted_connections_only(cluster: SecureCluster, herold: Any) -> None:
    await apply_acls(cluster, herold)
    await cluster.start_reporting_simulators()
    await asyncio.gather(*map(cluster.start_role, STARTED_ROLES))
    for options in ((), ("--send-at", "+2s")):
        sent = await run_command(cluster, herold, *SEND, *DATA, *options)
        assert sent.exit_code == 0, sent.output
        await wait_until_delivered(cluster, herold, json.loads(sent.stdout)["id"])
    state = await run_command(cluster, herold, "state", "u-42", "--json")  # the gateway asks a worker, which Redis names
    assert state.exit_code == 0, state.output
    workers = json.loads(state.stdout)["workers"]
    assert set(workers) == {"router", "scheduler"}
    assert all(url.startswith("https://") for url in workers.values())
    check = await run_command(cluster, herold, "topics", "check")
    assert (check.exit_code, check.stdout) == (0, "all topics match the catalogue\n"), check.output
    assert b'"kafka":{"status":"ok"' in await asyncio.to_thread(fetch_url, cluster.build_url("gateway", "/readyz"))
    require_no_secrets(cluster, sent.output + state.output)


async def wait_until_delivered(cluster: SecureCluster, herold: Any, notification_id: str) -> None:
    async def is_delivered() -> bool:
        shown = await run_command(cluster, herold, "show", notification_id, "--json")
        return '"DELIVERED"' in shown.stdout

    await wait_until(is_delivered, 120, f"{notification_id} is delivered", interval=0.2)


def require_no_secrets(cluster: SecureCluster, output: str) -> None:
    """No secret is among the arguments of a process, in its environment, in a log or in an output."""
    logs = "".join(cluster.get_log_path(name).read_text() for name in cluster.processes)
    processes = [psutil.Process(process.pid) for process in cluster.processes.values()]
    arguments = " ".join(word for process in processes for word in process.cmdline())
    environments = " ".join(value for process in processes for value in process.environ().values())
    places = {"ps": arguments, "environment": environments, "log": logs, "output": output}
    assert len(cluster.secrets) > 10
    for name, value in cluster.secrets.items():
        found = [place for place, text in places.items() if value in text]
        assert not found, f"{name} is in {found}"


async def test_a_role_with_the_user_of_another_one_says_what_it_may_not_do(cluster: SecureCluster, herold: Any) -> None:
    await apply_acls(cluster, herold)
    with pytest.raises(RuntimeError) as raised:
        await cluster.start_role("router", user="email")
    assert "the user herold-email of kafka.security has no right to" in str(raised.value)
    assert f"on the topic {cluster.prefix}notifications.high" in str(raised.value)
    assert "let the role router connect as its own user, or run `herold topics acls --apply`" in str(raised.value)
    cluster.processes.pop("router").wait()
    cluster.start_process("gateway", (sys.executable, "-m", "app.api"), **cluster.build_kafka_environment("email"))

    async def says_why() -> bool:
        return "has no right to" in await asyncio.to_thread(read_readiness, cluster)

    await wait_until(says_why, 60, "the gateway says why it is not ready", interval=0.1)
    assert f"{cluster.prefix}notifications.high" in read_readiness(cluster)


def read_readiness(cluster: SecureCluster) -> str:
    """The body of the readiness, whatever its status; nothing if the gateway does not listen yet."""
    try:
        return httpx.get(cluster.build_url("gateway", "/readyz")).text
    except httpx.TransportError:
        return ""
