"""Which breakers are open, for people who look: each worker decides by itself, and nothing is read from here to decide."""

from typing import Any

import msgspec
from msgspec import Struct

from tables.redis.client import RedisClient
from tables.redis.keys import BREAKER, BREAKER_SURPLUS_TTL


class BreakerState(Struct, frozen=True):
    """An open breaker: its cause, when the next probe is permitted (epoch seconds), and the worker that wrote it last."""

    cause: str
    open_until: float
    worker: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(BreakerState).decode


class RedisBreakerStates:
    """One key for each account with an open breaker. Each method raises UnavailableError."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def write(self, account: str, state: BreakerState, seconds: float) -> None:
        """Write that a breaker is open, for so many seconds until the next probe."""
        key, ttl = self._build_key(account), int(seconds) + BREAKER_SURPLUS_TTL
        await self._client.execute(lambda redis: redis.set(key, _encode(state), ex=ttl))

    async def remove(self, account: str) -> None:
        """Write that a breaker is closed."""
        await self._client.execute(lambda redis: redis.delete(self._build_key(account)))

    async def read(self, account: str) -> BreakerState | None:
        """The open breaker of an account; None if none is known."""
        value: Any = await self._client.execute(lambda redis: redis.get(self._build_key(account)))
        return _decode(value) if value is not None else None

    def _build_key(self, account: str) -> str:
        return BREAKER.build_key(self._client.prefix, account)
