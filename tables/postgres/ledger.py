"""Reads the ledger from the rows of the history, not from their counts. Raises UnavailableError if PostgreSQL does not answer."""

from collections.abc import Mapping

from schemas.channels import ChannelName
from schemas.ids import NOTIFICATION_PREFIX, make_id, to_uuid_hex
from schemas.ledger import MAX_IDS, OVERDUE_AFTER, Ledger, LedgerRow, build_ledger
from tables.postgres.database import Database
from tables.postgres.query_loader import load_queries, restrict_to_project

_SQL = load_queries("ledger")


class PostgresLedger:
    """Reads the tables notifications and deliveries, from PostgreSQL or a replica."""

    def __init__(self, database: Database, receipt_timeouts: Mapping[ChannelName, int]) -> None:
        """`receipt_timeouts`: seconds after SENT in which a receipt may arrive, by channel; 0 or missing: SENT is final."""
        self._database, self._receipt_timeouts = database, receipt_timeouts

    async def read(self, since: float, until: float, now: float, project: str | None) -> Ledger:
        """The ledger of notifications with ids from a time on and before another one (epoch seconds), of a project or of all."""
        bounds = [to_uuid_hex(make_id(NOTIFICATION_PREFIX, at, 0))[:12] + "0" * 20 for at in (since, until)]
        channels, timeouts = list(self._receipt_timeouts), list(self._receipt_timeouts.values())
        query = restrict_to_project(_SQL["count_ledger"], project)
        rows = await self._database.fetch(query, *bounds, now, OVERDUE_AFTER, channels, timeouts, MAX_IDS, project)
        return build_ledger(
            [LedgerRow(row["kind"], row["name"], row["part"], row["count"], [one.hex for one in row["ids"]]) for row in rows]
        )
