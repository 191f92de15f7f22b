"""The rate limiter that processes share through Redis."""

import logging
import time

from app.telemetry import log_event
from tables.process_rate_limiter import ProcessRateLimiter
from tables.redis.client import RedisClient
from tables.redis.fallback_rate_limiter import FallbackRateLimiter
from tables.redis.rate_limiter import RedisRateLimiter


def build_rate_limiter(redis: RedisClient, local: ProcessRateLimiter | None = None) -> FallbackRateLimiter:
    """A limiter that goes on without Redis: with `local`, else with the whole quota in each process. The log says when that is."""
    return FallbackRateLimiter(RedisRateLimiter(redis), ProcessRateLimiter(time.monotonic) if local is None else local, _log_change)


def _log_change(is_alone: bool) -> None:
    log_event("limits.redis_unavailable" if is_alone else "limits.redis_available", logging.WARNING if is_alone else logging.INFO)
