"""A gateway that registers endpoints, with name servers of the test."""

import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from agents.providers.http.resolver import Addresses, ResolveFunction, Resolver
from app.api.gateway import GatewayConnections
from app.settings import load_settings
from tables.postgres.database import Database
from tests.integration.api.gateway_client import API_KEY, UNREACHABLE, UNUSED_DATA_DIR

MASTER_SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ANY_VERSION = {"if-match": "*"}
PATH = "/v1/webhook-endpoints"


def resolve_publicly(host: str, port: int) -> Addresses:
    """A public address for every host but for those that end in `.invalid`."""
    if host.endswith(".invalid"):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", port))]


@asynccontextmanager
async def open_endpoint_client(
    database_url: str, resolve: ResolveFunction = resolve_publicly, **variables: str
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with this database and these name servers; the variables override its settings."""
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": UNREACHABLE,
        "DATABASE_URL": database_url,
        "REDIS_URL": f"redis://{UNREACHABLE}",
        "HEROLD_GATEWAY_API_KEY": API_KEY,
        "HEROLD_WORKER_DATA_DIR": str(UNUSED_DATA_DIR),
        "HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET": MASTER_SECRET,
        **variables,
    }
    connections = GatewayConnections(load_settings(env))
    connections.resolver = Resolver(time.monotonic, resolve)
    transport = httpx.ASGITransport(connections.build_app())
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=60.0) as client:
            client.headers["x-api-key"] = API_KEY
            yield client
    finally:
        await connections.profile_eviction.stop()
        await connections.redis.close()
        await connections.long_database.close()
        await connections.database.close()


async def insert_user(database: Database, user_id: str = "u-1") -> None:
    """Insert a user without addresses."""
    await database.fetch("insert into users (id) values ($1) on conflict do nothing", user_id)


async def create(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    """Register an endpoint; by default one of u-1."""
    body = {"url": "https://hooks.example.org/orders", **({} if fields.get("kind") == "status" else {"user_id": "u-1"}), **fields}
    response = await client.post(PATH, json=body)
    assert response.status_code == 201, response.text
    return dict(response.json())
