"""The sections `kafka`, `postgres` and `redis` of faust.yml: how each process connects to the servers."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from app.settings_types import ConsentSeconds, NonEmptyStr, PositiveInt, Seconds, Section
from app.tls_files import build_client_context
from schemas.errors import SettingError

AUTHORITY_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""Debian and Alpine; Red Hat; macOS and BSD: asyncpg takes a file, and Python's default on some of them is a directory."""


class KafkaSecuritySection(Section, frozen=True):
    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
    username: str
    password: str
    token_file: str
    token_command: str
    ca_file: str
    certificate_file: str
    key_file: str
    key_password: str
    check_hostname: bool


class KafkaSection(Section, frozen=True):
    bootstrap_servers: NonEmptyStr
    topic_prefix: str
    topic_partitions: PositiveInt
    topic_replication_factor: PositiveInt
    min_insync_replicas: PositiveInt
    session_timeout: Seconds
    request_timeout: Seconds
    security: KafkaSecuritySection


class PostgresSection(Section, frozen=True):
    url: NonEmptyStr
    password: str
    tls: bool
    ca_file: str
    certificate_file: str
    key_file: str
    key_password: str
    pool_max_size: PositiveInt
    retention_days: PositiveInt


class RedisSection(Section, frozen=True):
    url: NonEmptyStr
    password: str
    ca_file: str
    certificate_file: str
    key_file: str
    key_password: str
    socket_timeout: Seconds
    profile_ttl: PositiveInt
    profile_check_interval: ConsentSeconds


def complete_postgres(section: PostgresSection) -> PostgresSection:
    """The section with password and TLS in its URL, as asyncpg and Alembic read them. Raises SettingError, which names the key."""
    parameters = {"password": section.password}
    if section.tls:
        _check_tls_files("postgres", section)
        parameters |= {
            "sslmode": "verify-full",
            "sslrootcert": section.ca_file or find_system_authorities("postgres.ca_file"),
            "sslcert": section.certificate_file,
            "sslkey": section.key_file,
            "sslpassword": section.key_password,
        }
    else:
        _reject_tls_keys("postgres", section, "postgres.tls is false: set it to true, or remove the key")
    return msgspec.structs.replace(section, url=_add_parameters("postgres", section.url, parameters))


def complete_redis(section: RedisSection) -> RedisSection:
    """The section with password and TLS in its URL, as the client reads them. Raises SettingError, which names the key."""
    parameters = {"password": section.password}
    if section.url.startswith("rediss://"):
        _check_tls_files("redis", section)
        parameters |= {
            "ssl_ca_certs": section.ca_file,
            "ssl_certfile": section.certificate_file,
            "ssl_keyfile": section.key_file,
            "ssl_password": section.key_password,
        }
    else:
        _reject_tls_keys("redis", section, "redis.url does not begin with rediss://")
    return msgspec.structs.replace(section, url=_add_parameters("redis", section.url, parameters))


def find_system_authorities(key: str) -> str:
    """The file with the certificate authorities of this system. Raises SettingError if it has none."""
    for file in (ssl.get_default_verify_paths().cafile, *AUTHORITY_FILES):
        if file is not None and Path(file).is_file():
            return file
    raise SettingError(key, "is empty, and this system has no file of authorities: name one")


def _check_tls_files(name: str, section: PostgresSection | RedisSection) -> None:
    build_client_context(name, section.ca_file, section.certificate_file, section.key_file, section.key_password)


def _reject_tls_keys(name: str, section: PostgresSection | RedisSection, reason: str) -> None:
    for key in ("ca_file", "certificate_file", "key_file", "key_password"):
        if getattr(section, key):
            raise SettingError(f"{name}.{key}", f"has no effect, because {reason}")


def _add_parameters(name: str, url: str, parameters: Mapping[str, str]) -> str:
    """The URL with these parameters behind its own; those without a value are left out."""
    given = {key: value for key, value in parameters.items() if value}
    if not given:
        return url
    parts = urlsplit(url)
    if given.get("password") and ":" in parts.netloc.rpartition("@")[0]:
        raise SettingError(f"{name}.password", f"is set, and {name}.url has a password, too: remove one")
    if both := set(parse_qs(parts.query)) & set(given):
        raise SettingError(f"{name}.url", f"has {min(both)}, which another key of the section says, too: remove one")
    return url + ("&" if parts.query else "?") + urlencode(given)
