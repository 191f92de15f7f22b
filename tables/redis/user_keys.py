"""The wrapped data keys in Redis, so that keys are found while PostgreSQL is away, and most look-ups do not go there."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec

from schemas.errors import UnavailableError
from schemas.user_keys import WrappedKey
from tables.redis.client import RedisClient
from tables.redis.keys import USER_KEYS, USER_KEYS_TOMBSTONE_TTL

_decode = msgspec.msgpack.Decoder(list[WrappedKey]).decode
_encode = msgspec.msgpack.Encoder().encode
_KEYS_PER_COMMAND = 1000
_TOMBSTONE = _encode([])


class RedisUserKeys:
    """Without Redis nothing is found or stored."""

    def __init__(self, client: RedisClient, ttl_seconds: int) -> None:
        self._client, self._ttl_seconds = client, ttl_seconds

    async def get_many(self, user_ids: Sequence[str]) -> dict[str, list[WrappedKey]]:
        """The keys of users that are cached, in the order of their versions."""
        found: dict[str, list[WrappedKey]] = {}
        with suppress(UnavailableError, msgspec.DecodeError):
            for start in range(0, len(user_ids), _KEYS_PER_COMMAND):
                chunk = user_ids[start : start + _KEYS_PER_COMMAND]
                redis_keys = _build_keys(self._client, chunk)
                values = await self._client.execute(lambda redis, keys=redis_keys: redis.mget(keys))  # type: ignore[misc]
                found |= {user_id: keys for user_id, value in zip(chunk, values, strict=True) if value and (keys := _decode(value))}
        return found

    async def add_many(self, keys: Mapping[str, Sequence[WrappedKey]]) -> None:
        """Cache the keys of users, unless they were destroyed since they were read."""
        user_ids = list(keys)
        with suppress(UnavailableError):
            for start in range(0, len(user_ids), _KEYS_PER_COMMAND):
                chunk = user_ids[start : start + _KEYS_PER_COMMAND]
                values = [_encode(keys[user_id]) for user_id in chunk]
                await self._client.run_script("add_many", _build_keys(self._client, chunk), [self._ttl_seconds, *values])


async def forget_user_keys(client: RedisClient, user_ids: Iterable[str]) -> None:
    """Remove the keys of users after they were destroyed; readers that began before it write them no more. Raises UnavailableError."""
    for redis_key in _build_keys(client, list(user_ids)):
        await client.execute(lambda redis, key=redis_key: redis.set(key, _TOMBSTONE, ex=USER_KEYS_TOMBSTONE_TTL))  # type: ignore[misc]


def _build_keys(client: RedisClient, user_ids: Sequence[str]) -> list[str]:
    return [USER_KEYS.build_key(client.prefix, user_id) for user_id in user_ids]
