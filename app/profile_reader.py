"""The profile reader of the router and of the delivery workers: from PostgreSQL, through the cache in Redis."""

import time

from app.connection_settings import RedisSection
from schemas.blind_index import BlindIndex
from schemas.user_keys import SealerReader
from tables.postgres.database import Database
from tables.postgres.profiles import PostgresProfileReader
from tables.redis.client import RedisClient
from tables.redis.profile_cache import RedisProfileCache
from tables.redis.profiles import CachedProfileReader
from tables.redis.sealed_profiles import SealedProfiles

# seconds for connecting to PostgreSQL, and as many for a query of profiles; nobody waits so long (tables.redis.profiles.STORE_PATIENCE)
PROFILE_QUERY_TIMEOUT = 2.0


def build_profile_reader(
    client: RedisClient, database: Database, section: RedisSection, index: BlindIndex | None = None, sealers: SealerReader | None = None
) -> CachedProfileReader:
    """Build the reader over these connections. With `sealers` the profiles of those users are sealed in Redis whose columns are."""
    sealing = None if sealers is None or database.sealing is None else SealedProfiles(sealers, database.sealing.projects)
    cache = RedisProfileCache(client, section.profile_ttl, section.profile_check_interval, sealing)
    return CachedProfileReader(cache, PostgresProfileReader(database, index), time.monotonic)
