"""The gateway that is attacked: over HTTP, over raw sockets, and by a look into its log and its stores."""

import re
import socket
import subprocess
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import httpx

from dev.stack.signing_key import build_key_pair

API_KEY = "attack-me-" + "k" * 32
LINK_SECRET = b64encode(b"l" * 32).decode()
MASTER_SECRET = b64encode(b"m" * 32).decode()
SIGNING_KEY = b64encode(b"s" * 32).decode()
TWILIO_TOKEN = "twilio-auth-token-" + "t" * 20
SENDGRID_KEY = "".join(build_key_pair().partition("-----BEGIN PUBLIC KEY-----")[2].partition("-----END")[0].split())
TIMEOUT = 60.0  # seconds, after which a test fails
_find_statuses = re.compile(rb"HTTP/1\.1 (\d{3}) ").findall


def build_variables(kafka_url: str, database_url: str, redis_url: str, prefix: str) -> dict[str, str]:
    """The environment of the gateway."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_url,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "HEROLD_KAFKA_TOPIC_PREFIX": prefix,
        "HEROLD_KAFKA_TOPIC_PARTITIONS": "2",
        "HEROLD_REDIS_SOCKET_TIMEOUT": "30",
        "HEROLD_GATEWAY_PRODUCE_TIMEOUT": "30",
        "HEROLD_GATEWAY_API_KEY": API_KEY,
        "HEROLD_LIMITS_REJECTED_PER_SECOND": "0",  # each wrong credential is looked at
        "HEROLD_LINKS_BASE_URL": "https://herold.example.org",
        "HEROLD_LINKS_SECRET": LINK_SECRET,
        "HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET": MASTER_SECRET,
        "HEROLD_AUDIT_SIGNING_KEY": SIGNING_KEY,
        "HEROLD_PROVIDERS_TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
        "HEROLD_PROVIDERS_SENDGRID_WEBHOOK_PUBLIC_KEY": SENDGRID_KEY,
        "HEROLD_PROVIDERS_TWILIO_CALLBACK_BASE_URL": "https://herold.example.org",
    }


@dataclass(frozen=True)
class AttackedGateway:
    """A gateway process."""

    process: "subprocess.Popen[bytes]"
    port: int
    api_key: str
    database_url: str
    kafka_url: str
    prefix: str
    redis_url: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self, api_key: str | None = None) -> httpx.Client:
        """A client with the key; an empty one sends none."""
        key = self.api_key if api_key is None else api_key
        headers = {"x-api-key": key} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=TIMEOUT, trust_env=False, follow_redirects=False)

    def read_log(self) -> str:
        """What the gateway has logged until now."""
        assert self.process.stderr is not None
        self.process.stderr.seek(0)
        return self.process.stderr.read().decode()

    def exchange(self, *parts: bytes) -> bytes:
        """All that comes back on a new connection until the gateway closes it: the last request should ask for that."""
        with socket.create_connection(("127.0.0.1", self.port), TIMEOUT) as connection:
            for part in parts:
                connection.sendall(part)
            received = bytearray()
            while data := connection.recv(65536):
                received += data
        return bytes(received)

    def is_alive(self) -> bool:
        """Whether the process runs and answers."""
        with self.open("") as client:
            return self.process.poll() is None and client.get("/healthz").status_code == 200


def list_statuses(received: bytes) -> list[int]:
    """The statuses of the responses on a connection, in their order."""
    return [int(status) for status in _find_statuses(received)]


def build_request(method: str = "POST", path: str = "/v1/notifications", *headers: str, body: bytes = b"") -> bytes:
    """A request with the key and these headers; none is added."""
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway", f"X-API-Key: {API_KEY}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def list_items(body: Any) -> Any:
    """The items of a page."""
    return body["items"]
