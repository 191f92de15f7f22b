"""Builds the limits of the gateway's requests from the settings."""

import time
from ipaddress import ip_network

from app.api.limit_checks import LimitChecks
from app.api.services.request_limits import RequestLimits
from app.rate_limiter import build_rate_limiter
from app.settings import LimitsSection
from schemas.errors import SettingError
from tables.postgres.projects import CachedProjects
from tables.redis.client import RedisClient


def build_limit_checks(section: LimitsSection, redis: RedisClient, projects: CachedProjects) -> LimitChecks:
    """The limits that the middleware asks."""
    limits = RequestLimits(section, build_rate_limiter(redis), time.monotonic, lambda: projects.settings)
    return LimitChecks(limits, time.monotonic)


def check_trusted_proxies(text: str) -> None:
    """Raise SettingError if it is not a list of addresses and networks: a name or `*` would let every client choose its address."""
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            ip_network(part)
        except ValueError as error:
            raise SettingError("gateway.trusted_proxies", f"must be addresses or CIDR networks, comma separated: {error}") from None
