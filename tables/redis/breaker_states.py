"""Which breakers are open, for people who look: each worker decides by itself, and nothing is read from here to decide."""

from typing import Any

import msgspec
from msgspec import Struct

from tables.redis.client import RedisClient
from tables.redis.keys import BREAKER, BREAKER_SURPLUS_TTL, OPEN_BREAKERS


class BreakerState(Struct, frozen=True):
    """An open breaker: its cause, when the next probe is permitted, the worker that wrote it last, and since when it is open.

    Times in epoch seconds; `opened_at` is 0 if an older release wrote it.
    """

    cause: str
    open_until: float
    worker: str
    opened_at: float = 0.0


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(BreakerState).decode


class RedisBreakerStates:
    """One key for each account with an open breaker, and a list of them. Each method raises UnavailableError."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._list_key = BREAKER.build_key(client.prefix, OPEN_BREAKERS)

    async def write(self, account: str, state: BreakerState, seconds: float) -> None:
        """Write that a breaker is open, for so many seconds until the next probe."""
        key, ttl = self._build_key(account), int(seconds) + BREAKER_SURPLUS_TTL
        await self._client.execute(lambda redis: redis.set(key, _encode(state), ex=ttl))
        ends_at = state.open_until + BREAKER_SURPLUS_TTL
        await self._client.execute(lambda redis: redis.zadd(self._list_key, {account: ends_at}))
        await self._client.execute(lambda redis: redis.zremrangebyscore(self._list_key, 0, state.open_until - seconds))

    async def remove(self, account: str) -> None:
        """Write that a breaker is closed."""
        await self._client.execute(lambda redis: redis.delete(self._build_key(account)))
        await self._client.execute(lambda redis: redis.zadd(self._list_key, {account: 0}))

    async def read(self, account: str) -> BreakerState | None:
        """The open breaker of an account; None if none is known."""
        value: Any = await self._client.execute(lambda redis: redis.get(self._build_key(account)))
        return _decode(value) if value is not None else None

    async def read_all(self, limit: int) -> dict[str, BreakerState]:
        """The open breakers by account, at most `limit`: those that are probed last first."""
        names: Any = await self._client.execute(lambda redis: redis.zrevrangebyscore(self._list_key, "+inf", "(0", 0, limit))
        accounts = [name.decode() if isinstance(name, bytes) else str(name) for name in names]
        if not accounts:
            return {}
        values: Any = await self._client.execute(lambda redis: redis.mget([self._build_key(account) for account in accounts]))
        return {account: _decode(value) for account, value in zip(accounts, values, strict=True) if value is not None}

    def _build_key(self, account: str) -> str:
        return BREAKER.build_key(self._client.prefix, account)
