"""Reads and counts the users of an audience or a broadcast page by page, so that no query goes through all users."""

from schemas.audiences import AudienceFilter, CountedPage, MemberList, Recipients, UserPage
from tables.postgres.audience_filters import compile_filter
from tables.postgres.database import Database
from tables.postgres.query_loader import load_queries

_SQL = load_queries("recipients")

SCANNED_PER_PAGE = 5000  # users that are read at most for a page of a filter that few users match
SCANNED_PER_COUNT = 50_000


async def read_page(database: Database, recipients: Recipients, cursor: str, limit: int) -> UserPage:
    """At most `limit` users after the cursor; a page may have none and not be the last. Raises UnavailableError."""
    if isinstance(recipients, AudienceFilter):
        return await _read_filtered(database, recipients, cursor, limit)
    name, key = ("read_members", recipients.audience_id) if isinstance(recipients, MemberList) else ("read_named", recipients.broadcast_id)
    user_ids = [row["user_id"] for row in await database.fetch(_SQL[name], key, cursor, limit)]
    return UserPage(user_ids, user_ids[-1] if user_ids else cursor, len(user_ids) < limit)


async def count_page(database: Database, recipients: Recipients, cursor: str) -> CountedPage:
    """How many users there are in a stretch after the cursor. Raises UnavailableError."""
    if isinstance(recipients, AudienceFilter):
        condition = compile_filter(recipients, 3)
        query = _SQL["count_filtered"].replace("{condition}", condition.sql)
        (row,) = await database.fetch(query, cursor, SCANNED_PER_COUNT, *condition.values)
        return CountedPage(row["matching_count"], row["last_id"] or cursor, row["scanned_count"] < SCANNED_PER_COUNT)
    name, key = (
        ("count_members", recipients.audience_id) if isinstance(recipients, MemberList) else ("count_named", recipients.broadcast_id)
    )
    (row,) = await database.fetch(_SQL[name], key)
    return CountedPage(row["count"], cursor, True)


async def count_all(database: Database, recipients: Recipients) -> int:
    """How many users there are. Raises UnavailableError."""
    total, page = 0, CountedPage(0, "", False)
    while not page.is_last:
        page = await count_page(database, recipients, page.cursor)
        total += page.count
    return total


async def _read_filtered(database: Database, audience_filter: AudienceFilter, cursor: str, limit: int) -> UserPage:
    condition = compile_filter(audience_filter, 4)
    query = _SQL["read_filtered"].replace("{condition}", condition.sql)
    (row,) = await database.fetch(query, cursor, max(limit, SCANNED_PER_PAGE), limit, *condition.values)
    user_ids = row["user_ids"]
    if len(user_ids) == limit:
        return UserPage(user_ids, user_ids[-1], False)
    return UserPage(user_ids, row["last_id"] or cursor, row["scanned_count"] < max(limit, SCANNED_PER_PAGE))
