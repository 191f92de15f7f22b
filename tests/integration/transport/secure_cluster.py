"""An installation with everything on: TLS to all servers and between the roles, a user with few rights for each, all secrets in files."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.secret_files import SECRETS
from app.topology import ROLES
from dev.stack.herold_services import build_callback_options, build_simulators_command
from dev.stack.stack import ServerUrls
from tests.cluster import HeroldCluster
from tests.integration.kafka.secure_broker import SecureBroker, build_security_environment, write_certificates
from tests.secure_postgres import PASSWORD as POSTGRES_PASSWORD
from tests.secure_postgres import SecurePostgres
from tests.secure_redis import PASSWORD as REDIS_PASSWORD
from tests.secure_redis import SecureRedis

KAFKA_USERS = {f"herold-{role}": f"kafka-{role}-4d1c-secret" for role in (*ROLES, "gateway", "admin")}


@dataclass(frozen=True)
class SecureServers:
    """The three servers, and the URL of Redis for its administrator."""

    broker: SecureBroker
    postgres: SecurePostgres
    redis: SecureRedis
    redis_url: str


class SecureCluster(HeroldCluster):
    """Its gateway and workers have HTTPS, and each process has the Kafka user of its role."""

    def __init__(self, home: Path, servers: SecureServers, prefix: str) -> None:
        urls = ServerUrls(servers.broker.plaintext, servers.postgres.build_trusted_url(), servers.redis_url)
        super().__init__(home, urls, prefix)
        self.servers, self.certificates = servers, home / "certificates"
        self.certificates.mkdir()
        write_certificates(self.certificates)
        self.secrets: dict[str, str] = {}
        for variable in ("DATABASE_URL", "REDIS_URL"):
            del self.env[variable]
        self.env |= build_transport_environment(self)
        self._move_secrets_to_files()

    def build_url(self, name: str, path: str) -> str:
        """Build a URL of a process's web server; only the simulators have HTTP."""
        return super().build_url(name, path).replace("http://", "http://" if name == "simulators" else "https://")

    def build_kafka_environment(self, role: str) -> dict[str, str]:
        """The variables with the Kafka user of a role."""
        keys = {"username": f"herold-{role}", "password_file": self.write_secret(f"kafka-{role}", KAFKA_USERS[f"herold-{role}"])}
        return build_security_environment(keys)

    def write_secret(self, name: str, value: str) -> str:
        """Write a secret to a file; returns its path."""
        file = self.home / f"{name}.secret"
        file.write_text(f"{value}\n")
        file.chmod(0o600)
        self.secrets[name] = value
        return str(file)

    async def start_role(self, role: str, user: str = "") -> None:
        """Start the gateway or a worker as its user, and wait until it is ready."""
        env = self.build_kafka_environment(user or role)
        if role == "gateway":
            self.start_process("gateway", (sys.executable, "-m", "app.api"), **env)
            await self.wait_until_ready("gateway", "/readyz")
        else:
            await self.start_worker(role, **env)

    async def start_reporting_simulators(self) -> None:
        """Start the simulators, which verify the gateway to which they report."""
        command = build_simulators_command(self.get_port("simulators"), self.home / "requests.jsonl", self.env)
        options = [option.replace("http://", "https://") for option in build_callback_options(self.state)]
        self.start_process("simulators", (*command, *options), SSL_CERT_FILE=str(self.certificates / "authority.pem"))
        await self.wait_until_ready("simulators", "/healthz")

    def _move_secrets_to_files(self) -> None:
        for path in SECRETS:
            variable = f"HEROLD_{path.replace('.', '_').upper()}"
            if value := self.env.pop(variable, ""):
                self.env[f"{variable}_FILE"] = self.write_secret(path, value)


def build_transport_environment(cluster: SecureCluster) -> dict[str, str]:
    """The variables of every process of the cluster."""
    servers, certificates = cluster.servers, cluster.certificates
    pair, authority = str(certificates / "broker.pem"), str(certificates / "authority.pem")
    return {
        "KAFKA_BOOTSTRAP_SERVERS": servers.broker.sasl,
        **build_security_environment({"protocol": "SASL_SSL", "ca_file": servers.broker.get_path("authority.pem")}),
        "HEROLD_POSTGRES_URL": servers.postgres.url,
        "HEROLD_POSTGRES_PASSWORD_FILE": cluster.write_secret("postgres", POSTGRES_PASSWORD),
        "HEROLD_POSTGRES_TLS": "true",
        "HEROLD_POSTGRES_CA_FILE": servers.postgres.get_path("authority.pem"),
        "HEROLD_REDIS_URL": servers.redis.url,
        "HEROLD_REDIS_PASSWORD_FILE": cluster.write_secret("redis", REDIS_PASSWORD),
        "HEROLD_REDIS_CA_FILE": servers.redis.get_path("authority.pem"),
        "HEROLD_REDIS_SOCKET_TIMEOUT": "10",  # seconds, for a busy machine
        "HEROLD_GATEWAY_TLS_CERTIFICATE_FILE": pair,
        "HEROLD_GATEWAY_TLS_CA_FILE": authority,
        "HEROLD_WORKER_WEB_TLS_CERTIFICATE_FILE": pair,
        "HEROLD_WORKER_WEB_TLS_CA_FILE": authority,
    }


@asynccontextmanager
async def run_secure_cluster(home: Path, servers: SecureServers, prefix: str, monkeypatch: Any) -> AsyncIterator[SecureCluster]:
    """A cluster with topics and schema; this process verifies its web servers as well."""
    cluster = SecureCluster(home, servers, prefix)
    monkeypatch.setenv("SSL_CERT_FILE", str(cluster.certificates / "authority.pem"))
    try:
        await cluster.create_schema()
        yield cluster
    finally:
        await cluster.close()


async def run_command(cluster: SecureCluster, herold: Any, *arguments: str, **env: str) -> Any:
    """The result of a command of `herold` as the Kafka user of the administrator, or as another one."""
    return await asyncio.to_thread(herold, *arguments, **{**cluster.env, **cluster.build_kafka_environment("admin"), **env})
