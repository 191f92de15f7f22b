"""Registers the web address of a worker in Redis, so that the gateway finds it; without Redis the worker goes on, and is not found."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from schemas.errors import UnavailableError
from tables.redis.worker_addresses import RedisWorkerAddresses

REGISTRATION_INTERVAL = 10.0  # seconds; a registration is valid for three of them (tables/redis/keys.py, WORKERS_TTL)


async def register_forever(addresses: RedisWorkerAddresses, role: str, url: str, sleep: Callable[[float], Awaitable[object]]) -> None:
    """Register the worker again and again until cancelled."""
    while True:
        with suppress(UnavailableError):
            await addresses.register(role, url)
        await sleep(REGISTRATION_INTERVAL)
