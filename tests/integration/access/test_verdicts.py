"""Several gateways with one PostgreSQL: a revocation counts in all of them, and an outage ends no key that is known."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from app.api.gateway import GatewayConnections
from app.api.services.api_key_verdicts import MAX_AGE, ApiKeyVerdicts, Times
from app.settings import load_settings
from tables.postgres.database import Database
from tests.integration.access.keys import PATH, build_headers, create_key
from tests.integration.api.gateway_client import API_KEY, UNREACHABLE, UNUSED_DATA_DIR
from tests.tcp_proxy import run_proxy

METRICS = "/metrics"  # needs a permission and no PostgreSQL
OUTAGE_LIMIT = 600.0


class Gateway(httpx.AsyncClient):
    """A client of a gateway whose verdicts age by `now`."""

    now = 0.0
    verdicts: ApiKeyVerdicts


@asynccontextmanager
async def open_gateway(database_url: str) -> AsyncIterator[Gateway]:
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": UNREACHABLE,
        "DATABASE_URL": database_url,
        "REDIS_URL": f"redis://{UNREACHABLE}",
        "HEROLD_GATEWAY_API_KEY": API_KEY,
        "HEROLD_WORKER_DATA_DIR": str(UNUSED_DATA_DIR),
    }
    connections = GatewayConnections(load_settings(env))
    store = connections.api_key_store

    def get_age() -> float:
        return gateway.now

    connections.api_keys = ApiKeyVerdicts(store.find_verdict, store.record_uses, Times(time.time, get_age), OUTAGE_LIMIT)
    gateway = Gateway(transport=httpx.ASGITransport(connections.build_app()), base_url="http://gateway", timeout=60.0)
    gateway.verdicts = connections.api_keys
    try:
        async with gateway:
            gateway.headers["x-api-key"] = API_KEY
            yield gateway
    finally:
        await connections.profile_eviction.stop()
        await connections.redis.close()
        await connections.database.close()


async def test_a_revocation_in_one_gateway_counts_in_the_other_within_30_seconds(database_copy_url: str) -> None:
    async with open_gateway(database_copy_url) as first, open_gateway(database_copy_url) as second:
        key = await create_key(first, "viewer")
        assert [(await one.get(METRICS, headers=build_headers(key))).status_code for one in (first, second)] == [200, 200]
        await first.post(f"{PATH}/{key['id']}/revoke")
        first.now = second.now = MAX_AGE + 0.1
        assert [(await one.get(METRICS, headers=build_headers(key))).status_code for one in (first, second)] == [401, 401]
    assert MAX_AGE < 30


async def test_while_postgres_is_gone_a_known_key_goes_on_and_another_one_is_unknown(database_copy_url: str) -> None:
    async with run_proxy(database_copy_url) as proxy, open_gateway(proxy.url) as gateway:
        known, other = await create_key(gateway, "viewer"), await create_key(gateway, "viewer")
        assert (await gateway.get(METRICS, headers=build_headers(known))).status_code == 200
        await proxy.disable()
        gateway.now = MAX_AGE + 1
        assert (await gateway.get(METRICS, headers=build_headers(known))).status_code == 200
        unknown = await gateway.get(METRICS, headers=build_headers(other))
        assert (unknown.status_code, unknown.json()["type"]) == (503, "/docs#unavailable")
        assert unknown.headers["retry-after"]
        gateway.now = OUTAGE_LIMIT + 1
        assert (await gateway.get(METRICS, headers=build_headers(known))).status_code == 503
        assert (await gateway.get(METRICS, headers={"x-api-key": "no key at all"})).status_code == 401


async def test_the_last_use_is_written_later(database_copy_url: str, database_copy: Database) -> None:
    async with open_gateway(database_copy_url) as gateway:
        key = await create_key(gateway, "viewer")
        await gateway.get(METRICS, headers=build_headers(key))
        assert (await gateway.get(f"{PATH}/{key['id']}")).json()["last_used_at"] is None
        before = (await gateway.get(f"{PATH}/{key['id']}")).headers["etag"]
        await gateway.verdicts.flush_uses()
        used = await gateway.get(f"{PATH}/{key['id']}")
        assert used.json()["last_used_at"] is not None
        assert used.headers["etag"] == before
