"""Redis as a cache that may be away: short calls, and a rest after each failure, so that a dead Redis slows but never stalls."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from schemas.errors import UnavailableError
from schemas.ports import Clock

T = TypeVar("T")


class RedisClient:
    """Calls of Redis; `timeout` bounds connecting and each answer, `rest` is how long a failed Redis is left alone, both in seconds."""

    def __init__(self, url: str, clock: Clock, prefix: str = "", timeout: float = 0.2, cooldown: float = 1.0) -> None:
        self.prefix = prefix
        self._clock, self._cooldown, self._retry_at = clock, cooldown, 0.0
        self._redis = Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0))

    async def execute(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        """What the work gives. Raises Unavailable if Redis fails, and at once while it rests."""
        if self._clock() < self._retry_at:
            raise UnavailableError("Redis failed a moment ago")
        try:
            return await command(self._redis)
        except (RedisError, OSError, TimeoutError) as gone:
            self._retry_at = self._clock() + self._cooldown
            raise UnavailableError(f"Redis does not answer: {type(gone).__name__}: {gone}") from gone

    async def run_script(self, script: str, keys: Sequence[str], values: Sequence[str | bytes | int] = ()) -> Any:
        """What a script of scripts/ returns. Raises Unavailable as `call` does."""
        text = _load_script(script)
        return await self.execute(lambda redis: redis.register_script(text)(keys=list(keys), args=list(values)))

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()


@cache
def _load_script(name: str) -> str:
    return (Path(__file__).parent / "scripts" / f"{name}.lua").read_text()
