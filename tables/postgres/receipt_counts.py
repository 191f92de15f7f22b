"""Counts the receipts of accounts; implements schemas.store_ports.ReceiptCounter."""

from collections.abc import Sequence

from schemas.history import ReceiptCount
from tables.postgres.database import Database
from tables.postgres.query_loader import load_queries

_SQL = load_queries("receipt_counts")


class PostgresReceiptCounter:
    """Reads the tables delivery_logs and deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_receipts(self, providers: Sequence[str], since: float, until: float, limit: int) -> Sequence[ReceiptCount]:
        """How many of the newest messages that a provider accepted got a receipt. Raises UnavailableError."""
        first, last = (f"{int(at * 1000):012x}{0:020x}" for at in (since, until))
        rows = await self._database.fetch(_SQL["count_receipts"], list(providers), first, last, limit)
        return [ReceiptCount(row["provider"], row["messages"], row["receipts"]) for row in rows]
