"""The connections of an import or export: PostgreSQL, and Redis for the profiles that an import makes outdated."""

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from app.api.services.random_id_bits import RandomIdBits
from app.connection_settings import RedisSection
from app.ordered_ids import OrderedIds
from schemas.errors import UnavailableError
from tables.postgres.bulk import BulkStore
from tables.postgres.column_sealing import ColumnSealing
from tables.postgres.database import open_database
from tables.postgres.preferences import MakeId, PreferenceStore
from tables.postgres.users import UserStore
from tables.redis.client import RedisClient
from tables.redis.profile_cache import forget

Evict = Callable[[Iterable[str]], Awaitable[None]]

COMMAND_TIMEOUT = 120.0  # seconds; a chunk of thousands of rows may wait for others


class BulkSession(NamedTuple):
    """The stores of an import or export."""

    bulk: BulkStore
    users: UserStore
    make_id: MakeId


@asynccontextmanager
async def open_bulk_session(database_url: str, sealing: ColumnSealing | None) -> AsyncIterator[BulkSession]:
    """The stores over connections that close with the block."""
    make_new_id = OrderedIds(time.time, RandomIdBits(os.urandom))
    async with open_database(database_url, command_timeout=COMMAND_TIMEOUT, sealing=sealing) as database:
        yield BulkSession(BulkStore(database, PreferenceStore(database, make_new_id)), UserStore(database, make_new_id), make_new_id)


@asynccontextmanager
async def open_eviction(redis: RedisSection, prefix: str) -> AsyncIterator[Evict]:
    """A function that removes the cached profiles of changed users; without Redis the changes are noticed when profiles are confirmed."""
    client = RedisClient(redis.url, time.monotonic, prefix, redis.socket_timeout)

    async def evict(user_ids: Iterable[str]) -> None:
        with suppress(UnavailableError):
            await forget(client, user_ids)

    try:
        yield evict
    finally:
        await client.close()
