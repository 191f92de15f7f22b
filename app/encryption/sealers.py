"""The reader of the keys of users, as the gateway and the workers build it."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.connection_settings import RedisSection
from app.encryption.outer_keys import build_blind_index, build_outer_keys
from app.encryption.section import EncryptionSection
from app.settings import Settings
from schemas.errors import SettingError
from schemas.sealing import RandomBuffer
from schemas.user_keys import SealerReader
from tables.postgres.column_sealing import ColumnSealing
from tables.postgres.database import Database
from tables.postgres.project_sealing import Fetch, NoSealing, ProjectSealing
from tables.postgres.user_keys import PostgresUserKeys
from tables.redis.client import RedisClient
from tables.redis.sealers import CachedSealerReader
from tables.redis.user_keys import RedisUserKeys


@asynccontextmanager
async def open_sealers(
    encryption: EncryptionSection, redis: RedisSection, topic_prefix: str, database: Database
) -> AsyncIterator[CachedSealerReader | None]:
    """The reader for a command, which opens and does not seal; None without outer keys. Raises SettingError."""
    outer_keys = build_outer_keys(encryption)
    if outer_keys is None:
        yield None
        return
    client = RedisClient(redis.url, time.monotonic, topic_prefix, redis.socket_timeout)
    try:
        cache, store = RedisUserKeys(client, redis.profile_ttl), PostgresUserKeys(database, outer_keys)
        yield CachedSealerReader(cache, store, outer_keys, RandomBuffer(os.urandom), time.monotonic, NoSealing())
    finally:
        await client.close()


def build_sealer_reader(settings: Settings, redis: RedisClient, database: Database, *, seals: bool = True) -> CachedSealerReader | None:
    """The reader; None if the settings have no outer keys. `seals`: whether this process seals if they say so. Raises SettingError."""
    section = settings.encryption
    outer_keys = build_outer_keys(section)
    if outer_keys is None:
        return None
    cache, store = RedisUserKeys(redis, settings.redis.profile_ttl), PostgresUserKeys(database, outer_keys)
    choice = ProjectSealing(section.enabled, time.monotonic, database.fetch) if seals else NoSealing()
    return CachedSealerReader(cache, store, outer_keys, RandomBuffer(os.urandom), time.monotonic, choice)


def build_column_sealing(
    section: EncryptionSection, cached: SealerReader | None = None, fetch: Fetch | None = None
) -> ColumnSealing | None:
    """How columns are sealed; None without keys. `cached` reads keys for profiles, `fetch` what projects say. Raises SettingError."""
    outer_keys, index = build_outer_keys(section), build_blind_index(section)
    if outer_keys is None:
        return None
    if index is None:
        raise SettingError(
            "encryption.index_key", "is empty, and encryption.keys is not: sealed addresses are found by hashes under this key"
        )
    return ColumnSealing(outer_keys, index, ProjectSealing(section.enabled, time.monotonic, fetch), RandomBuffer(os.urandom), cached)
