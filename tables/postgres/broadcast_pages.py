"""Gives the pages of broadcasts to the workers that expand them: each page to one, for as long as its lease lasts."""

import msgspec

from schemas.audiences import AudienceFilter, CountedPage, MatchingUsers, MemberList, NamedUsers, Recipients, UserPage
from schemas.broadcasts import BROADCAST_PREFIX, ClaimedBroadcast
from schemas.ids import to_uuid_hex
from tables.postgres import recipients as recipient_pages
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("broadcast_pages")
_decode_filter = msgspec.json.Decoder(AudienceFilter).decode

MAX_ID_AGE = 20 * 3600.0  # seconds; the router takes ids of at most a day, and recognises a replay for as long


class PostgresBroadcastPages:
    """Implements schemas.store_ports.BroadcastPages; `lease` is in seconds. The times are those of PostgreSQL's clock."""

    def __init__(self, database: Database, lease: float) -> None:
        self._database, self._lease = database, lease

    async def claim(self, holder: str) -> ClaimedBroadcast | None:
        """A broadcast whose next page is due and that no other worker has in hand; None if there is none."""
        rows = await self._database.fetch(_SQL["claim_broadcast"], holder, self._lease, MAX_ID_AGE)
        return _build_claimed(rows[0]) if rows else None

    async def get_wait(self) -> float | None:
        """Seconds until the next page of any broadcast is due; None if no broadcast waits."""
        (row,) = await self._database.fetch(_SQL["get_wait"])
        return None if row["seconds"] is None else float(row["seconds"])

    async def read_page(self, recipients: Recipients, cursor: str, limit: int) -> UserPage:
        """At most `limit` users after the cursor."""
        return await recipient_pages.read_page(self._database, recipients, cursor, limit)

    async def count_page(self, recipients: Recipients, cursor: str) -> CountedPage:
        """How many users there are in a stretch after the cursor."""
        return await recipient_pages.count_page(self._database, recipients, cursor)

    async def renew(self, broadcast_id: str, holder: str) -> bool:
        """Keep a broadcast in hand for longer; False if another worker has it, or it was paused or cancelled."""
        return bool(await self._database.fetch(_SQL["renew_lease"], to_uuid_hex(broadcast_id), holder, self._lease))

    async def give_back(self, broadcast_id: str, holder: str) -> None:
        """Give back a broadcast of which nothing is produced, if the worker has it."""
        await self._database.fetch(_SQL["give_back"], to_uuid_hex(broadcast_id), holder)

    async def store_total(self, broadcast_id: str, holder: str, total_count: int) -> bool:
        """Store how many users there are; False if another worker has the broadcast."""
        return bool(await self._database.fetch(_SQL["store_total"], to_uuid_hex(broadcast_id), holder, total_count))

    async def store_page(self, broadcast_id: str, cursor: str, page: UserPage, seconds: float) -> bool:
        """Store that the page after the cursor is done, and give the broadcast back; False if another worker has stored it."""
        values = page.cursor, len(page.user_ids), page.is_last, seconds
        return bool(await self._database.fetch(_SQL["store_page"], to_uuid_hex(broadcast_id), cursor, *values))

    async def fail(self, broadcast_id: str, holder: str, error: str) -> None:
        """End a broadcast that cannot be expanded."""
        await self._database.fetch(_SQL["fail_broadcast"], to_uuid_hex(broadcast_id), holder, error)


def _build_claimed(row: DatabaseRow) -> ClaimedBroadcast:
    return ClaimedBroadcast(
        id=f"{BROADCAST_PREFIX}{row['id'].hex}",
        recipients=_find_recipients(row),
        notification=row["notification"].encode(),
        priority=row["priority"],
        rate=row["rate"],
        cursor=row["cursor"],
        total_count=row["total_count"],
        identified_at=row["identified_at"].timestamp(),
    )


def _find_recipients(row: DatabaseRow) -> Recipients | None:
    project = row["project"]
    if row["has_user_ids"]:
        return NamedUsers(row["id"].hex, project)
    if row["kind"] is None:
        return None
    return MatchingUsers(_decode_filter(row["filter"]), project) if row["kind"] == "filter" else MemberList(row["audience_id"].hex, project)
