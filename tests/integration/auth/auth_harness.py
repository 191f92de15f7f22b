"""A gateway in this process where people can log in, with a real PostgreSQL and a real Redis, and records in the place of Kafka."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pyotp
from argon2 import PasswordHasher

from app.api.gateway import GatewayConnections
from app.auth.passwords import build_dummy_hash
from app.auth.services import AuthServices
from app.settings import load_settings
from schemas.accounts import Account
from schemas.permissions import Role
from tests.integration.api.gateway_client import API_KEY, UNREACHABLE
from tests.integration.auth.account_stores import AccountStores
from tests.signing_key_builders import build_keys
from tests.unit.app.api.harness import FakePublisher

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "several words in a row"
SECRET = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
BASE_URL = "https://herold.example.org"
CSRF = {"herold-csrf": "1"}
KEY = {"x-api-key": API_KEY}


class AuthHarness:
    """The gateway, a client, and the stores."""

    def __init__(self, client: httpx.AsyncClient, connections: GatewayConnections, publisher: FakePublisher) -> None:
        self.client, self.connections, self.publisher = client, connections, publisher
        self.auth = get_services(connections)
        self.stores = AccountStores(connections.database)

    async def add_account(self, email: str = "ada@example.org", role: Role = Role.OPERATOR, **fields: Any) -> Account:
        """An account with the password PASSWORD."""
        return await self.stores.create(email, role, FAST.hash(PASSWORD), **fields)

    async def log_in(self, email: str = "ada@example.org", password: str = PASSWORD, **fields: Any) -> dict[str, Any]:
        """The tokens of a login, which must succeed."""
        response = await self.client.post("/v1/auth/login", json={"email": email, "password": password, **fields})
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def try_login(self, email: str = "ada@example.org", password: str = PASSWORD, **fields: Any) -> tuple[int, str]:
        """The status and the kind of problem of a login."""
        response = await self.client.post("/v1/auth/login", json={"email": email, "password": password, **fields})
        return response.status_code, str(response.json().get("type", "")).removeprefix("/docs#")

    async def get_me(self, tokens: dict[str, Any]) -> httpx.Response:
        """Who bears an access token."""
        return await self.client.get("/v1/auth/me", headers=bear(tokens))

    async def read_links(self) -> list[str]:
        """The links that were sent, after all that is being sent."""
        await self.auth.links.stop()
        return [str(one.data["link"]) for one in self.publisher.decode_notifications()]

    async def add_totp(self, tokens: dict[str, Any]) -> tuple[pyotp.TOTP, list[str]]:
        """Add an authenticator app; returns it with the recovery codes."""
        enrolment = (await self.client.post("/v1/auth/totp", json={"password": PASSWORD}, headers=bear(tokens))).json()
        app = pyotp.TOTP(enrolment["secret"])
        code = app.at(time.time() - 30)  # so that the code of this moment can still be used
        response = await self.client.post("/v1/auth/totp/confirm", json={"code": code}, headers=bear(tokens))
        assert response.status_code == 200, response.text
        return app, response.json()["recovery_codes"]


def get_services(connections: GatewayConnections) -> AuthServices:
    """What logs people in."""
    assert connections.people.services is not None
    return connections.people.services


def bear(tokens: dict[str, Any]) -> dict[str, str]:
    """The header with an access token."""
    return {"authorization": f"Bearer {tokens['access_token']}"}


@asynccontextmanager
async def open_auth_harness(directory: Path, database_url: str, redis_url: str, prefix: str, **settings: str) -> AsyncIterator[AuthHarness]:
    """The harness; `settings` are keys of the section auth, in lower case. `prefix` keeps its keys in Redis apart."""
    file = directory / "signing-keys.pem"
    file.write_text(build_keys(2).to_text())
    values = {"signing_keys_file": str(file), "secret": SECRET, "public_url": BASE_URL, **settings}
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": UNREACHABLE,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "HEROLD_REDIS_SOCKET_TIMEOUT": "30",
        "HEROLD_KAFKA_TOPIC_PREFIX": prefix,
        "HEROLD_GATEWAY_API_KEY": API_KEY,
        "HEROLD_WORKER_DATA_DIR": "/dev/null/unused",
        **{f"HEROLD_AUTH_{name.upper()}": value for name, value in values.items()},
    }
    connections, publisher = GatewayConnections(load_settings(env)), FakePublisher()
    hashes = get_services(connections).hashes
    connections.submission_service._publisher = publisher
    hashes._hasher, hashes._dummy_hash = FAST, build_dummy_hash(FAST)
    transport = httpx.ASGITransport(connections.build_app(), client=("192.0.2.1", 40_000))
    try:
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, timeout=60.0) as client:
            yield AuthHarness(client, connections, publisher)
    finally:
        await connections.people.close()
        await connections.recent_notifications.stop()  # this one and the limits ask Redis after an answer
        await connections.limits.stop()
        await connections.profile_eviction.stop()
        await connections.live.connections.stop()
        await connections.worker_client.close()
        await connections.redis.close()
        await connections.database.close()
