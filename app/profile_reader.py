"""The profile reader of the router and of the delivery workers: from PostgreSQL, through the cache in Redis."""

import time

from app.settings import RedisSection
from tables.postgres.database import Database
from tables.postgres.profiles import PostgresProfileReader
from tables.redis.client import RedisClient
from tables.redis.profile_cache import RedisProfileCache
from tables.redis.profiles import CachedProfileReader


def build_profile_reader(client: RedisClient, database: Database, section: RedisSection) -> CachedProfileReader:
    """Build the reader over these connections."""
    cache = RedisProfileCache(client, section.profile_ttl, section.profile_check_interval)
    return CachedProfileReader(cache, PostgresProfileReader(database), time.monotonic)
