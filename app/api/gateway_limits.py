"""Builds the limits of the gateway's requests from the settings."""

import logging
import time
from ipaddress import ip_network

from app.api.limit_checks import LimitChecks
from app.api.services.request_limits import RequestLimits
from app.settings import LimitsSection
from app.telemetry import log_event
from schemas.errors import SettingError
from tables.process_rate_limiter import ProcessRateLimiter
from tables.redis.client import RedisClient
from tables.redis.fallback_rate_limiter import FallbackRateLimiter
from tables.redis.rate_limiter import RedisRateLimiter


def build_rate_limiter(redis: RedisClient) -> FallbackRateLimiter:
    """A limiter that all processes of the gateway share; without Redis each has the whole quota."""
    return FallbackRateLimiter(RedisRateLimiter(redis), ProcessRateLimiter(time.monotonic), _log_change)


def build_limit_checks(section: LimitsSection, redis: RedisClient) -> LimitChecks:
    """The limits that the middleware asks."""
    return LimitChecks(RequestLimits(section, build_rate_limiter(redis), time.monotonic), time.monotonic)


def check_trusted_proxies(text: str) -> None:
    """Raise SettingError if it is not a list of addresses and networks: a name or `*` would let every client choose its address."""
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            ip_network(part)
        except ValueError as error:
            raise SettingError("gateway.trusted_proxies", f"must be addresses or CIDR networks, comma separated: {error}") from None


def _log_change(is_alone: bool) -> None:
    log_event("limits.redis_unavailable" if is_alone else "limits.redis_available", logging.WARNING if is_alone else logging.INFO)
