"""The first answer to each Idempotency-Key, for 24 h; the router's table is what guarantees that nothing is told twice."""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from schemas.errors import UnavailableError
from schemas.idempotent_responses import KeyAcquired, KeyConflict, KeyInProgress, KeyState, StoredResponse
from tables.redis.client import RedisClient
from tables.redis.keys import IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_RESPONSE


class _StoredValue(Struct, frozen=True, array_like=True):
    """The hash of the first request with a key and, once it has one, its answer."""

    request_hash: str
    status_code: int = 0
    body: bytes = b""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_StoredValue).decode


class RedisIdempotentResponses:
    """Answers in Redis; `token` gives a text that nobody else has. While Redis is away every request is a first one; nothing raises."""

    def __init__(self, client: RedisClient, make_token: Callable[[], str]) -> None:
        self._client, self._make_token = client, make_token

    async def acquire_key(self, key: str, request_hash: str) -> KeyState:
        """What is known of the key; it belongs to this request if nothing is."""
        token, name = self._make_token(), self._build_key(key)
        value = _encode_token(token) + _encode(_StoredValue(request_hash))
        try:
            old = await self._client.execute(
                lambda redis: redis.set(name, value, ex=IDEMPOTENCY_IN_PROGRESS.ttl_seconds, nx=True, get=True)
            )
            return _decode_key_state(old, request_hash) if isinstance(old, bytes) else KeyAcquired(token)
        except (UnavailableError, msgspec.DecodeError):
            return KeyAcquired(token)

    async def store_response(self, key: str, request_hash: str, token: str, response: StoredResponse) -> None:
        """Keep the answer, unless the key belongs to another request by now."""
        await self._compare_and_set(
            key, token, _encode_token("") + _encode(_StoredValue(request_hash, response.status_code, response.body))
        )

    async def release_key(self, key: str, token: str) -> None:
        """Give the key back: the request got no answer worth repeating."""
        await self._compare_and_set(key, token, b"")

    async def _compare_and_set(self, key: str, token: str, value: bytes) -> None:
        try:
            await self._client.run_script(
                "compare_and_set", [self._build_key(key)], [_encode_token(token), value, IDEMPOTENCY_RESPONSE.ttl_seconds]
            )
        except UnavailableError:
            return

    def _build_key(self, key: str) -> str:
        return IDEMPOTENCY_IN_PROGRESS.build_key(self._client.prefix, key)


def _encode_token(token: str) -> bytes:
    """How a value begins: with the token of the request that runs, or with none once it is answered."""
    return token.encode() + b"\0"


def _decode_key_state(old: bytes, request_hash: str) -> KeyState:
    token, _, packed = old.partition(b"\0")
    kept = _decode(packed)
    if kept.request_hash != request_hash:
        return KeyConflict()
    return KeyInProgress() if token else StoredResponse(kept.status_code, kept.body)
