"""The gateway's connections without servers."""

import asyncio

from app.api.gateway import GatewayConnections
from app.settings import load_settings

UNREACHABLE = "127.0.0.1:1"  # tcpmux: nothing listens there


async def test_shutdown_is_reported_although_no_server_is_available() -> None:
    shutdowns: list[str] = []
    settings = load_settings(
        {
            "KAFKA_BOOTSTRAP_SERVERS": UNREACHABLE,
            "DATABASE_URL": f"postgresql://nobody@{UNREACHABLE}/none",
            "REDIS_URL": f"redis://{UNREACHABLE}/0",
            "HEROLD_GATEWAY_PRODUCE_TIMEOUT": "0.1",
        }
    )
    connections = GatewayConnections(settings, lambda: shutdowns.append("called"))
    async with asyncio.timeout(60), connections.run_lifespan():
        assert shutdowns == []
    assert shutdowns == ["called"]
