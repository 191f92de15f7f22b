"""The web addresses of the running workers by role, so that the gateway finds one of them."""

from tables.redis.client import RedisClient
from tables.redis.keys import WORKERS, WORKERS_TTL


class RedisWorkerAddresses:
    """A sorted set for each role: who has stopped is forgotten after WORKERS_TTL seconds. Each method raises UnavailableError."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def register(self, role: str, url: str) -> None:
        """Register a worker for WORKERS_TTL seconds."""
        await self._client.run_script("register_worker", [WORKERS.build_key(self._client.prefix, role)], [WORKERS_TTL, url])

    async def list_urls(self, role: str) -> list[str]:
        """The addresses of the registered workers of a role; the one that was registered last comes first."""
        urls = await self._client.run_script("list_workers", [WORKERS.build_key(self._client.prefix, role)])
        return [url.decode() for url in urls]
