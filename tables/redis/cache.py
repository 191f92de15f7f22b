"""Redis as a cache that may be away: short calls, and a rest after each failure, so that a dead Redis slows but never stalls."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from schemas.errors import Unavailable
from schemas.ports import Clock

T = TypeVar("T")


class Cache:
    """Calls of Redis; `timeout` bounds connecting and each answer, `rest` is how long a failed Redis is left alone, both in seconds."""

    def __init__(self, url: str, clock: Clock, prefix: str = "", timeout: float = 0.2, rest: float = 1.0) -> None:
        self.prefix = prefix
        self._clock, self._rest, self._back_at = clock, rest, 0.0
        self._redis = Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0))

    async def call(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        """What the work gives. Raises Unavailable if Redis fails, and at once while it rests."""
        if self._clock() < self._back_at:
            raise Unavailable("Redis failed a moment ago")
        try:
            return await work(self._redis)
        except (RedisError, OSError, TimeoutError) as gone:
            self._back_at = self._clock() + self._rest
            raise Unavailable(f"Redis does not answer: {type(gone).__name__}: {gone}") from gone

    async def run(self, script: str, keys: Sequence[str], values: Sequence[str | bytes | int] = ()) -> Any:
        """What a script of scripts/ returns. Raises Unavailable as `call` does."""
        text = _script(script)
        return await self.call(lambda redis: redis.register_script(text)(keys=list(keys), args=list(values)))

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()


@cache
def _script(name: str) -> str:
    return (Path(__file__).parent / "scripts" / f"{name}.lua").read_text()
