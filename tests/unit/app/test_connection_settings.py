"""Password and TLS files of settings become parts of the URLs that the clients of PostgreSQL and Redis read."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from app.settings import load_settings
from schemas.errors import SettingError
from tests.integration.kafka.secure_broker import KEY_PASSWORD, write_certificates

PASSWORD = "a&b=c %+"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with certificates."""
    write_certificates(tmp_path)
    (tmp_path / "empty").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read_parameters(url: str) -> dict[str, str]:
    """The parameters of a URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def build_variables(section: str, keys: dict[str, str]) -> dict[str, str]:
    """The environment variables of these keys."""
    return {f"HEROLD_{section.upper()}_{key.upper()}": value for key, value in keys.items()}


CERTIFICATE = {"certificate_file": "client-certificate.pem", "key_file": "client-key.pem", "key_password": KEY_PASSWORD}


def test_postgres_verifies_the_host_name(folder: Path) -> None:
    keys = {"url": "postgresql://u@h/d?application_name=x", "password": PASSWORD, "tls": "true", "ca_file": "authority.pem", **CERTIFICATE}
    assert read_parameters(load_settings(build_variables("postgres", keys)).postgres.url) == {
        "application_name": "x",
        "password": PASSWORD,
        "sslmode": "verify-full",
        "sslrootcert": "authority.pem",
        "sslcert": "client-certificate.pem",
        "sslkey": "client-key.pem",
        "sslpassword": KEY_PASSWORD,
    }


def test_redis_verifies_if_its_url_says_tls(folder: Path) -> None:
    keys = {"url": "rediss://u@h:1/0", "password": PASSWORD, "ca_file": "authority.pem", **CERTIFICATE}
    assert read_parameters(load_settings(build_variables("redis", keys)).redis.url) == {
        "password": PASSWORD,
        "ssl_ca_certs": "authority.pem",
        "ssl_certfile": "client-certificate.pem",
        "ssl_keyfile": "client-key.pem",
        "ssl_password": KEY_PASSWORD,
    }


@pytest.mark.parametrize(
    ("section", "keys", "problem"),
    [
        ("postgres", {"ca_file": "authority.pem"}, "postgres.ca_file: has no effect, because postgres.tls is false"),
        ("postgres", {"tls": "true", "ca_file": "none"}, "postgres.ca_file: none: no PEM certificates"),
        ("postgres", {"tls": "true", "ca_file": "empty"}, "postgres.ca_file: empty: no PEM certificates"),
        ("postgres", {"tls": "true", **CERTIFICATE, "key_password": "wr0ng"}, "postgres.certificate_file: .* are not a certificate"),
        ("postgres", {"tls": "true", **CERTIFICATE, "key_password": ""}, "postgres.certificate_file: .* are not a certificate"),
        ("postgres", {"tls": "true", **CERTIFICATE, "key_file": "none"}, "postgres.key_file: none cannot be read"),
        ("postgres", {"tls": "true", "key_file": "client-key.pem"}, "postgres.certificate_file: is empty"),
        ("postgres", {"url": "postgresql://u:p@h/d", "password": "wr0ng"}, "postgres.password: is set, and postgres.url has a password"),
        ("postgres", {"url": "postgresql://u@h/d?sslmode=require", "tls": "true"}, "postgres.url: has sslmode, which another key"),
        ("redis", {"key_file": "client-key.pem"}, "redis.key_file: has no effect, because redis.url does not begin with rediss://"),
        ("redis", {"url": "rediss://h", "certificate_file": "none"}, "redis.certificate_file: none cannot be read"),
    ],
)
def test_what_cannot_be_used_is_named(folder: Path, section: str, keys: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingError, match=problem) as raised:
        load_settings(build_variables(section, keys))
    assert "wr0ng" not in str(raised.value)
    assert KEY_PASSWORD not in str(raised.value)


def test_urls_without_further_keys_stay_as_they_are() -> None:
    settings = load_settings({"DATABASE_URL": "postgresql://u:p@h/d?sslmode=require", "REDIS_URL": "redis://:p@h/0"})
    assert (settings.postgres.url, settings.redis.url) == ("postgresql://u:p@h/d?sslmode=require", "redis://:p@h/0")
