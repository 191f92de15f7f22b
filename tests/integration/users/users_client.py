"""A client of a gateway in this process with a real PostgreSQL and a real Redis, and without Kafka."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from app.api.gateway import GatewayConnections
from tests.integration.api.gateway_client import API_KEY, UNREACHABLE, build_settings


@asynccontextmanager
async def open_users_client(database_url: str, **options: str | Path) -> AsyncIterator[tuple[httpx.AsyncClient, GatewayConnections]]:
    """The client, and the gateway's connections, which close with it."""
    connections = GatewayConnections(build_settings(UNREACHABLE, database_url=database_url, **options))  # type: ignore[arg-type]
    transport = httpx.ASGITransport(connections.build_app())
    headers = {"x-api-key": API_KEY}
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers, timeout=60.0) as client:
            yield client, connections
    finally:
        await connections.profile_eviction.stop()
        await connections.redis.close()
        await connections.database.close()
