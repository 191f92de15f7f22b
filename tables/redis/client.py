"""The Redis client: short timeouts, and a pause after each failure, so that callers are delayed briefly when Redis is down."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from schemas.errors import UnavailableError
from schemas.ports import Clock
from tables.redis.command_packing import build_connection_class
from tables.tls_problem import describe_tls_problem

T = TypeVar("T")

COOLDOWN = 1.0  # seconds without calls after a failure


class RedisClient:
    """Executes commands; `socket_timeout` (seconds) bounds connecting and each reply, `prefix` starts each key."""

    def __init__(self, url: str, clock: Clock, prefix: str, socket_timeout: float) -> None:
        self.prefix = prefix
        self._clock, self._retry_at = clock, 0.0
        self._scripts: dict[str, AsyncScript] = {}
        self._redis = Redis.from_url(url, socket_timeout=socket_timeout, socket_connect_timeout=socket_timeout, retry=Retry(NoBackoff(), 0))
        pool = self._redis.connection_pool
        pool.connection_class = build_connection_class(pool.connection_class)

    async def execute(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        """The result of a command. Raises UnavailableError if Redis fails, and immediately for COOLDOWN seconds after a failure."""
        if self._clock() < self._retry_at:
            raise UnavailableError("Redis failed a moment ago")
        try:
            return await command(self._redis)
        except (RedisError, OSError, TimeoutError) as error:
            self._retry_at = self._clock() + COOLDOWN
            problem = describe_tls_problem(error, "redis") or f"{type(error).__name__}: {error}".rstrip(": ")
            raise UnavailableError(f"Redis does not answer: {problem}") from error

    async def run_script(self, script: str, keys: Sequence[str], values: Sequence[str | bytes | int] = ()) -> Any:
        """The result of a script in scripts/. Raises UnavailableError as `execute` does."""
        call = self._scripts.get(script)
        if call is None:
            call = self._scripts[script] = self._redis.register_script(_load_script(script))
        return await self.execute(lambda _: call(keys=keys, args=values))

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()


@cache
def _load_script(name: str) -> str:
    return (Path(__file__).parent / "scripts" / f"{name}.lua").read_text()
