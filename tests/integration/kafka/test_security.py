"""The whole product against a broker with TLS and authentication, whose other listeners no process of Herold knows."""

import asyncio
import inspect
import json
import shlex
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dev.stack.stack import ServerUrls
from tests.cluster import HeroldCluster, get_faust_path, wait_until
from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.integration.kafka.secure_broker import (
    KEY_PASSWORD,
    PASSWORD,
    USERNAME,
    SecureBroker,
    build_security_environment,
    build_token,
    list_variants,
    start_secure_broker,
    wait_until_available,
)

EXPECTED = "the broker does not accept the username and password of kafka.security"
SECRETS = (PASSWORD, KEY_PASSWORD, "wrong-password")
SHORT_LIFETIME = 4  # seconds
TOKEN_PROGRAM = "import base64, json, time\n" + inspect.getsource(build_token).replace("USERNAME", repr(USERNAME))
SEND = ("send", "--user", "u-42", "--type", "order.shipped", "--to", "email=ada@example.org", "--channel", "email")
DATA = ("--data", "name=Ada", "--data", "order=17", "--data", "eta=today", "--data", 'items:=["book"]')


@pytest.fixture(scope="module")
def secure_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """A broker for the tests of this file."""
    with start_secure_broker(tmp_path_factory.mktemp("secure-broker")) as broker:
        asyncio.run(wait_until_available(broker))
        yield broker


def build_environment(broker: SecureBroker, variant: str, **changes: str) -> dict[str, str]:
    """The environment of a process that connects in this way, with other values for some keys of `kafka.security`."""
    address, keys = list_variants(broker)[variant]
    return {"KAFKA_BOOTSTRAP_SERVERS": address, **build_security_environment({**keys, **changes})}


@pytest.fixture
def herold(tmp_path: Path) -> HeroldRunner:
    """Runs `herold` without a state file."""
    return build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), HEROLD_KAFKA_TOPIC_PARTITIONS="4")


@pytest.mark.parametrize("variant", ["PLAIN", "SCRAM-SHA-512", "OAUTHBEARER command", "client certificate"])
async def test_router_email_gateway_and_cli_run_end_to_end(
    secure_broker: SecureBroker, variant: str, tmp_path: Path, database_url: str, redis_url: str, herold: HeroldRunner
) -> None:
    env = build_environment(secure_broker, variant)
    prefix = f"t-{uuid.uuid4().hex[:12]}-"
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(secure_broker.plaintext, database_url, redis_url), prefix, **env)
    try:
        await cluster.create_schema()
        await cluster.start_simulators()
        await asyncio.gather(cluster.start_gateway(), cluster.start_worker("router"), cluster.start_worker("email"))
        cli_env = {**cluster.env, "HEROLD_HOME": str(tmp_path / "home")}
        sent = await asyncio.to_thread(herold, *SEND, *DATA, "--json", **cli_env)
        assert sent.exit_code == 0, sent.output
        await cluster.wait_for_requests(1)
        tailed = await asyncio.to_thread(herold, "tail", "--from-start", "--count", "2", "--json", **cli_env)
        assert [json.loads(line).get("status") for line in tailed.stdout.splitlines()] == [None, "SENT"]
        assert "all topics match" in (await asyncio.to_thread(herold, "topics", "check", **cli_env)).stdout
        await wait_for_readiness(cluster, '"consumer_lag":{"status":"ok"}')
        logs = "".join(cluster.get_log_path(name).read_text() for name in ("gateway", "router", "email"))
        assert not [secret for secret in SECRETS if secret in logs]
    finally:
        await cluster.close()


@pytest.mark.parametrize("variant", ["SCRAM-SHA-256", "OAUTHBEARER file", "without TLS", "host name unchecked"])
def test_the_other_ways_connect(secure_broker: SecureBroker, variant: str, herold: HeroldRunner, prefix: str) -> None:
    env = {**build_environment(secure_broker, variant), "HEROLD_KAFKA_TOPIC_PREFIX": prefix}
    if variant == "host name unchecked":  # the broker names itself 127.0.0.1; only the first connection uses another name
        assert herold("topics", "check", **{**env, "HEROLD_KAFKA_SECURITY_CHECK_HOSTNAME": "true"}).exit_code == 4
    result = herold("topics", "check", **env)
    assert result.exit_code == 1, result.output
    assert "missing" in result.stdout


@pytest.mark.parametrize(
    ("variant", "changes", "expected"),
    [
        ("SCRAM-SHA-512", {"password": "wrong-password"}, "authentication failed: the broker does not accept the username and password"),
        ("PLAIN", {"password": "wrong-password"}, "authentication failed: the broker does not accept the username and password"),
        ("PLAIN", {"ca_file": "other-authority.pem"}, "set kafka.security.ca_file to the certificates of its authority"),
        ("PLAIN", {"protocol": "SASL_PLAINTEXT", "ca_file": ""}, "the broker closed the connection: check whether its listener has"),
        ("without TLS", {"protocol": "SASL_SSL"}, "check whether its listener has"),
        ("host name unchecked", {"check_hostname": "true"}, "use a name of the certificate in kafka.bootstrap_servers"),
        ("client certificate", {"certificate_file": "", "key_file": "", "key_password": ""}, "check kafka.security.certificate_file"),
        ("OAUTHBEARER command", {"token_command": "false"}, "kafka.security.token_command: false ended with exit code 1"),
        ("OAUTHBEARER command", {"token_command": "echo no-token"}, "does not accept the token of kafka.security"),
    ],
)
def test_a_connection_that_fails_says_what_to_correct(
    secure_broker: SecureBroker, variant: str, changes: dict[str, str], expected: str, herold: HeroldRunner
) -> None:
    files = {key: secure_broker.get_path(value) for key, value in changes.items() if value.endswith(".pem")}
    env = build_environment(secure_broker, variant, **changes | files)
    for command in (("topics", "check"), ("tail",)):
        result = herold(*command, **env)
        assert result.exit_code == 4, result.output
        assert expected in result.stderr
        assert not [secret for secret in SECRETS if secret in result.output]


def read_readiness(cluster: HeroldCluster) -> str:
    """The body of the gateway's readiness, whatever its status; nothing if it does not listen yet."""
    try:
        return httpx.get(cluster.build_url("gateway", "/readyz"), trust_env=False, timeout=60).text
    except httpx.TransportError:
        return ""


async def wait_for_readiness(cluster: HeroldCluster, text: str) -> None:
    """Wait until the readiness of the gateway contains this text."""

    async def is_contained() -> bool:
        return text in await asyncio.to_thread(read_readiness, cluster)

    await wait_until(is_contained, 60, f"{text} in the readiness of the gateway", interval=0.1)


async def test_a_wrong_password_ends_a_worker_and_shows_in_the_readiness_of_the_gateway(
    secure_broker: SecureBroker, tmp_path: Path, database_url: str, redis_url: str, prefix: str
) -> None:
    env = build_environment(secure_broker, "SCRAM-SHA-512", password="wrong-password")
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(secure_broker.plaintext, database_url, redis_url), prefix, **env)
    try:
        await cluster.create_schema()
        cluster.start_process("router", (get_faust_path(), "--quiet", "-A", "app.main:router", "worker"))
        cluster.start_process("gateway", (sys.executable, "-m", "app.api"))
        await wait_for_readiness(cluster, EXPECTED)
        assert await asyncio.to_thread(cluster.processes["router"].wait, 60) != 0
        log = cluster.get_log_path("router").read_text()
        assert EXPECTED in log
        assert not [secret for secret in SECRETS if secret in log]
    finally:
        await cluster.close()


async def test_a_token_is_replaced_when_it_expires_and_nothing_is_lost(
    secure_broker: SecureBroker, tmp_path: Path, database_url: str, redis_url: str, herold: HeroldRunner, prefix: str
) -> None:
    runs, program = tmp_path / "runs", tmp_path / "print_token.py"
    program.write_text(f"{TOKEN_PROGRAM}\nopen({str(runs)!r}, 'a').write('x')\nprint(build_token({SHORT_LIFETIME}))\n")
    command = shlex.join([sys.executable, "-S", str(program)])
    env = build_environment(secure_broker, "OAUTHBEARER command", token_command=command)
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(secure_broker.plaintext, database_url, redis_url), prefix, **env)
    try:
        await cluster.create_schema()
        await cluster.start_simulators()
        await asyncio.gather(cluster.start_gateway(), cluster.start_worker("router"), cluster.start_worker("email"))
        run_count = len(runs.read_text())

        async def have_run_again() -> bool:
            return len(runs.read_text()) >= run_count + 2 * len(cluster.processes)

        await wait_until(have_run_again, 60, "the command has run again in all processes")
        sent = await asyncio.to_thread(herold, *SEND, *DATA, "--json", **cluster.env, HEROLD_HOME=str(tmp_path / "home"))
        assert sent.exit_code == 0, sent.output
        await cluster.wait_for_requests(1)
    finally:
        await cluster.close()
