"""The Redis client: short timeouts, and a pause after each failure, so that callers are delayed briefly when Redis is down."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

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
        self._running, self._is_closed, self._have_ended = 0, False, asyncio.Event()
        self._max_seconds = 2 * socket_timeout  # of a command, which may have to connect first
        self._redis = Redis.from_url(url, socket_timeout=socket_timeout, socket_connect_timeout=socket_timeout, retry=Retry(NoBackoff(), 0))
        pool = self._redis.connection_pool
        pool.connection_class = build_connection_class(pool.connection_class)

    async def execute(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        """The result of a command. Raises UnavailableError if Redis fails, at once for COOLDOWN seconds after it, and when closed."""
        if self._clock() < self._retry_at or self._is_closed:
            raise UnavailableError("the connections to Redis are closed" if self._is_closed else "Redis failed a moment ago")
        self._running += 1
        try:
            return await command(self._redis)
        except (RedisError, OSError, TimeoutError) as error:
            self._retry_at = self._clock() + COOLDOWN
            problem = describe_tls_problem(error, "redis") or f"{type(error).__name__}: {error}".rstrip(": ")
            raise UnavailableError(f"Redis does not answer: {problem}") from error
        finally:
            self._end_command()

    def _end_command(self) -> None:
        self._running -= 1
        if self._is_closed and not self._running:
            self._have_ended.set()

    async def run_script(self, script: str, keys: Sequence[str], values: Sequence[str | bytes | int] = ()) -> Any:
        """The result of a script in scripts/. Raises UnavailableError as `execute` does."""
        loaded = _load_script(script)
        return await self.execute(lambda redis: _run_script(redis, loaded, len(keys), (*keys, *values)))

    async def close(self) -> None:
        """Close all connections once the commands under way have ended: one that still connects would leave its connection open."""
        self._is_closed = True
        if self._running:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._max_seconds):
                    await self._have_ended.wait()
        await self._redis.aclose()


class _Script(NamedTuple):
    text: str
    digest: str


@cache
def _load_script(name: str) -> _Script:
    text = (Path(__file__).parent / "scripts" / f"{name}.lua").read_text()
    return _Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


async def _run_script(redis: Any, script: _Script, keys: int, arguments: Sequence[str | bytes | int]) -> Any:
    """As redis-py's AsyncScript, which takes longer than the call to find out with isinstance that the client is no pipeline."""
    try:
        return await redis.evalsha(script.digest, keys, *arguments)
    except NoScriptError:  # the first call, or the server was restarted
        await redis.script_load(script.text)
        return await redis.evalsha(script.digest, keys, *arguments)
