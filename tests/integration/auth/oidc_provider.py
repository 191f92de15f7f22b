"""A real OpenID provider on this host: oidc-provider-mock in a process of its own."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

START_ATTEMPTS = 9  # with delays that double, up to two minutes


class OidcProvider:
    """The provider at an issuer."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._client = httpx.Client(base_url=issuer, trust_env=False, timeout=60.0)

    def set_person(self, subject: str, **claims: Any) -> None:
        """What the provider says about a person."""
        self._client.put(f"/users/{subject}", json=claims).raise_for_status()

    def allow(self, url: str, subject: str) -> dict[str, str]:
        """Log the person in at the provider's page; returns the parameters of the redirect."""
        response = httpx.post(url, data={"sub": subject}, trust_env=False, timeout=60.0)
        assert response.status_code == 302, response.text
        return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}

    def close(self) -> None:
        self._client.close()


@contextmanager
def run_provider() -> Iterator[OidcProvider]:
    """The provider, which ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    provider = OidcProvider(f"http://127.0.0.1:{port}")
    try:
        wait_until_ready(process, port)
        yield provider
    finally:
        provider.close()
        process.terminate()
        process.wait(30)


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the provider listens. Raises AssertionError if it ends."""
    transport = httpx.HTTPTransport(retries=START_ATTEMPTS)
    with httpx.Client(transport=transport, trust_env=False, timeout=60.0) as client:
        assert client.get(f"http://127.0.0.1:{port}/.well-known/openid-configuration").status_code == 200
    assert process.poll() is None
