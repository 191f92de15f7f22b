"""The first response for each Idempotency-Key, kept for 24 h. The router's table idempotency is what prevents duplicates."""

from collections.abc import Callable
from contextlib import suppress

import msgspec
from msgspec import Struct

from schemas.errors import UnavailableError
from schemas.idempotent_responses import KeyAcquired, KeyConflict, KeyInProgress, KeyState, StoredResponse
from tables.redis.client import RedisClient
from tables.redis.keys import IDEMPOTENCY, IDEMPOTENCY_IN_PROGRESS_TTL, IDEMPOTENCY_RESPONSE_TTL
from tables.redis.script_batcher import ScriptBatcher


class _StoredValue(Struct, frozen=True, array_like=True):
    """The hash of the first request with a key and, when there is one, its response; a status code of 0 means none."""

    request_hash: str
    status_code: int = 0
    body: bytes = b""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_StoredValue).decode


class RedisIdempotentResponses:
    """Responses in Redis; `make_token` returns a unique text.

    While Redis is unavailable, each request is treated as the first with its key. No method raises UnavailableError.
    """

    def __init__(self, client: RedisClient, make_token: Callable[[], str]) -> None:
        self._prefix, self._make_token = client.prefix, make_token
        self._batcher = ScriptBatcher(client, "compare_and_set_many", [IDEMPOTENCY_IN_PROGRESS_TTL, IDEMPOTENCY_RESPONSE_TTL])

    async def acquire_key(self, key: str, request_hash: str) -> KeyState:
        """The state of the key; if it is new, this request acquires it."""
        token = self._make_token()
        try:
            existing = await self._batcher.run(self._build_key(key), b"", _encode_token(token) + _encode(_StoredValue(request_hash)))
            return _decode_key_state(existing, request_hash) if isinstance(existing, bytes) else KeyAcquired(token)
        except (UnavailableError, msgspec.DecodeError):
            return KeyAcquired(token)

    async def store_response(self, key: str, request_hash: str, token: str, response: StoredResponse) -> None:
        """Store the response, unless another request has acquired the key in the meantime."""
        value = _encode_token("") + _encode(_StoredValue(request_hash, response.status_code, response.body))
        await self._replace(key, token, value)

    async def release_key(self, key: str, token: str) -> None:
        """Release the key: the response must not be repeated."""
        await self._replace(key, token, b"")

    async def _replace(self, key: str, token: str, value: bytes) -> None:
        with suppress(UnavailableError):
            await self._batcher.run(self._build_key(key), _encode_token(token), value)

    def _build_key(self, key: str) -> str:
        return IDEMPOTENCY.build_key(self._prefix, key)


def _encode_token(token: str) -> bytes:
    """The start of a value: the token of the request in progress, or an empty token with the response."""
    return token.encode() + b"\0"


def _decode_key_state(existing: bytes, request_hash: str) -> KeyState:
    token, _, encoded = existing.partition(b"\0")
    stored = _decode(encoded)
    if stored.request_hash != request_hash:
        return KeyConflict()
    return KeyInProgress() if token else StoredResponse(stored.status_code, stored.body)
