"""Measures reading profiles: `python -m tests.bench.profile_reads [users] [users per batch]`, on real servers.

They are those of DATABASE_URL and REDIS_URL. Every user is read twice in batches, as the router reads: first from PostgreSQL into Redis,
then from Redis. Prints one JSON object: microseconds of this process per profile (median and minimum of the rounds), and the calibration in
milliseconds.
"""

import gc
import json
import os
import statistics
import sys
import time
import uuid

import asyncpg
import uvloop

from app.admin.database import upgrade_database
from app.profile_reader import build_profile_reader
from tables.postgres.database import Database
from tables.redis import profiles as cached_profiles
from tables.redis.client import RedisClient
from tests.bench.cpu_meter import measure_calibration
from tests.bench.scenarios import INSERT_USERS
from tests.settings_builders import DEFAULT_SETTINGS

ROUNDS = 5


async def measure_round(dsn: str, users: int, size: int) -> tuple[float, float]:
    """Measure the CPU seconds per profile of the two readings, with an empty cache."""
    client = RedisClient(os.environ["REDIS_URL"], time.monotonic, f"bench.{uuid.uuid4().hex}.", 1.0)
    database = Database(dsn, 2)
    reader = build_profile_reader(client, database, DEFAULT_SETTINGS.redis)
    await reader.get_many([f"user-{users + 1}"])  # connects
    ids = [f"user-{number}" for number in range(users)]
    seconds = []
    for _ in range(2):
        started_at = time.process_time()
        for start in range(0, users, size):
            profiles = await reader.get_many(ids[start : start + size])
            assert all(profile.known for profile in profiles.values())
        seconds.append((time.process_time() - started_at) / users)
    await database.close()
    await client.close()
    return seconds[0], seconds[1]


async def run(dsn: str, users: int, size: int) -> None:
    """Measure all rounds with calibrations between them, and print the figures."""
    database = Database(dsn, 1)
    await database.fetch(INSERT_USERS, users)
    await database.close()
    cached_profiles.STORE_PATIENCE = 30.0  # seconds; on a busy machine nothing is late
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    rounds, calibrations = [], [measure_calibration()]
    for _ in range(ROUNDS):
        rounds.append(await measure_round(dsn, users, size))
        calibrations.append(measure_calibration())
    figures = {"calibration_ms": statistics.median(calibrations) * 1000}
    for name, seconds in zip(("stored", "cached"), zip(*rounds, strict=True), strict=True):
        figures |= {f"{name}_us": statistics.median(seconds) * 1e6, f"{name}_best_us": min(seconds) * 1e6}
    print(json.dumps({name: round(figure, 2) for name, figure in figures.items()} | {"users": users, "batch": size}))


async def main() -> None:
    """Run on a new database, which is dropped at the end."""
    users, size = (int(word) for word in (*sys.argv[1:], "20000", "500")[:2])
    url, name = os.environ["DATABASE_URL"], f"bench_{uuid.uuid4().hex[:8]}"
    admin = await asyncpg.connect(url)
    await admin.execute(f"create database {name}")
    try:
        dsn = f"{url.rsplit('/', 1)[0]}/{name}"
        await upgrade_database(dsn, time.time())
        await run(dsn, users, size)
    finally:
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()


if __name__ == "__main__":
    uvloop.run(main())
