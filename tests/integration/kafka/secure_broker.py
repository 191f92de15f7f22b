"""A Kafka broker whose clients need TLS and credentials, with the certificates of a test authority."""

import base64
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka.errors import KafkaError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dev.stack import kafka
from dev.stack.stack_state import LOOPBACK, pick_free_port
from tests.cluster import wait_until
from tests.contracts.http.certificates import sign_certificate

USERNAME, PASSWORD, KEY_PASSWORD = "herold", "pw-9f3k-secret", "key-7d2m-secret"
PEM = serialization.Encoding.PEM
JAAS = "org.apache.kafka.common.security"
TOKEN_LIFETIME = 3600  # seconds
AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",  # the broker itself, and the clients of the listener without security
}


@dataclass(frozen=True)
class SecureBroker:
    """`plaintext`: without security, for the test itself. `sasl`: SASL_SSL with all mechanisms. `mutual_tls`: with a client certificate."""

    directory: Path
    plaintext: str
    sasl: str
    sasl_plaintext: str
    mutual_tls: str

    def get_path(self, name: str) -> str:
        """The path of a file with certificates, a key or a token."""
        return str(self.directory / name)


@contextmanager
def start_secure_broker(directory: Path, users: Mapping[str, str] | None = None) -> Iterator[SecureBroker]:
    """Start the broker with its certificates in this directory, and stop it at the end. Nobody else uses its ports.

    With `users` (passwords by name) it has an authorizer: they may do nothing without an ACL, and clients without security everything.
    """
    write_certificates(directory)
    ports = [pick_free_port(set()) for _ in range(5)]
    (plaintext, sasl, sasl_plaintext, mutual_tls), controller = ports[:4], ports[4]
    broker = SecureBroker(directory, *map(kafka.build_url, (plaintext, sasl, sasl_plaintext, mutual_tls)))
    (directory / "token").write_text(build_token(TOKEN_LIFETIME))
    passwords = {USERNAME: PASSWORD, **(users or {})}
    scram = [
        f"{name}=[name={user},password={password}]" for user, password in passwords.items() for name in ("SCRAM-SHA-256", "SCRAM-SHA-512")
    ]
    service = kafka.prepare_service(
        directory,
        plaintext,
        controller,
        kafka.prepare_java_runtime(lambda present, total: None),
        extra_config={**build_listener_config(broker, kafka.build_url(controller)), **(AUTHORIZER if users else {})},
        format_options=[option for user in scram for option in ("--add-scram", user)],
    )
    with (directory / "broker.log").open("wb") as output:
        process = subprocess.Popen(service.argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield broker
    finally:
        process.terminate()
        process.wait(60)


async def wait_until_available(broker: SecureBroker) -> None:
    """Wait until the broker is registered in its cluster."""
    port = int(broker.plaintext.rpartition(":")[2])

    async def is_available() -> bool:
        try:
            await kafka.check_readiness(port)
        except (OSError, KafkaError):
            return False
        return True

    await wait_until(is_available, 120, f"the broker is available; see {broker.directory / 'broker.log'}", interval=0.1)


def build_listener_config(broker: SecureBroker, controller: str) -> dict[str, str | int]:
    """The four listeners for clients, and that of the controller."""
    listeners = {
        "PLAINTEXT": broker.plaintext,
        "SASL": broker.sasl,
        "CLEAR": broker.sasl_plaintext,
        "MUTUAL": broker.mutual_tls,
    }
    urls = ",".join(f"{name}://{address}" for name, address in listeners.items())
    return {
        "listeners": f"{urls},CONTROLLER://{controller}",
        "advertised.listeners": urls,
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,CLEAR:SASL_PLAINTEXT,MUTUAL:SSL",
        # connections end in the order in which they failed, so that a client that waits for its last one leaves none open
        "num.network.threads": 1,
        "connection.failed.authentication.delay.ms": 0,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": broker.get_path("broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": broker.get_path("authority.pem"),
        "listener.name.mutual.ssl.client.auth": "required",
        **build_sasl_config("sasl"),
        **build_sasl_config("clear"),
    }


def build_sasl_config(listener: str) -> dict[str, str]:
    """All mechanisms; the user of SCRAM is stored when the data directory is formatted."""
    prefix, login = f"listener.name.{listener}", "required"
    broker_token = 'unsecuredLoginStringClaim_sub="broker"'
    return {
        f"{prefix}.connections.max.reauth.ms": "3600000",  # a connection ends with the lifetime of its token
        f"{prefix}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        f"{prefix}.plain.sasl.jaas.config": f'{JAAS}.plain.PlainLoginModule {login} user_{USERNAME}="{PASSWORD}";',
        f"{prefix}.scram-sha-256.sasl.jaas.config": f"{JAAS}.scram.ScramLoginModule {login};",
        f"{prefix}.scram-sha-512.sasl.jaas.config": f"{JAAS}.scram.ScramLoginModule {login};",
        f"{prefix}.oauthbearer.sasl.jaas.config": f"{JAAS}.oauthbearer.OAuthBearerLoginModule {login} {broker_token};",
    }


def build_token(lifetime: float) -> str:
    """An unsecured JSON Web Token, which Kafka's default validator of OAUTHBEARER accepts."""
    now = int(time.time())
    parts = ({"alg": "none"}, {"sub": USERNAME, "iat": now, "exp": now + lifetime})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def write_certificates(directory: Path) -> None:
    """Write an authority, the broker's certificate for 127.0.0.1 alone, a client certificate with its key, and another authority."""
    root, broker, client, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(4))
    authority = sign_certificate("authority", root, "authority", root, is_authority=True)
    (directory / "authority.pem").write_bytes(authority.public_bytes(PEM))
    (directory / "other-authority.pem").write_bytes(sign_certificate("other", other, "other", other, is_authority=True).public_bytes(PEM))
    for name, key in (("broker", broker), ("client", client)):
        certificate = sign_certificate(name, key, "authority", root, is_authority=False, host_names=()).public_bytes(PEM)
        (directory / f"{name}.pem").write_bytes(encode_key(key) + certificate)
        (directory / f"{name}-certificate.pem").write_bytes(certificate)
    (directory / "client-key.pem").write_bytes(encode_key(client, KEY_PASSWORD))


def encode_key(key: ec.EllipticCurvePrivateKey, password: str = "") -> bytes:
    """The key in PEM, encrypted if there is a password."""
    encryption = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, encryption)


def build_security_environment(keys: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of keys of `kafka.security`."""
    return {f"HEROLD_KAFKA_SECURITY_{key.upper()}": value for key, value in keys.items()}


def list_variants(broker: SecureBroker) -> dict[str, tuple[str, dict[str, str]]]:
    """Ways to connect that the broker accepts: the address and the keys of `kafka.security`."""
    authority = {"ca_file": broker.get_path("authority.pem")}
    tls = {"protocol": "SASL_SSL", **authority}
    login = {"username": USERNAME, "password": PASSWORD}
    certificate = {
        "certificate_file": broker.get_path("client-certificate.pem"),
        "key_file": broker.get_path("client-key.pem"),
        "key_password": KEY_PASSWORD,
    }
    return {
        "PLAIN": (broker.sasl, {**tls, **login, "sasl_mechanism": "PLAIN"}),
        "SCRAM-SHA-256": (broker.sasl, {**tls, **login, "sasl_mechanism": "SCRAM-SHA-256"}),
        "SCRAM-SHA-512": (broker.sasl, {**tls, **login}),
        "OAUTHBEARER file": (broker.sasl, {**tls, "sasl_mechanism": "OAUTHBEARER", "token_file": broker.get_path("token")}),
        "OAUTHBEARER command": (
            broker.sasl,
            {**tls, "sasl_mechanism": "OAUTHBEARER", "token_command": f"cat '{broker.get_path('token')}'"},
        ),
        "client certificate": (broker.mutual_tls, {"protocol": "SSL", **authority, **certificate}),
        "without TLS": (broker.sasl_plaintext, {"protocol": "SASL_PLAINTEXT", **login}),
        "host name unchecked": (broker.sasl.replace(LOOPBACK, "localhost"), {**tls, **login, "check_hostname": "false"}),
    }
