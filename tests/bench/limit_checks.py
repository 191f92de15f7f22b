"""Measures what the limits of requests cost a gateway: CPU microseconds per request, counted in the Redis of REDIS_URL.

Prints one JSON object: without limits, with the limit of a key, and with those of address, key and project.
Run: python -m tests.bench.limit_checks [requests]
"""

import asyncio
import json
import os
import statistics
import sys
import time
from typing import Any

from app.api.limit_checks import LimitChecks
from app.api.principal import PRINCIPAL, build_bootstrap_principal
from app.api.services.request_limits import RequestLimits
from app.settings import LimitsSection
from tables.redis.client import RedisClient
from tables.redis.rate_limiter import RedisRateLimiter
from tests.bench.cpu_meter import measure_calibration

AT_ONCE = 32  # requests that one turn of the event loop begins
MORE = 100_000  # permits; more than are used
SCOPES = ("ip", "key", "account", "project", "rejected")


async def measure(client: RedisClient, limited: tuple[str, ...], requests: int) -> float:
    """Seconds per request."""
    rates = {f"{scope}_per_second": float(MORE) if scope in limited else 0.0 for scope in SCOPES}
    section = LimitsSection(**rates, **{f"{scope}_burst": MORE for scope in SCOPES})  # type: ignore[arg-type]
    checks, principal = (
        LimitChecks(RequestLimits(section, RedisRateLimiter(client), time.monotonic), time.monotonic),
        build_bootstrap_principal(),
    )
    started = time.process_time()
    for _ in range(requests // AT_ONCE):
        for _ in range(AT_ONCE):
            scope: Any = {"path": "/v1/notifications", "headers": [], "client": ("192.0.2.1", 1), PRINCIPAL: principal}
            assert await checks.check_address(scope) is None
            assert await checks.check_principal(scope) is None
            checks.on_response(scope, 202)
            checks.build_headers(scope)
        await asyncio.sleep(0)
    seconds = (time.process_time() - started) / requests
    await checks.stop()
    return seconds


async def main() -> None:
    """Measure, and print the figures."""
    requests = int(next((word for word in sys.argv[1:] if word.isdigit()), 100_000))
    client = RedisClient(os.environ["REDIS_URL"], time.monotonic, f"bench.{os.getpid()}.", 1.0)
    calibrations = [measure_calibration() for _ in range(5)]
    figures = {
        "no_limit_us": await measure(client, (), requests),
        "key_us": await measure(client, ("key",), requests),
        "ip_key_project_us": await measure(client, ("ip", "key", "project"), requests),
    }
    calibrations += [measure_calibration() for _ in range(5)]
    await client.close()
    rounded = {name: round(seconds * 1e6, 2) for name, seconds in figures.items()}
    print(json.dumps({**rounded, "requests": requests, "calibration_ms": round(statistics.median(calibrations) * 1000, 2)}))


if __name__ == "__main__":
    asyncio.run(main())
