"""HTTPS of the gateway: clients that verify it, a certificate that is renewed while it runs, and what it refuses."""

import http.client
import os
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.api.security_headers import HSTS_MAX_AGE
from tests.contracts.http.certificates import sign_certificate
from tests.herold_runner import build_herold_runner
from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import read_start_error, run_gateway, wait_until_listening
from tests.integration.kafka.secure_broker import KEY_PASSWORD, PEM, encode_key, write_certificates

WAIT = 60.0  # seconds, after which a test fails


class Authority:
    """An authority that signs certificates for 127.0.0.1, each into the same two files, as a renewal does."""

    def __init__(self, directory: Path) -> None:
        self.directory, self._key = directory, ec.generate_private_key(ec.SECP256R1())
        certificate = sign_certificate("authority", self._key, "authority", self._key, is_authority=True)
        self.file = directory / "ca.pem"
        self.file.write_bytes(certificate.public_bytes(PEM))

    def renew(self, name: str, password: str = "") -> bytes:
        """Replace certificate and key, each atomically; returns the certificate as DER."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = sign_certificate(name, key, "authority", self._key, is_authority=False, host_names=())
        for file, content in (("gateway-key.pem", encode_key(key, password)), ("gateway.pem", certificate.public_bytes(PEM))):
            new_file = self.directory / f"{file}.new"
            new_file.write_bytes(content)
            os.replace(new_file, self.directory / file)
        return ssl.PEM_cert_to_DER_cert(certificate.public_bytes(PEM).decode())

    def build_environment(self, **changes: str) -> dict[str, str]:
        """The variables of a gateway with these files."""
        keys = {"certificate_file": self.directory / "gateway.pem", "key_file": self.directory / "gateway-key.pem", **changes}
        return {"HEROLD_GATEWAY_API_KEY": API_KEY} | {f"HEROLD_GATEWAY_TLS_{key.upper()}": str(value) for key, value in keys.items()}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def build_context(authority: Authority, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """What a client verifies the gateway with; `version`: the only one that it speaks."""
    context = ssl.create_default_context(cafile=authority.file)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def fetch(port: int, context: ssl.SSLContext, path: str = "/healthz", host: str = "127.0.0.1") -> http.client.HTTPResponse:
    """A response of the gateway, read to its end."""
    connection = http.client.HTTPSConnection(host, port, context=context, timeout=WAIT)
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def read_certificate(port: int, context: ssl.SSLContext) -> bytes:
    """The certificate of the gateway, verified."""
    with socket.create_connection(("127.0.0.1", port), WAIT) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
        return secure.getpeercert(binary_form=True) or b""


def wait_for_certificate(process: "subprocess.Popen[bytes]", port: int, context: ssl.SSLContext, expected: bytes) -> None:
    """Wait until the gateway has this certificate."""
    while process.poll() is None:
        if read_certificate(port, context) == expected:
            return
    raise AssertionError(f"the gateway exited with {process.returncode}")


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_client_that_verifies_is_served_also_after_a_renewal(authority: Authority, processes: str) -> None:
    first = authority.renew("first")
    context = build_context(authority)
    with run_gateway(**authority.build_environment(), HEROLD_GATEWAY_PROCESSES=processes) as (process, port):
        wait_until_listening(process, port)
        response = fetch(port, context)
        assert (response.status, response.headers["strict-transport-security"]) == (200, f"max-age={HSTS_MAX_AGE}")
        assert read_certificate(port, context) == first
        (authority.directory / "gateway.pem").write_bytes((authority.directory / "gateway-key.pem").read_bytes())
        assert read_certificate(port, context) == first  # half a renewal: the pair in use stays
        wait_for_certificate(process, port, context, authority.renew("second"))
        assert fetch(port, context).status == 200


def test_what_does_not_verify_or_speak_tls_is_refused(authority: Authority, tmp_path: Path) -> None:
    authority.renew("gateway", KEY_PASSWORD)
    (other := tmp_path / "other").mkdir()
    write_certificates(other)
    with run_gateway(**authority.build_environment(key_password=KEY_PASSWORD)) as (process, port):
        wait_until_listening(process, port)
        with pytest.raises(ssl.SSLCertVerificationError, match=r"IP address mismatch|Hostname mismatch"):
            fetch(port, build_context(authority), host="localhost")
        with pytest.raises(ssl.SSLCertVerificationError, match=r"certificate signature failure|self-signed|unable to get local issuer"):
            fetch(port, ssl.create_default_context(cafile=other / "authority.pem"))
        plain = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
        plain.request("GET", "/healthz", headers={"authorization": f"Bearer {API_KEY}"})
        with pytest.raises((http.client.HTTPException, ConnectionError)):  # no redirect: the key has been on the network already
            plain.getresponse()
        plain.close()
        assert fetch(port, build_context(authority)).status == 200


@pytest.mark.parametrize(
    ("minimum", "version", "accepted"),
    [
        ("1.2", ssl.TLSVersion.TLSv1_2, True),
        ("1.3", ssl.TLSVersion.TLSv1_2, False),
        ("1.3", ssl.TLSVersion.TLSv1_3, True),
    ],
)
def test_old_versions_are_refused(authority: Authority, minimum: str, version: ssl.TLSVersion, accepted: bool) -> None:
    authority.renew("gateway")
    with run_gateway(**authority.build_environment(min_version=minimum)) as (process, port):
        wait_until_listening(process, port)
        if accepted:
            assert fetch(port, build_context(authority, version)).status == 200
        else:
            with pytest.raises(ssl.SSLError):
                fetch(port, build_context(authority, version))


def test_a_client_that_does_not_finish_its_handshake_is_dropped(authority: Authority) -> None:
    authority.renew("gateway")
    with run_gateway(**authority.build_environment(), HEROLD_GATEWAY_HEADER_TIMEOUT="0.5") as (process, port):
        wait_until_listening(process, port)
        with socket.create_connection(("127.0.0.1", port), WAIT) as silent:
            assert silent.recv(1) == b""


def test_a_file_that_cannot_be_used_is_a_start_error(authority: Authority) -> None:
    authority.renew("gateway")
    with run_gateway(**authority.build_environment(certificate_file="none.pem")) as (process, _):
        assert read_start_error(process).startswith("error: setting gateway.tls_certificate_file: none.pem cannot be read")


def test_the_command_verifies_the_gateway(authority: Authority, tmp_path: Path) -> None:
    authority.renew("gateway")
    env = authority.build_environment()
    herold = build_herold_runner(HEROLD_HOME=str(tmp_path))
    with run_gateway(**env) as (process, port):
        wait_until_listening(process, port)
        refused = herold("show", "ntf_0", **env, HEROLD_GATEWAY_PORT=str(port))
        assert refused.exit_code == 4
        assert "set gateway.tls_ca_file" in refused.stderr
        found = herold("show", "ntf_0", **env, HEROLD_GATEWAY_PORT=str(port), HEROLD_GATEWAY_TLS_CA_FILE=str(authority.file))
        assert found.exit_code != 4, found.output
