"""Reads from the history how long the calls of accounts take, and why they fail."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from schemas.provider_results import CallTimes, FailureCount
from tables.postgres.database import Database
from tables.postgres.query_loader import load_queries

MAX_CALLS: Final = 5_000  # measured, of all accounts together
MAX_FAILURES: Final = 20_000  # counted, of all accounts together

_SQL = load_queries("provider_results")


class PostgresProviderResults:
    """Reads the table delivery_logs. Each method raises UnavailableError; times in epoch seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def measure_calls(self, since: float) -> Sequence[CallTimes]:
        """How long the newest calls took, of notifications submitted since then."""
        first = f"{int(since * 1000):012x}{0:020x}"
        rows = await self._database.fetch(_SQL["measure_calls"], first, MAX_CALLS)
        return [CallTimes(row["provider"], row["calls"], round(row["p95_ms"], 1)) for row in rows]

    async def count_failures(self, since: float) -> Sequence[FailureCount]:
        """The calls since then that were not accepted, the most frequent first."""
        rows = await self._database.fetch(_SQL["count_failures"], datetime.fromtimestamp(since, UTC), MAX_FAILURES)
        return [FailureCount(**{**row, "last_at": row["last_at"].timestamp()}) for row in rows]
