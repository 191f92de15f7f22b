"""Rate limits one by one in PostgreSQL, for `herold limits`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from app.admin.policy import check_document, make_row_id
from schemas.policy_document import RateLimitEntry
from schemas.rate_limits import RateLimitKey, RateLimitVersion, StoredRateLimit
from schemas.users import ChangeOrigin
from tables.postgres.database import open_database
from tables.postgres.rate_limits import RateLimitStore

MAX_LIMITS = 10_000  # that a command lists


async def list_rate_limits(
    database_url: str, project: str, channel: str | None, category: str | None, tier: str | None
) -> Sequence[StoredRateLimit]:
    """The limits of a project, in the order of channel, category, tier and window; None selects all. Raises UnavailableError."""
    async with _open_store(database_url) as store:
        return await store.list_rate_limits(MAX_LIMITS, RateLimitKey("", "", "", 0, project), channel, category, tier)


async def list_versions(database_url: str, key: RateLimitKey, limit: int) -> Sequence[RateLimitVersion]:
    """The newest versions of a limit, newest first. Raises MissingRateLimitError and UnavailableError."""
    async with _open_store(database_url) as store:
        return await store.list_versions(key, limit)


async def put_rate_limit(database_url: str, entry: RateLimitEntry, origin: ChangeOrigin) -> StoredRateLimit:
    """Create or change a limit. Raises PolicyDocumentError and UnavailableError."""
    async with _open_store(database_url) as store:
        return await store.put(entry, None, origin, check_document)


async def delete_rate_limit(database_url: str, key: RateLimitKey, origin: ChangeOrigin) -> None:
    """Delete a limit; its versions stay. Raises MissingRateLimitError and UnavailableError."""
    async with _open_store(database_url) as store:
        await store.delete(key, None, origin)


@asynccontextmanager
async def _open_store(database_url: str) -> AsyncIterator[RateLimitStore]:
    async with open_database(database_url) as database:
        yield RateLimitStore(database, make_row_id)
