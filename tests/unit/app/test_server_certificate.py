"""The certificate of a server: the keys that name it, and what happens when its files change."""

import logging
import shutil
import ssl
from pathlib import Path

import pytest

from app.api.gateway import build_server_certificate
from app.server_certificate import ServerCertificate
from app.settings import load_settings
from app.workers.web_access import build_web_certificate, build_web_client_context
from schemas.errors import SettingError
from tests.integration.kafka.secure_broker import KEY_PASSWORD, write_certificates

PAIR = {"certificate_file": "client-certificate.pem", "key_file": "client-key.pem", "key_password": KEY_PASSWORD}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with certificates."""
    write_certificates(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(section: str, **keys: str) -> ServerCertificate | None:
    """The certificate of the gateway or of a worker with these keys."""
    prefix = {"gateway": "HEROLD_GATEWAY_TLS_", "worker": "HEROLD_WORKER_WEB_TLS_"}[section]
    settings = load_settings({f"{prefix}{key.upper()}": value for key, value in keys.items()})
    return build_server_certificate(settings.gateway) if section == "gateway" else build_web_certificate(settings.worker)


@pytest.mark.parametrize("section", ["gateway", "worker"])
def test_without_a_certificate_there_is_no_tls(section: str) -> None:
    assert build(section) is None


@pytest.mark.parametrize("section", ["gateway", "worker"])
def test_versions_before_1_2_are_off(folder: Path, section: str) -> None:
    certificate = build(section, **PAIR)
    assert certificate is not None
    assert certificate.context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(("section", "prefix"), [("gateway", "gateway.tls"), ("worker", "worker.web_tls")])
@pytest.mark.parametrize(
    ("keys", "named", "problem"),
    [
        ({**PAIR, "certificate_file": "none.pem"}, "certificate_file", "none.pem cannot be read: No such file"),
        ({**PAIR, "key_file": "none.pem"}, "key_file", "none.pem cannot be read: No such file"),
        ({**PAIR, "key_file": ""}, "certificate_file", "are not a certificate and its key"),
        ({**PAIR, "key_password": "wr0ng"}, "certificate_file", "are not a certificate and its key"),
        ({**PAIR, "key_password": ""}, "certificate_file", "are not a certificate and its key"),
        ({"key_file": "client-key.pem"}, "key_file", "has no effect without"),
        ({"key_password": "wr0ng"}, "key_password", "has no effect without"),
    ],
)
def test_what_cannot_be_used_is_named(folder: Path, section: str, prefix: str, keys: dict[str, str], named: str, problem: str) -> None:
    with pytest.raises(SettingError, match=problem) as raised:
        build(section, **keys)
    assert raised.value.key == f"{prefix}_{named}"
    assert "wr0ng" not in str(raised.value)
    assert KEY_PASSWORD not in str(raised.value)


def test_changed_files_are_used_if_they_fit(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copy("broker.pem", "server.pem")
    certificate = ServerCertificate("gateway.tls_certificate_file", "server.pem", "", "")
    first = certificate._current
    assert not certificate.reload_if_changed()
    shutil.copy("broker-certificate.pem", "server.pem")  # without the key
    with caplog.at_level(logging.INFO):
        assert not certificate.reload_if_changed()
        assert not certificate.reload_if_changed()  # says so once
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert certificate._current is first
    Path("server.pem").unlink()
    assert not certificate.reload_if_changed()
    shutil.copy("client.pem", "server.pem")
    assert certificate.reload_if_changed()
    assert certificate._current is not first


@pytest.mark.parametrize(
    ("env", "key"),
    [
        ({"HEROLD_WORKER_WEB_BIND": "0.0.0.0"}, "worker.web_bind"),
        ({"HEROLD_WORKER_WEB_BIND": "::"}, "worker.web_bind"),
        ({"HEROLD_WORKER_WEB_BIND": "10.0.0.7"}, "worker.web_bind"),
        ({"HEROLD_WORKER_WEB_BIND": "worker.example.org"}, "worker.web_bind"),
        ({"HEROLD_WORKER_WEB_PROTECT_ALL": "true"}, "worker.web_protect_all"),
    ],
)
def test_a_worker_that_others_reach_needs_a_token(env: dict[str, str], key: str) -> None:
    port = {"HEROLD_WORKER_WEB_PORT": "6066"}
    with pytest.raises(SettingError) as raised:
        build_web_certificate(load_settings({**port, **env}).worker)
    assert raised.value.key == key
    build_web_certificate(load_settings({**port, **env, "HEROLD_WORKER_WEB_TOKEN": "t"}).worker)


@pytest.mark.parametrize(
    "env",
    [
        {"HEROLD_WORKER_WEB_BIND": "0.0.0.0"},  # without a port
        {"HEROLD_WORKER_WEB_BIND": "0.0.0.0", "HEROLD_WORKER_WEB_PORT": "1", "HEROLD_WORKER_WEB_ALLOW_PUBLIC": "true"},
        {"HEROLD_WORKER_WEB_BIND": "127.0.0.2", "HEROLD_WORKER_WEB_PORT": "1"},
        {"HEROLD_WORKER_WEB_BIND": "::1", "HEROLD_WORKER_WEB_PORT": "1"},
        {"HEROLD_WORKER_WEB_BIND": "localhost", "HEROLD_WORKER_WEB_PORT": "1"},
    ],
)
def test_other_workers_need_none(env: dict[str, str]) -> None:
    assert build_web_certificate(load_settings(env).worker) is None


def test_clients_verify_workers_with_the_authority_of_the_settings(folder: Path) -> None:
    assert build_web_client_context(load_settings({}).worker) is True
    context = build_web_client_context(load_settings({"HEROLD_WORKER_WEB_TLS_CA_FILE": "authority.pem"}).worker)
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname, len(context.get_ca_certs())) == (ssl.CERT_REQUIRED, True, 1)
    with pytest.raises(SettingError, match=r"worker\.web_tls_ca_file: none: no PEM"):
        build_web_client_context(load_settings({"HEROLD_WORKER_WEB_TLS_CA_FILE": "none"}).worker)
