"""Connections to a PostgreSQL server that accepts TLS only: verified by settings or by the DSN, also by migrations and commands."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.connection_settings import PostgresSection
from app.settings import load_settings
from schemas.errors import UnavailableError
from tables.postgres.database import open_database
from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.integration.kafka.secure_broker import KEY_PASSWORD
from tests.secure_postgres import CERTIFIED_USER, PASSWORD, SecurePostgres, start_secure_postgres, wait_until_available

PASSWORD_FILE = "HEROLD_POSTGRES_PASSWORD_FILE"


@pytest.fixture(scope="module")
def server(session_dir: Path) -> Iterator[SecurePostgres]:
    """A server for the tests of this file; its directory has a file with the password."""
    with start_secure_postgres(session_dir / "secure-postgres") as server:
        (server.directory / "password").write_text(f"{PASSWORD}\n")
        asyncio.run(wait_until_available(server))
        yield server


def build_environment(server: SecurePostgres, **changes: str) -> dict[str, str]:
    """The variables of a verified connection, with other values for some keys of `postgres`."""
    keys = {"url": server.url, "password_file": server.get_path("password"), "tls": "true", "ca_file": server.get_path("authority.pem")}
    return {f"HEROLD_POSTGRES_{key.upper()}": value for key, value in {**keys, **changes}.items()}


def build_section(server: SecurePostgres, **changes: str) -> PostgresSection:
    """The section of this environment."""
    return load_settings(build_environment(server, **changes)).postgres


async def read_connection(section: PostgresSection) -> tuple[str, str, bool]:
    """The user, the version of TLS, and whether the client has sent a certificate."""
    query = "select current_user as name, version, client_dn is not null as certified from pg_stat_ssl where pid = pg_backend_pid()"
    async with open_database(section.url) as database:
        row = (await database.fetch(query))[0]
    return row["name"], row["version"], row["certified"]


async def test_a_connection_is_verified_with_the_authority_of_the_settings(server: SecurePostgres) -> None:
    assert await read_connection(build_section(server)) == ("herold", "TLSv1.3", False)


async def test_a_connection_is_verified_as_the_dsn_says(server: SecurePostgres) -> None:
    url = f"{server.url}?sslmode=verify-full&sslrootcert={server.get_path('authority.pem')}"
    assert await read_connection(build_section(server, url=url, tls="false", ca_file="")) == ("herold", "TLSv1.3", False)


async def test_a_client_certificate_replaces_the_password(server: SecurePostgres) -> None:
    files = {"certificate_file": server.get_path("client-certificate.pem"), "key_file": server.get_path("client-key.pem")}
    section = build_section(
        server, url=server.url.replace("herold@", f"{CERTIFIED_USER}@"), password_file="", **files, key_password=KEY_PASSWORD
    )
    assert await read_connection(section) == (CERTIFIED_USER, "TLSv1.3", True)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"url": "localhost"}, "use a name of the certificate in postgres.url"),
        ({"ca_file": "other-authority.pem"}, "set postgres.ca_file to the certificates of its authority"),
        ({"ca_file": ""}, "set postgres.ca_file to the certificates of its authority"),
        ({"tls": "false", "ca_file": "", "url": "?sslmode=disable"}, "no pg_hba.conf entry"),
    ],
)
async def test_what_is_not_verified_is_refused(server: SecurePostgres, changes: dict[str, str], problem: str) -> None:
    values = {key: server.get_path(value) if value.endswith(".pem") else value for key, value in changes.items()}
    if url := changes.get("url"):
        values["url"] = server.url + url if url.startswith("?") else server.url.replace("127.0.0.1", url)
    with pytest.raises(UnavailableError, match=problem) as raised:
        await read_connection(build_section(server, **values))
    assert PASSWORD not in str(raised.value)


async def test_a_server_without_tls_is_refused(postgres_url: str, server: SecurePostgres) -> None:
    with pytest.raises(UnavailableError, match="rejected SSL upgrade"):
        await read_connection(build_section(server, url=postgres_url, password_file=""))


def test_commands_connect_in_the_same_way_and_name_a_server_that_is_too_old(server: SecurePostgres) -> None:
    herold: HeroldRunner = build_herold_runner(HEROLD_HOME=str(server.directory / "home"))
    env = build_environment(server)
    for command in ("upgrade", "check"):
        too_old = herold("db", command, **env)
        assert too_old.exit_code == 4, too_old.output
        assert "PostgreSQL 17.10 is too old: this release needs version 18 or later" in too_old.stderr
        refused = herold("db", command, **{**env, "HEROLD_POSTGRES_CA_FILE": server.get_path("other-authority.pem")})
        assert refused.exit_code == 4, refused.output
        assert "set postgres.ca_file" in refused.stderr
        assert PASSWORD not in refused.output
