"""Reads and counts the users of an audience or a broadcast page by page, so that no query goes through all users."""

from schemas.audiences import CountedPage, MatchingUsers, MemberList, NamedUsers, Recipients, UserPage
from schemas.projects import qualify
from tables.postgres.audience_filters import compile_filter
from tables.postgres.database import Database
from tables.postgres.query_loader import load_queries

_SQL = load_queries("recipients")

SCANNED_PER_PAGE = 5000  # users that are read at most for a page of a filter that few users match
SCANNED_PER_COUNT = 50_000
ABOVE_ALL = "\U0010ffff" * 257  # no id has more than 256 characters


async def read_page(database: Database, recipients: Recipients, cursor: str, limit: int) -> UserPage:
    """At most `limit` users after the cursor; a page may have none and not be the last. Raises UnavailableError."""
    if isinstance(recipients, MatchingUsers):
        return await _read_filtered(database, recipients, cursor, limit)
    name, key = _find_list(recipients)
    rows = await database.fetch(_SQL[f"read_{name}"], key, cursor, limit, recipients.project)
    user_ids = [row["user_id"] for row in rows]
    return UserPage(user_ids, user_ids[-1] if user_ids else cursor, len(user_ids) < limit)


async def count_page(database: Database, recipients: Recipients, cursor: str) -> CountedPage:
    """How many users there are in a stretch after the cursor. Raises UnavailableError."""
    if isinstance(recipients, MatchingUsers):
        condition, (first, end) = compile_filter(recipients.filter, 5, database.sealing), _find_range(recipients.project)
        query = _SQL["count_filtered"].replace("{condition}", condition.sql)
        (row,) = await database.fetch(query, cursor or first, SCANNED_PER_COUNT, recipients.project, end, *condition.values)
        return CountedPage(row["matching_count"], row["last_id"] or cursor, row["scanned_count"] < SCANNED_PER_COUNT)
    name, key = _find_list(recipients)
    (row,) = await database.fetch(_SQL[f"count_{name}"], key, recipients.project)
    return CountedPage(row["count"], cursor, True)


async def count_all(database: Database, recipients: Recipients) -> int:
    """How many users there are. Raises UnavailableError."""
    total, page = 0, CountedPage(0, "", False)
    while not page.is_last:
        page = await count_page(database, recipients, page.cursor)
        total += page.count
    return total


async def _read_filtered(database: Database, matching: MatchingUsers, cursor: str, limit: int) -> UserPage:
    condition, (first, end) = compile_filter(matching.filter, 6, database.sealing), _find_range(matching.project)
    query = _SQL["read_filtered"].replace("{condition}", condition.sql)
    values = max(limit, SCANNED_PER_PAGE), limit, matching.project, end
    (row,) = await database.fetch(query, cursor or first, *values, *condition.values)
    user_ids = row["user_ids"]
    if len(user_ids) == limit:
        return UserPage(user_ids, user_ids[-1], False)
    return UserPage(user_ids, row["last_id"] or cursor, row["scanned_count"] < max(limit, SCANNED_PER_PAGE))


def _find_list(recipients: MemberList | NamedUsers) -> tuple[str, str]:
    return ("members", recipients.audience_id) if isinstance(recipients, MemberList) else ("named", recipients.broadcast_id)


def _find_range(project: str) -> tuple[str, str]:
    """What is below and what is above the ids of the users of a project; those of the default one are anywhere."""
    prefix = qualify(project, "")
    return (prefix, f"{prefix[:-1]}0") if prefix else ("", ABOVE_ALL)  # 0 comes after the slash
