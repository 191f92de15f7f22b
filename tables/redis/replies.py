"""The first answer to each Idempotency-Key, for 24 h; the router's table is what guarantees that nothing is told twice."""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from schemas.errors import Unavailable
from schemas.replies import Begun, Other, Reply, Running, Started
from tables.redis.cache import Cache
from tables.redis.keys import ANSWERED, RUNNING


class _Kept(Struct, frozen=True, array_like=True):
    """The hash of the first request with a key and, once it has one, its answer."""

    request_hash: str
    status: int = 0
    body: bytes = b""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


class RedisReplies:
    """Answers in Redis; `token` gives a text that nobody else has. While Redis is away every request is a first one; nothing raises."""

    def __init__(self, cache: Cache, token: Callable[[], str]) -> None:
        self._cache, self._token = cache, token

    async def begin(self, key: str, request_hash: str) -> Begun:
        """What is known of the key; it belongs to this request if nothing is."""
        token, name = self._token(), self._name(key)
        value = _owned_by(token) + _encode(_Kept(request_hash))
        try:
            old = await self._cache.call(lambda redis: redis.set(name, value, ex=RUNNING.seconds, nx=True, get=True))
            return _begun(old, request_hash) if isinstance(old, bytes) else Started(token)
        except (Unavailable, msgspec.DecodeError):
            return Started(token)

    async def end(self, key: str, request_hash: str, token: str, reply: Reply) -> None:
        """Keep the answer, unless the key belongs to another request by now."""
        await self._replace(key, token, _owned_by("") + _encode(_Kept(request_hash, reply.status, reply.body)))

    async def forget(self, key: str, token: str) -> None:
        """Give the key back: the request got no answer worth repeating."""
        await self._replace(key, token, b"")

    async def _replace(self, key: str, token: str, value: bytes) -> None:
        try:
            await self._cache.run("replace", [self._name(key)], [_owned_by(token), value, ANSWERED.seconds])
        except Unavailable:
            return

    def _name(self, key: str) -> str:
        return RUNNING.of(self._cache.prefix, key)


def _owned_by(token: str) -> bytes:
    """How a value begins: with the token of the request that runs, or with none once it is answered."""
    return token.encode() + b"\0"


def _begun(old: bytes, request_hash: str) -> Begun:
    token, _, packed = old.partition(b"\0")
    kept = _decode(packed)
    if kept.request_hash != request_hash:
        return Other()
    return Running() if token else Reply(kept.status, kept.body)
