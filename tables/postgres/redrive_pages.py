"""Gives the pages of redrives to the workers that produce them: each page to one, for as long as its lease lasts."""

from collections import Counter
from collections.abc import Mapping, Sequence

from schemas.dead_letters import DEAD_LETTER_PREFIX
from schemas.ids import to_uuid_hex
from schemas.redrives import REDRIVE_PREFIX, REDRIVEN, ClaimedRedrive, RedriveFacts, RedriveItem, RedriveOptions, RedriveResult, Replacement
from schemas.user_keys import SealerReader
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.dead_letters import build_content
from tables.postgres.opened_dead_letters import open_deliveries
from tables.postgres.query_loader import load_queries
from tables.postgres.redrive_facts import read_facts
from tables.postgres.user_rows import encode_json

_SQL = load_queries("redrive_pages")
MAX_PAGE_BYTES = 16 * 1024 * 1024  # of the values of a page
_UNKNOWN = RedriveFacts()
_RESULTS: dict[str | None, RedriveResult] = {None: "missing", "discarded": "discarded"}


class _NotRunningError(Exception):
    """A redrive was paused or cancelled, or has ended; what was taken in hand is given back."""


class PostgresRedrivePages:
    """Implements schemas.redrive_ports.RedrivePages; `lease` is in seconds. The times are those of PostgreSQL's clock."""

    def __init__(self, database: Database, lease: float, sealers: SealerReader | None = None) -> None:
        self._database, self._lease, self._sealers = database, lease, sealers

    async def claim(self, holder: str) -> ClaimedRedrive | None:
        """A redrive whose next page is due and that no other worker has in hand; None if there is none."""
        rows = await self._database.fetch(_SQL["claim_redrive"], holder, self._lease)
        return _build_claimed(rows[0]) if rows else None

    async def get_wait(self) -> float | None:
        """Seconds until the next page of any redrive is due; None if no redrive waits."""
        (row,) = await self._database.fetch(_SQL["get_wait"])
        return None if row["seconds"] is None else float(row["seconds"])

    async def read_page(self, redrive_id: str, limit: int) -> list[RedriveItem]:
        """At most `limit` of its dead letters that have no result yet, fewer if they are large."""
        rows = await self._database.fetch(_SQL["list_items"], to_uuid_hex(redrive_id), limit, MAX_PAGE_BYTES)
        found = {row["dead_letter_id"].hex: build_content(row) for row in rows if row["id"] is not None}
        contents = dict(zip(found, await open_deliveries([*found.values()], self._sealers), strict=True))
        facts = dict(zip(contents, await read_facts(self._database, [*contents.values()]), strict=True))
        uuids = [row["dead_letter_id"].hex for row in rows]
        return [RedriveItem(f"{DEAD_LETTER_PREFIX}{one}", contents.get(one), facts.get(one, _UNKNOWN)) for one in uuids]

    async def take(self, redrive_id: str, dead_letter_ids: Sequence[str]) -> Mapping[str, RedriveResult] | None:
        """Take in hand what is about to be produced: from now on nobody discards it, and no other redrive produces it.

        Returns those that were discarded, deleted or taken by another redrive since they were read, with their results; None, with none in
        hand, if the redrive does not run any more.
        """
        uuid_hex, uuids = to_uuid_hex(redrive_id), [to_uuid_hex(one) for one in dead_letter_ids]
        try:
            async with self._database.acquire_connection() as connection, connection.transaction():
                await connection.execute(_SQL["lock_dead_letters"], uuids)
                taken = {row["id"].hex for row in await connection.fetch(_SQL["take"], uuid_hex, uuids)}
                others = [one for one in uuids if one not in taken]
                states = {row["id"].hex: row["state"] for row in await connection.fetch(_SQL["list_states"], others)} if others else {}
                if await connection.fetchval(_SQL["keep_lease"], uuid_hex, self._lease) is None:
                    raise _NotRunningError
        except _NotRunningError:
            return None
        return {f"{DEAD_LETTER_PREFIX}{one}": _RESULTS.get(states.get(one), "already_redriven") for one in others}

    async def renew(self, redrive_id: str, holder: str) -> None:
        """Keep a page in hand for longer than its lease."""
        await self._database.fetch(_SQL["renew_lease"], to_uuid_hex(redrive_id), holder, self._lease)

    async def store_page(self, redrive_id: str, results: Mapping[str, RedriveResult], seconds: float) -> bool:
        """Store the results, each once, and give the redrive back. Returns whether it was the last page."""
        uuid_hex, ids = to_uuid_hex(redrive_id), [to_uuid_hex(one) for one in results]
        redriven = [to_uuid_hex(one) for one, result in results.items() if result == REDRIVEN]
        async with self._database.acquire_connection() as connection, connection.transaction():
            stored = await connection.fetch(_SQL["store_results"], uuid_hex, ids, [*results.values()])
            await connection.execute(_SQL["mark_redriven"], uuid_hex, redriven)
            counts = Counter(row["result"] for row in stored)
            produced = counts.pop(REDRIVEN, 0)
            is_open = await connection.fetchval(_SQL["give_back"], uuid_hex, produced, encode_json(dict(counts)), seconds)
        return not is_open

    async def fail(self, redrive_id: str, holder: str, error: str) -> None:
        """End a redrive that cannot go on."""
        await self._database.fetch(_SQL["fail_redrive"], to_uuid_hex(redrive_id), holder, error)


def _build_claimed(row: DatabaseRow) -> ClaimedRedrive:
    replacement = Replacement(row["replacement"], row["replacement_priority"]) if row["replacement"] is not None else None
    options = RedriveOptions(row["include_delivered"], row["extend_expiry"], replacement)
    return ClaimedRedrive(f"{REDRIVE_PREFIX}{row['id'].hex}", row["rate"], options)
